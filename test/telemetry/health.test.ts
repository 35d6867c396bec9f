import { expect, test } from 'vitest';
import { HealthRegistry } from '../../src/telemetry/health.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { MetricsHub } from '../../src/telemetry/metrics-hub.ts';
import { FakeClock } from '../flow/fake-clock.ts';

const START_MS = 1_700_000_000_000;

test('a component is as well as the worst of its lanes, with the reason and since when', async () => {
  const clock = new FakeClock();
  const registry = new HealthRegistry(clock);
  registry.declare('receiver:kafka', ['traces'], ['lane 0', 'lane 1']);
  expect(registry.components()).toEqual([
    { key: 'receiver:kafka', groups: ['traces'], status: 'starting', reason: '', sinceMs: START_MS },
  ]);
  registry.report('receiver:kafka', 'lane 0', 'ok');
  expect(registry.overall().status).toBe('starting');
  await clock.advance(10);
  registry.report('receiver:kafka', 'lane 1', 'ok');
  expect(registry.overall()).toEqual({ status: 'ok', reason: '', sinceMs: START_MS + 10 });
  await clock.advance(10);
  registry.report('receiver:kafka', 'lane 1', 'recoverable', 'no broker');
  await clock.advance(10);
  registry.report('receiver:kafka', 'lane 1', 'recoverable', 'no broker');
  expect(registry.overall()).toEqual({ status: 'recoverable', reason: 'no broker', sinceMs: START_MS + 20 });
});

test('trouble lasts, whatever reason is told for it meanwhile', async () => {
  const clock = new FakeClock();
  const registry = new HealthRegistry(clock);
  registry.report('exporter:a', 'lane 0', 'recoverable', 'refused');
  await clock.advance(10);
  registry.report('exporter:a', 'lane 0', 'recoverable', 'no such table');
  expect(registry.overall()).toEqual({ status: 'recoverable', reason: 'no such table', sinceMs: START_MS });
});

test('broken counts for more than trouble', () => {
  const registry = new HealthRegistry(new FakeClock());
  registry.reporter('exporter:a').report('recoverable', 'slow');
  registry.reporter('exporter:b').report('broken', 'gone');
  registry.reporter('exporter:c').report('ok');
  expect(registry.overall()).toMatchObject({ status: 'broken', reason: 'gone' });
});

test('a metric per component says whether it is well', () => {
  const hub = new MetricsHub();
  const registry = new HealthRegistry(
    new FakeClock(),
    createInstruments((slot) => hub.accept('main', slot)),
  );
  registry.reporter('exporter:a').report('ok');
  registry.reporter('exporter:b').report('broken', 'gone');
  expect(hub.samples('spanweir_component_healthy')).toEqual([
    { labels: { component: 'exporter:a' }, value: 1 },
    { labels: { component: 'exporter:b' }, value: 0 },
  ]);
});
