import { expect, test } from 'vitest';
import { EdgeSeriesTable } from '../../src/dependencies/edge-series.ts';
import { type Edge, NOBODY } from '../../src/dependencies/edge-store.ts';

const NOW = { wallMs: 1_700_000_000_000, monotonicMs: 5000 };
const LATER = { wallMs: 1_700_000_060_000, monotonicMs: 65_000 };

function edge(client: number, server: number, more: Partial<Edge> = {}): Edge {
  return {
    client,
    server,
    connection: 0,
    virtual: 0,
    failed: false,
    clientNs: 3e6,
    serverNs: 1e6,
    weight: 1,
    ...more,
  };
}

function table(limit: number): EdgeSeriesTable {
  return new EdgeSeriesTable({ boundsNs: [2e6], limit });
}

function shown(series: EdgeSeriesTable): (string | number)[][] {
  return [...series.all()].map(({ client, server, failed, calls }) => [
    client.name,
    server.name,
    failed ? 'failed' : '',
    calls,
  ]);
}

test('edges beyond the limit are counted in one series per outcome', () => {
  const series = table(1);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => series.partyId({ name, dimensions: [] })) as [
    number,
    number,
    number,
  ];
  series.add(edge(a, b), NOW);
  series.add(edge(b, c, { weight: 4 }), NOW);
  series.add(edge(a, c), NOW);
  series.add(edge(a, b, { failed: true }), NOW);
  expect(shown(series)).toEqual([
    ['a', 'b', '', 1],
    ['otel.metric.overflow', 'otel.metric.overflow', '', 5],
    ['otel.metric.overflow', 'otel.metric.overflow', 'failed', 1],
  ]);
  expect(series.overflowed).toBe(6);
});

test('an edge between parties that a lane had no room for is in the series of edges that have none', () => {
  const series = table(1);
  const other = series.partyId({ name: 'otel.metric.overflow', dimensions: [] });
  const a = series.partyId({ name: 'a', dimensions: [] });
  series.add(edge(other, other), NOW);
  series.add(edge(a, NOBODY), NOW);
  expect(shown(series)).toEqual([['otel.metric.overflow', 'otel.metric.overflow', '', 2]]);
  expect(series.overflowed).toBe(2);
});

test('a series that nothing is added to is forgotten and begins anew', () => {
  const series = table(10);
  const [a, b] = ['a', 'b'].map((name) => series.partyId({ name, dimensions: [] })) as [number, number];
  series.add(edge(a, b), NOW);
  series.add(edge(b, a), NOW);
  series.add(edge(b, a), LATER);
  series.forget(60_000, LATER.monotonicMs);
  series.add(edge(a, b), LATER);
  expect(shown(series)).toEqual([
    ['b', 'a', '', 2],
    ['a', 'b', '', 1],
  ]);
  expect([...series.all()].map(({ createdMs }) => createdMs)).toEqual([NOW.wallMs, LATER.wallMs]);
});
