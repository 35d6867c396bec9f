import {
  type EngineHistory,
  growth,
  keyOf,
  labelsOf,
  type MetricSource,
  type Reading,
  rateBetween,
} from './engine-history.ts';
import type { LatencyRow } from './own-latencies.ts';

export interface EngineView {
  /** What rates are taken over. */
  readonly windowS: number;
  readonly figures: {
    readonly lagMessages: number;
    readonly spansPerSecond: number | null;
    readonly spans: number;
    readonly bytesPerSecond: number | null;
    readonly inFlightBytes: number;
    /** Cores in use by this process. */
    readonly cpuCores: number | null;
    readonly residentBytes: number;
    readonly heapBytes: number;
    /** Since the start. */
    readonly deadLetters: number;
  };
  /** Columns of equal length, oldest first. */
  readonly plot: {
    readonly agesS: readonly number[];
    readonly lagMessages: readonly number[];
    readonly spansPerSecond: readonly (number | null)[];
    readonly cpuCores: readonly (number | null)[];
    readonly residentBytes: readonly number[];
    readonly insertMs: readonly (number | null)[];
  };
  readonly inserts: readonly InsertRow[];
  readonly blocks: readonly CountRow[];
  readonly deadLetters: readonly CountRow[];
  readonly refused: readonly CountRow[];
  readonly deaths: readonly CountRow[];
  /** Partitions that are farthest behind. */
  readonly lags: readonly {
    readonly topic: string;
    readonly partition: string;
    readonly messages: number;
  }[];
  /** Who has more names or values than are told apart; the worst first. */
  readonly culprits: readonly CulpritRow[];
  readonly latencies: readonly LatencyRow[];
}

export interface CulpritRow {
  readonly service: string;
  /** The label that has too many values. */
  readonly label: string;
  /** Counted under a shared name, since the start. */
  readonly spans: number;
}

export interface CountRow {
  readonly what: string;
  readonly lastMinute: number;
  readonly total: number;
}

export interface InsertRow {
  readonly table: string;
  readonly insertsPerSecond: number | null;
  readonly rowsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** From sending to the answer, over the last minute. */
  readonly meanMs: number | null;
  readonly failures: number;
  readonly rows: number;
}

const INSERTS = 'spanweir_clickhouse_inserts_total';
const INSERT_SECONDS = 'spanweir_clickhouse_insert_seconds_total';
const SPANS = 'spanweir_intake_spans_total';
const LAG = 'spanweir_kafka_receiver_lag_messages';
const MOST_LAGS = 50;

/** What the engine does now, and did over the last minutes. */
export function engineView(
  history: EngineHistory,
  now: Reading,
  source: MetricSource | undefined,
  latencies: EngineView['latencies'],
): EngineView {
  const before = history.minuteAgo;
  const value = (key: string): number => now.values.get(key) ?? 0;
  const counts = (name: string): CountRow[] =>
    labelsOf(now, name).map((what) => ({
      what,
      lastMinute: growth(before, now, keyOf(name, what)),
      total: value(keyOf(name, what)),
    }));
  const deadLetters = counts('spanweir_intake_quarantined_total');
  return {
    windowS: before === undefined ? 0 : Math.round((now.atMs - before.atMs) / 1000),
    figures: {
      lagMessages: value(LAG),
      spansPerSecond: rateBetween(before, now, SPANS),
      spans: value(SPANS),
      bytesPerSecond: rateBetween(before, now, 'spanweir_intake_bytes_total'),
      inFlightBytes: value('spanweir_blocks_in_flight_bytes'),
      cpuCores: rateBetween(before, now, 'cpu'),
      residentBytes: value('resident'),
      heapBytes: value('heap'),
      deadLetters: deadLetters.reduce((sum, { total }) => sum + total, 0),
    },
    plot: plotOf(history.readings, now),
    inserts: insertsOf(before, now),
    blocks: counts('spanweir_blocks_total'),
    deadLetters,
    refused: counts('spanweir_receiver_refused_requests_total'),
    deaths: counts('spanweir_worker_deaths_total'),
    lags: lagsOf(source),
    culprits: culpritsOf(source),
    latencies,
  };
}

function plotOf(readings: readonly Reading[], now: Reading): EngineView['plot'] {
  const values = (key: string): number[] => readings.map((reading) => reading.values.get(key) ?? 0);
  const rates = (key: string): (number | null)[] =>
    readings.map((reading, i) => rateBetween(readings[i - 1], reading, key));
  return {
    agesS: readings.map(({ atMs }) => Math.round((now.atMs - atMs) / 1000)),
    lagMessages: values(LAG),
    spansPerSecond: rates(SPANS),
    cpuCores: rates('cpu'),
    residentBytes: values('resident'),
    insertMs: readings.map((reading, i) => (i === 0 ? null : meanInsertMs(readings[i - 1], reading))),
  };
}

/** Over all tables. */
function meanInsertMs(before: Reading | undefined, now: Reading): number | null {
  const total = (name: string): number =>
    labelsOf(now, name).reduce((sum, table) => sum + growth(before, now, keyOf(name, table)), 0);
  const inserts = total(INSERTS);
  return inserts > 0 ? (total(INSERT_SECONDS) * 1000) / inserts : null;
}

function insertsOf(before: Reading | undefined, now: Reading): InsertRow[] {
  return labelsOf(now, INSERTS).map((table) => {
    const key = (name: string): string => keyOf(name, table);
    const inserts = growth(before, now, key(INSERTS));
    const seconds = growth(before, now, key(INSERT_SECONDS));
    return {
      table,
      insertsPerSecond: rateBetween(before, now, key(INSERTS)),
      rowsPerSecond: rateBetween(before, now, key('spanweir_clickhouse_inserted_rows_total')),
      bytesPerSecond: rateBetween(before, now, key('spanweir_clickhouse_inserted_bytes_total')),
      meanMs: inserts > 0 ? (seconds * 1000) / inserts : null,
      failures: now.values.get(key('spanweir_clickhouse_insert_failures_total')) ?? 0,
      rows: now.values.get(key('spanweir_clickhouse_inserted_rows_total')) ?? 0,
    };
  });
}

function lagsOf(source: MetricSource | undefined): EngineView['lags'] {
  return (source?.samples(LAG) ?? [])
    .map(({ labels, value }) => ({
      topic: labels['topic'] ?? '',
      partition: labels['partition'] ?? '',
      messages: value,
    }))
    .sort((a, b) => b.messages - a.messages)
    .slice(0, MOST_LAGS);
}

function culpritsOf(source: MetricSource | undefined): CulpritRow[] {
  const rows = new Map<string, CulpritRow>();
  for (const { labels, value } of source?.samples('spanweir_span_metrics_folded_spans_total') ?? []) {
    const { service = '', label = '' } = labels;
    const key = JSON.stringify([service, label]);
    rows.set(key, { service, label, spans: (rows.get(key)?.spans ?? 0) + value });
  }
  return [...rows.values()].sort((a, b) => b.spans - a.spans);
}
