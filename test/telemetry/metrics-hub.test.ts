import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createExposition } from '../../src/telemetry/exposition.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { MetricsHub } from '../../src/telemetry/metrics-hub.ts';

const SPANS = 'spanweir_debug_spans_total';
const HEALTHY = 'spanweir_component_healthy';
const BYTES = 'spanweir_receiver_in_flight_bytes';

function instrumentsOf(hub: MetricsHub, source: string) {
  return createInstruments((slot) => hub.accept(source, slot));
}

test('counters of all threads add up per labels', () => {
  const hub = new MetricsHub();
  instrumentsOf(hub, 'lane 0').counter(SPANS, { exporter: 'debug' }).add(3);
  const second = instrumentsOf(hub, 'lane 1');
  second.counter(SPANS, { exporter: 'debug' }).add(4);
  second.counter(SPANS, { exporter: 'debug/2' }).add(5);
  expect(hub.samples(SPANS)).toEqual([
    { labels: { exporter: 'debug' }, value: 7 },
    { labels: { exporter: 'debug/2' }, value: 5 },
  ]);
});

test('an instrument that is asked for twice is the same one', () => {
  const hub = new MetricsHub();
  const instruments = instrumentsOf(hub, 'main');
  instruments.counter(SPANS, { exporter: 'debug' }).add(1);
  instruments.counter(SPANS, { exporter: 'debug' }).add(1);
  expect(hub.samples(SPANS)).toEqual([{ labels: { exporter: 'debug' }, value: 2 }]);
});

test('gauges add up or show the largest, as their row says', () => {
  const hub = new MetricsHub();
  for (const [source, value] of [
    ['lane 0', 1],
    ['lane 1', 0],
  ] as const) {
    const instruments = instrumentsOf(hub, source);
    instruments.gauge(HEALTHY, { component: 'x' }).set(value);
    instruments.gauge(BYTES, { receiver: 'otlp' }).set(10);
  }
  expect(hub.samples(HEALTHY)).toEqual([{ labels: { component: 'x' }, value: 1 }]);
  expect(hub.samples(BYTES)).toEqual([{ labels: { receiver: 'otlp' }, value: 20 }]);
});

test('what an ended thread counted stays, what it measured goes', () => {
  const hub = new MetricsHub();
  const first = instrumentsOf(hub, 'lane 0');
  first.counter(SPANS, { exporter: 'debug' }).add(3);
  first.gauge(BYTES, { receiver: 'otlp' }).set(10);
  hub.retire('lane 0');
  expect(hub.samples(BYTES)).toEqual([]);
  expect(hub.samples(SPANS)).toEqual([{ labels: { exporter: 'debug' }, value: 3 }]);
  instrumentsOf(hub, 'lane 0').counter(SPANS, { exporter: 'debug' }).add(2);
  expect(hub.samples(SPANS)).toEqual([{ labels: { exporter: 'debug' }, value: 5 }]);
});

test('more instruments than fit on one page keep apart', () => {
  const hub = new MetricsHub();
  const instruments = instrumentsOf(hub, 'main');
  for (let i = 0; i < 1100; i++) instruments.counter(SPANS, { exporter: String(i) }).add(i);
  expect(hub.samples(SPANS)).toHaveLength(1100);
  expect(hub.samples(SPANS).find(({ labels }) => labels['exporter'] === '1099')?.value).toBe(1099);
});

test('undeclared names and labels are programming errors', () => {
  const instruments = createInstruments(() => {});
  expect(() => instruments.counter('spanweir_made_up_total')).toThrow('not declared');
  expect(() => instruments.gauge(SPANS, { exporter: 'x' })).toThrow('declared as a counter');
  expect(() => instruments.counter(SPANS)).toThrow('has the labels [exporter], not []');
});

test('the page for Prometheus has the values of the moment, and those of the process', async () => {
  const hub = new MetricsHub();
  const counter = instrumentsOf(hub, 'main').counter(SPANS, { exporter: 'debug' });
  const exposition = createExposition(hub, systemClock);
  counter.add(2);
  expect(await exposition.render()).toContain(`${SPANS}{exporter="debug"} 2\n`);
  counter.add(1);
  const page = await exposition.render();
  expect(page).toContain(
    `# HELP ${SPANS} Spans seen by a debug exporter.\n# TYPE ${SPANS} counter\n${SPANS}{exporter="debug"} 3\n`,
  );
  expect(page).toMatch(/^nodejs_eventloop_lag_seconds \d/m);
  expect(page).toMatch(/^process_resident_memory_bytes \d/m);
  expect(page.match(/^# TYPE \S+_total gauge$/m)).toBeNull();
});
