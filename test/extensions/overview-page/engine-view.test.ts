import { describe, expect, it } from 'vitest';
import {
  EngineHistory,
  type MetricSource,
  read,
} from '../../../src/extensions/overview-page/engine-history.ts';
import { engineView } from '../../../src/extensions/overview-page/engine-view.ts';

type Values = Readonly<Record<string, readonly (readonly [labels: Record<string, string>, value: number])[]>>;

function sourceOf(values: Values): MetricSource {
  return {
    samples: (name) => (values[name] ?? []).map(([labels, value]) => ({ labels, value })),
  };
}

const use = (cpuSeconds: number) => ({ cpuSeconds, residentBytes: 200, heapBytes: 100 });

function at(step: number): MetricSource {
  return sourceOf({
    spanweir_intake_spans_total: [
      [{ receiver: 'a' }, 100 * step],
      [{ receiver: 'b' }, 50 * step],
    ],
    spanweir_kafka_receiver_lag_messages: [
      [{ receiver: 'a', topic: 't', partition: '0' }, 5],
      [{ receiver: 'a', topic: 't', partition: '1' }, 7],
    ],
    spanweir_intake_quarantined_total: [
      [{ receiver: 'a', reason: 'malformed' }, step],
      [{ receiver: 'b', reason: 'malformed' }, 1],
    ],
    spanweir_span_metrics_folded_spans_total: [
      [{ connector: 'm', service: 'cart', label: 'user.id' }, step],
      [{ connector: 'm', service: 'shop', label: 'span.name' }, 3 * step],
      [{ connector: 'n', service: 'shop', label: 'span.name' }, 1],
    ],
    spanweir_clickhouse_inserts_total: [[{ exporter: 'c', table: 'otel_traces' }, 2 * step]],
    spanweir_clickhouse_insert_seconds_total: [[{ exporter: 'c', table: 'otel_traces' }, 0.5 * step]],
    spanweir_clickhouse_inserted_rows_total: [[{ exporter: 'c', table: 'otel_traces' }, 150 * step]],
  });
}

/** A reading each 5 s, the last one now. */
function viewAfter(steps: number) {
  const history = new EngineHistory();
  for (let step = 0; step < steps; step++) {
    history.tick(read(step * 5000, at(step), use(step)));
  }
  return engineView(history, read(steps * 5000, at(steps), use(steps)), at(steps), []);
}

describe('the engine view', () => {
  it('tells lag, throughput, CPU, memory and dead letters over all receivers', () => {
    const { figures, windowS, deadLetters } = viewAfter(100);
    expect(windowS).toBe(60);
    expect(figures).toEqual({
      lagMessages: 12,
      spansPerSecond: 30,
      spans: 15_000,
      bytesPerSecond: 0,
      inFlightBytes: 0,
      cpuCores: 0.2,
      residentBytes: 200,
      heapBytes: 100,
      deadLetters: 101,
    });
    expect(deadLetters).toEqual([{ what: 'malformed', lastMinute: 12, total: 101 }]);
  });

  it('names who has too many names, over all connectors, the worst first', () => {
    expect(viewAfter(2).culprits).toEqual([
      { service: 'shop', label: 'span.name', spans: 7 },
      { service: 'cart', label: 'user.id', spans: 2 },
    ]);
  });

  it('tells what is inserted into each table, and how long that takes', () => {
    expect(viewAfter(20).inserts).toEqual([
      {
        table: 'otel_traces',
        insertsPerSecond: 0.4,
        rowsPerSecond: 30,
        bytesPerSecond: 0,
        meanMs: 250,
        failures: 0,
        rows: 3000,
      },
    ]);
  });

  it('plots five minutes; rates begin with the second reading', () => {
    const { plot } = viewAfter(3);
    expect(plot.agesS).toEqual([15, 10, 5]);
    expect(plot.spansPerSecond).toEqual([null, 30, 30]);
    expect(plot.insertMs).toEqual([null, 250, 250]);
    expect(plot.lagMessages).toEqual([12, 12, 12]);
    expect(viewAfter(500).plot.cpuCores).toHaveLength(60);
  });

  it('names the partitions that are farthest behind first', () => {
    expect(viewAfter(1).lags).toEqual([
      { topic: 't', partition: '1', messages: 7 },
      { topic: 't', partition: '0', messages: 5 },
    ]);
  });

  it('has nothing to say before the first reading, and without metrics', () => {
    const view = engineView(new EngineHistory(), read(0, undefined, use(0)), undefined, []);
    expect([view.windowS, view.figures.spansPerSecond, view.figures.cpuCores]).toEqual([0, null, null]);
    expect([view.inserts, view.blocks, view.lags, view.plot.agesS]).toEqual([[], [], [], []]);
  });
});
