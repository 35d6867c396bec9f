import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { LatencyWindow } from '../../../src/extensions/overview-page/latency-window.ts';
import { OwnLatencies, type TimerSource } from '../../../src/extensions/overview-page/own-latencies.ts';
import { slotOf, TIMER_SLOTS } from '../../../src/telemetry/durations.ts';

function clockAt(time: { ms: number }): Clock {
  return { wallMs: () => time.ms, monotonicMs: () => time.ms, sleep: async () => undefined };
}

describe('latencies of the engine itself', () => {
  it('are quantiles of the last minute', () => {
    const window = new LatencyWindow();
    expect(window.read(100)).toBeNull();
    for (let i = 1; i <= 100; i++) window.record(100, i);
    const { p50Ms, p90Ms, p99Ms, maxMs } = window.read(111) ?? {};
    expect(p50Ms).toBeCloseTo(50, 0);
    expect(p90Ms).toBeCloseTo(90, 0);
    expect(p99Ms).toBeCloseTo(99, -1);
    expect(maxMs).toBeCloseTo(100, 0);
    expect(window.read(112)).toBeNull();
    window.record(112, 5);
    expect(window.read(112)?.maxMs).toBeCloseTo(5, 1);
  });

  it('name the timers of the engine, and what the main thread and the page take', () => {
    const time = { ms: 1_000_000 };
    const slots = new Float64Array(TIMER_SLOTS);
    const source: TimerSource = {
      timers: (name) =>
        name === 'spanweir_clickhouse_insert_duration_seconds'
          ? [{ labels: { exporter: 'clickhouse', table: 'otel_traces' }, slots }]
          : [],
    };
    const latencies = new OwnLatencies(clockAt(time));
    expect(latencies.read(source)).toEqual([]);
    slots[slotOf(0.1)] = 10;
    latencies.late(3);
    latencies.answered(2);
    const rows = latencies.read(source);
    expect(rows.map(({ what }) => what)).toEqual([
      'insert, from sending to the answer: otel_traces',
      'main thread: how late it comes to its work',
      'this page: time to answer',
    ]);
    expect(rows[0]?.p50Ms).toBeGreaterThan(96);
    expect(rows[0]?.p50Ms).toBeLessThan(104);
    expect(rows[1]?.maxMs).toBeCloseTo(3, 1);
    expect(latencies.read(undefined)).toHaveLength(2);
  });
});
