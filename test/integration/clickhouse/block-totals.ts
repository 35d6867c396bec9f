import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import type { ThroughputRows } from '../../../src/sampling/roots/throughput-rows.ts';
import { rowOf } from '../../sampling/rows.ts';
import type { TestResource } from '../../support/spans.ts';

/** Midnight, UTC: what is near it is kept by all tables. */
export const TODAY_S = Math.floor(Date.now() / 86_400_000) * 86_400;
const SECOND_NS = 1_000_000_000n;
const TRACE = 'ab'.repeat(16);
const OTHER_TRACE = 'cd'.repeat(16);

/** Two records with four spans of two traces, the last of them yesterday. */
export function somePayloads(): TestResource[][] {
  const span = (traceId: string, startS: number, name: string) => ({
    traceId,
    name,
    startNs: BigInt(startS) * SECOND_NS,
  });
  return [
    [{ service: 'shop', spans: [span(TRACE, TODAY_S + 5, 'a'), span(TRACE, TODAY_S + 6, 'b')] }],
    [{ service: 'shop', spans: [span(TRACE, TODAY_S + 70, 'a'), span(OTHER_TRACE, TODAY_S - 5, 'a')] }],
  ];
}

/** Seven root spans, two of them yesterday. */
export function someThroughput(): ThroughputRows {
  const row = (windowS: number, count: number) => rowOf({ windowS, count, probabilities: ['1.000000'] });
  return [row(TODAY_S, 5), row(TODAY_S - 60, 2)];
}

const WHAT = {
  otel_traces: 'count()',
  trace_summary: 'sum(arraySum(mapValues(Spans)))',
  span_metrics_10s: 'sum(Spans)',
  span_metrics_1m: 'sum(Spans)',
  span_metrics_1h: 'sum(Spans)',
  span_metrics_1d: 'sum(Spans)',
  sampling_throughput: 'sum(Roots)',
  ingest_log: 'count()',
} as const;

export type Totals = Readonly<Record<keyof typeof WHAT, number>>;

export async function totalsOf(client: ClickHouse): Promise<Totals> {
  const selects = Object.entries(WHAT).map(
    ([table, what]) => `SELECT '${table}' AS t, toUInt64(${what}) AS n FROM ${client.database}.${table}`,
  );
  const rows = await client.query<{ t: string; n: string }>(selects.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ n, t }) => [t, Number(n)])) as Totals;
}

/** What one block of `somePayloads` and `someThroughput` adds; two connectors count each span. */
const ADDED = {
  spans: { otel_traces: 4, trace_summary: 4, ingest_log: 2 },
  red: { span_metrics_10s: 8, span_metrics_1m: 8, span_metrics_1h: 8, span_metrics_1d: 8, ingest_log: 2 },
  throughput: { sampling_throughput: 7, ingest_log: 2 },
  all: {
    otel_traces: 4,
    trace_summary: 4,
    span_metrics_10s: 8,
    span_metrics_1m: 8,
    span_metrics_1h: 8,
    span_metrics_1d: 8,
    sampling_throughput: 7,
    ingest_log: 6,
  },
} as const;

export function expectedTotals(before: Totals, what: keyof typeof ADDED, times = 1): Totals {
  const after: Record<string, number> = { ...before };
  for (const [table, n] of Object.entries(ADDED[what])) after[table] = (after[table] ?? 0) + n * times;
  return after as Totals;
}
