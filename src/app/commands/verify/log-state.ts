import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';

/** What to look at. Days are UTC. */
export interface Scope {
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
}

/** What the log says of one partition, table and day. */
export interface LogDay {
  /** '' = requests. */
  readonly source: string;
  readonly partition: number;
  /** '' = blocks without rows. */
  readonly target: string;
  readonly day: string;
  readonly blocks: number;
  readonly rows: number;
  readonly spans: number;
  /** Modulo 2^64. */
  readonly idSum: bigint;
  /** Behind the last offset of these blocks. */
  readonly end: number;
  /** Log rows that are there more than once. */
  readonly repeated: number;
}

/**
 * The log as it was at one instant. What it names was complete before it was named, so whatever is read
 * afterwards has to hold it; what was written later is told by lying behind `ends`.
 */
export interface LogState {
  readonly days: readonly LogDay[];
  /** By `source:partition`: behind the last offset that is logged. */
  readonly ends: ReadonlyMap<string, number>;
  /** Kafka's, in order. */
  readonly sources: readonly string[];
}

/** Blocks of Kafka, each row of the log once. */
export async function readLog(client: ClickHouse, scope: Scope): Promise<LogState> {
  const log = `${quoted(client.database)}.ingest_log`;
  const rows = await client.query<LogAnswer>(
    `SELECT Source, Partition, Target, toString(Day) AS day, count() AS blocks, sum(R) AS rows, sum(S) AS spans,
            sum(I) AS ids, max(LastOffset) + 1 AS end, countIf(Copies > 1) AS repeated
     FROM (SELECT Source, Partition, FirstOffset, Target, Day, LastOffset, Revision, FirstTimestamp,
                  any(Rows) AS R, any(Spans) AS S, any(SpanIdSum) AS I, count() AS Copies
           FROM ${log} WHERE Source != '' AND ${ofScope(scope, 'Source', 'Partition')}
           GROUP BY Source, Partition, FirstOffset, Target, Day, LastOffset, Revision, FirstTimestamp)
     GROUP BY Source, Partition, Target, Day
     UNION ALL
     SELECT '', 0, Target, toString(Day), count(), sum(Rows), sum(Spans), sum(SpanIdSum), 0, 0
     FROM ${log} WHERE Source = '' GROUP BY Target, Day`,
    parametersOf(scope),
  );
  const days = rows.map(
    (row): LogDay => ({
      source: row.Source,
      partition: row.Partition,
      target: row.Target,
      day: row.day,
      blocks: Number(row.blocks),
      rows: Number(row.rows),
      spans: Number(row.spans),
      idSum: BigInt(row.ids),
      end: Number(row.end),
      repeated: Number(row.repeated),
    }),
  );
  const ends = new Map<string, number>();
  for (const { source, partition, end } of days) {
    if (source === '') continue;
    const key = `${source}:${partition}`;
    ends.set(key, Math.max(end, ends.get(key) ?? 0));
  }
  return {
    days,
    ends,
    sources: [...new Set(days.map(({ source }) => source))].filter((source) => source !== '').sort(),
  };
}

interface LogAnswer {
  readonly Source: string;
  readonly Partition: number;
  readonly Target: string;
  readonly day: string;
  readonly blocks: string;
  readonly rows: string;
  readonly spans: string;
  readonly ids: string;
  readonly end: string;
  readonly repeated: string;
}

/** A condition; its parameters are those of `parametersOf`. */
export function ofScope({ topic, partition }: Scope, source: string, of: string): string {
  const parts: string[] = [];
  if (topic !== undefined) parts.push(`endsWith(${source}, {topicEnd: String})`);
  if (partition !== undefined) parts.push(`${of} = {partition: UInt32}`);
  return parts.length === 0 ? '1' : parts.join(' AND ');
}

export function parametersOf({ topic, partition }: Scope): Record<string, unknown> {
  return {
    ...(topic === undefined ? {} : { topicEnd: `/${topic}` }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** An expression: the logged end of a row's partition within one source, 0 for those without any. */
export function endOf(state: LogState, source: string, partition: string): string {
  const known = [...state.ends].filter(([key]) => key.slice(0, key.lastIndexOf(':')) === source);
  if (known.length === 0) return 'toUInt64(0)';
  const numbers = known.map(([key]) => key.slice(key.lastIndexOf(':') + 1));
  const ends = known.map(([, end]) => end);
  return `transform(${partition}, [${numbers.join()}]::Array(UInt32), [${ends.join()}]::Array(UInt64), toUInt64(0))`;
}
