import { expect, test } from 'vitest';
import { runsOf } from '../../../src/clickhouse/service-graph/edge-derivation.ts';
import { deriveStatement } from '../../../src/clickhouse/service-graph/edge-sql.ts';

const minute = (startS: number) => ({ startS, spans: 1, spansAround: 3 });

test('names of attributes and connectors stand in the statement as text, whatever is in them', () => {
  const statement = deriveStatement({
    database: 'own`base',
    connector: "service_graph/it's",
    rules: { dimensions: ["a'b\\"], databaseNames: [], peerAttributes: [] },
    reachS: 60,
    minutes: [minute(600)],
  });
  expect(statement).toContain('`own\\`base`.otel_traces');
  expect(statement).toContain("'service_graph/it\\'s'");
  expect(statement).toContain("SpanAttributes['a\\'b\\\\']");
});

test('the ends of edges are looked for as far as the reach goes, and no further', () => {
  const statement = deriveStatement({
    database: 'd',
    connector: 'c',
    rules: { dimensions: [], databaseNames: [], peerAttributes: [] },
    reachS: 120,
    minutes: [minute(600), minute(660)],
  });
  expect(statement).toContain('Timestamp >= toDateTime(480) AND Timestamp < toDateTime(840)');
  expect(statement).toContain('At >= toDateTime(600) AND At < toDateTime(720)');
});

test('adjoining minutes are derived together, ten at most', () => {
  const starts = [0, 60, 180, ...Array.from({ length: 12 }, (_, i) => 600 + i * 60)];
  expect(runsOf(starts.map(minute)).map((run) => run.map(({ startS }) => startS))).toEqual([
    [0, 60],
    [180],
    [600, 660, 720, 780, 840, 900, 960, 1020, 1080, 1140],
    [1200, 1260],
  ]);
});
