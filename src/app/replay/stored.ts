import type { ClickHouse } from '../../clickhouse/client.ts';
import { quoted } from '../../clickhouse/client.ts';
import type { KafkaOrigin } from '../../flow/block.ts';
import type { OffsetRange } from './ranges.ts';

/** Offsets by partition. */
export type RangesByPartition = ReadonlyMap<number, OffsetRange[]>;

interface RangeRow {
  readonly partition: number;
  readonly first: string;
  readonly last: string;
}

/** Ranges of a topic that the log knows as stored, as they were written. */
export async function loggedRanges(client: ClickHouse, source: string): Promise<RangesByPartition> {
  const rows = await client.query<RangeRow>(
    `SELECT DISTINCT Partition AS partition, FirstOffset AS first, LastOffset AS last
     FROM ${quoted(client.database)}.ingest_log WHERE Source = {source: String}
     ORDER BY partition, first, last`,
    { source },
  );
  return byPartition(rows);
}

/**
 * Offsets within `holes` of which otel_traces has rows: a block whose log was never written, or was lost. Rows
 * from before KafkaSource was there belong to any topic.
 */
export async function offsetsWithRows(
  client: ClickHouse,
  source: string,
  partition: number,
  holes: readonly OffsetRange[],
): Promise<OffsetRange[]> {
  const first = holes[0]?.first;
  const last = holes.at(-1)?.last;
  if (first === undefined || last === undefined) return [];
  const rows = await client.query<RangeRow>(
    `SELECT {partition: UInt32} AS partition, min(offset) AS first, max(offset) AS last
     FROM
     (
         SELECT offset, offset - row_number() OVER (ORDER BY offset) AS island
         FROM
         (
             SELECT DISTINCT KafkaOffset AS offset
             FROM ${quoted(client.database)}.otel_traces
             WHERE KafkaPartition = {partition: UInt32} AND KafkaOffset BETWEEN {first: UInt64} AND {last: UInt64}
                 AND (KafkaSource = {source: String} OR (KafkaSource = '' AND KafkaOffset > 0))
         )
     )
     GROUP BY island ORDER BY first`,
    { source, partition, first, last },
  );
  return byPartition(rows).get(partition) ?? [];
}

function byPartition(rows: readonly RangeRow[]): Map<number, OffsetRange[]> {
  const found = new Map<number, OffsetRange[]>();
  for (const { partition, first, last } of rows) {
    const ranges = found.get(Number(partition)) ?? [];
    ranges.push({ first: Number(first), last: Number(last) });
    found.set(Number(partition), ranges);
  }
  return found;
}

/** Rows that otel_traces has of a block's offsets. */
export async function rowsOfBlock(client: ClickHouse, origin: KafkaOrigin): Promise<number> {
  const { clusterId, topic, partition, firstOffset, lastOffset } = origin;
  const [row] = await client.query<{ n: string }>(
    `SELECT count() AS n FROM ${quoted(client.database)}.otel_traces
     WHERE KafkaSource = {source: String} AND KafkaPartition = {partition: UInt32}
       AND KafkaOffset BETWEEN {firstOffset: UInt64} AND {lastOffset: UInt64}`,
    { source: `${clusterId}/${topic}`, partition, firstOffset, lastOffset },
  );
  return Number(row?.n);
}

/**
 * Where blocks ended (the offset behind the last record) whose log is missing, as far as what they left in any
 * table tells: cut there, a block is again what it was.
 */
export async function knownEnds(
  client: ClickHouse,
  source: string,
  partition: number,
  holes: readonly OffsetRange[],
): Promise<number[]> {
  const first = holes[0]?.first;
  const last = holes.at(-1)?.last;
  if (first === undefined || last === undefined) return [];
  const db = quoted(client.database);
  const marked = ['trace_summary', 'span_metrics_10s', 'span_metrics_1m', 'sampling_throughput'].map(
    (table) =>
      `SELECT Seen[{key: String}] AS end FROM ${db}.${table} WHERE end > {first: UInt64} AND end <= {last: UInt64} + 1`,
  );
  const rows = await client.query<{ end: string }>(
    `SELECT DISTINCT end FROM
     (
         SELECT KafkaBlockEnd AS end FROM ${db}.otel_traces
         WHERE KafkaSource = {source: String} AND KafkaPartition = {partition: UInt32}
             AND end > {first: UInt64} AND end <= {last: UInt64} + 1
         UNION ALL ${marked.join(' UNION ALL ')}
     ) ORDER BY end`,
    { source, partition, key: `${source}:${partition}`, first, last },
  );
  return rows.map(({ end }) => Number(end));
}
