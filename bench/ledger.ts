/** What a workload's messages contain, counted while they are made: the truth that results are held against. */
export interface Ledger {
  messages: number;
  spans: number;
  bytes: number;
  readonly series: readonly SeriesTotals[];
}

export interface SeriesTotals {
  readonly service: string;
  readonly operation: string;
  /** As in OTLP: 2 server, 3 client. */
  readonly kind: number;
  /** As in OTLP: 0 unset, 1 ok, 2 error. */
  readonly status: number;
  spans: number;
  /** Spans without a parent. */
  roots: number;
  /** Exact: whole nanoseconds far below 2^53. */
  durationNs: number;
  /** Spans whose duration is in (previous bound, bound]; the last is what is over every bound. Not cumulative. */
  readonly buckets: Uint32Array;
}

/** The default bounds of the collector's span_metrics. */
export const DEFAULT_BUCKETS_MS: readonly number[] = [
  2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000,
];

/** Adds up `value` of the series under the same key. */
export function sumBy(
  ledger: Ledger,
  key: (series: SeriesTotals) => string,
  value: (series: SeriesTotals) => number,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const series of ledger.series) {
    const name = key(series);
    sums.set(name, (sums.get(name) ?? 0) + value(series));
  }
  return sums;
}
