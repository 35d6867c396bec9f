import { PLOT_SLOTS, SLOTS } from './operation-window.ts';

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The engine's own metrics as the host offers them (`spanweir.metrics`). */
export interface MetricSource {
  samples(name: string): readonly MetricSample[];
}

export interface ProcessUse {
  /** Since the start of the process. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** The engine at one moment. */
export interface Reading {
  readonly atMs: number;
  readonly values: ReadonlyMap<string, number>;
}

/** What is kept of each metric: the sum over all its labels, or one value for each value of one label. */
const KEPT: readonly (readonly [name: string, by?: string])[] = [
  ['spanweir_intake_spans_total'],
  ['spanweir_intake_bytes_total'],
  ['spanweir_kafka_receiver_lag_messages'],
  ['spanweir_blocks_in_flight_bytes'],
  ['spanweir_blocks_total', 'outcome'],
  ['spanweir_intake_quarantined_total', 'reason'],
  ['spanweir_receiver_refused_requests_total', 'reason'],
  ['spanweir_clickhouse_inserts_total', 'table'],
  ['spanweir_clickhouse_inserted_rows_total', 'table'],
  ['spanweir_clickhouse_inserted_bytes_total', 'table'],
  ['spanweir_clickhouse_insert_seconds_total', 'table'],
  ['spanweir_clickhouse_insert_failures_total', 'table'],
  ['spanweir_worker_deaths_total', 'reason'],
  ['spanweir_adaptive_sampling_roots_total'],
  ['spanweir_sampling_polls_total', 'result'],
];

export function read(atMs: number, source: MetricSource | undefined, use: ProcessUse): Reading {
  const values = new Map<string, number>();
  for (const [name, by] of KEPT) {
    for (const { labels, value } of source?.samples(name) ?? []) {
      const key = by === undefined ? name : keyOf(name, labels[by] ?? '');
      values.set(key, (values.get(key) ?? 0) + value);
    }
  }
  values.set('cpu', use.cpuSeconds);
  values.set('resident', use.residentBytes);
  values.set('heap', use.heapBytes);
  return { atMs, values };
}

/** Readings of the last minutes, one a slot. */
export class EngineHistory {
  readonly #readings: Reading[] = [];

  tick(reading: Reading): void {
    this.#readings.push(reading);
    if (this.#readings.length > PLOT_SLOTS) this.#readings.shift();
  }

  /** Oldest first. */
  get readings(): readonly Reading[] {
    return this.#readings;
  }

  /** About a minute ago, or the oldest there is; undefined before the first tick. */
  get minuteAgo(): Reading | undefined {
    return this.#readings.at(-SLOTS) ?? this.#readings[0];
  }
}

export function keyOf(name: string, label: string): string {
  return `${name}\u0000${label}`;
}

/** Values of the label that `name` is kept by. */
export function labelsOf({ values }: Reading, name: string): string[] {
  const start = keyOf(name, '');
  return [...values.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
}

/** By how much it grew. */
export function growth(before: Reading | undefined, now: Reading, key: string): number {
  return Math.max(0, (now.values.get(key) ?? 0) - (before?.values.get(key) ?? 0));
}

/** Growth per second between two readings; null where they are one. */
export function rateBetween(before: Reading | undefined, now: Reading, key: string): number | null {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  return seconds > 0 ? growth(before, now, key) / seconds : null;
}
