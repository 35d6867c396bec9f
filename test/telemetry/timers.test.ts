import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { createExposition } from '../../src/telemetry/exposition.ts';
import { createInstruments } from '../../src/telemetry/instruments.ts';
import { MetricsHub } from '../../src/telemetry/metrics-hub.ts';

const SCRAPES = 'spanweir_prometheus_scrape_duration_seconds';
const LABELS = { exporter: 'prometheus' };

function timed() {
  let nowMs = 0;
  const clock: Clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {} };
  const hub = new MetricsHub();
  const exposition = createExposition(hub, clock);
  return {
    hub,
    forward: (ms: number) => {
      nowMs += ms;
    },
    timerOf: (source: string) => createInstruments((slot) => hub.accept(source, slot)).timer(SCRAPES, LABELS),
    read: async () => {
      const lines = (await exposition.render()).split('\n').filter((line) => line.startsWith(SCRAPES));
      return Object.fromEntries(
        lines.map((line) => {
          const [name = '', value] = line.split(' ');
          return [
            name.replace(SCRAPES, '').replace('exporter="prometheus"', '').replace(/[{},]/g, ''),
            Number(value),
          ];
        }),
      );
    },
  };
}

test('quantiles are over all threads, within 3 %, with an exact sum and count', async () => {
  const { timerOf, read } = timed();
  const [one, two] = [timerOf('lane 0'), timerOf('lane 1')];
  // 1 ms .. 1000 ms, every other one in another thread.
  for (let ms = 1; ms <= 1000; ms++) (ms % 2 === 0 ? one : two).record(ms / 1000);
  const {
    'quantile="0.5"': p50,
    'quantile="0.9"': p90,
    'quantile="0.99"': p99,
    'quantile="1"': max,
    ...rest
  } = await read();
  for (const [value, expected] of [
    [p50, 0.5],
    [p90, 0.9],
    [p99, 0.99],
    [max, 1],
  ]) {
    expect(Math.abs((value as number) / (expected as number) - 1)).toBeLessThan(0.03);
  }
  expect(rest).toEqual({ _sum: expect.closeTo(500.5, 6), _count: 1000 });
});

test('quantiles are of the last minute, sum and count of all time', async () => {
  const { timerOf, read, forward } = timed();
  const timer = timerOf('main');
  for (let i = 0; i < 100; i++) timer.record(10);
  await read();
  for (let second = 0; second < 5; second++) {
    forward(12_000);
    timer.record(0.001);
    await read();
  }
  forward(12_000);
  const shown = await read();
  expect(shown['quantile="1"']).toBeLessThan(0.002);
  expect([shown._count, shown._sum]).toEqual([105, expect.closeTo(1000.005, 6)]);
  forward(120_000);
  expect((await read())['quantile="0.5"']).toBeNaN();
});

test('what an ended thread timed stays counted, and nothing breaks the page', async () => {
  const { hub, timerOf, read } = timed();
  const timer = timerOf('lane 0');
  timer.record(0);
  timer.record(-1);
  timer.record(1e9);
  hub.retire('lane 0');
  timerOf('lane 0').record(0.5);
  expect(await read()).toMatchObject({ _count: 4 });
});
