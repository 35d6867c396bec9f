import { type ClickHouse, quoted } from './client.ts';

/** Tables whose rows carry the markers of blocks. */
const MARKED = [
  'trace_summary',
  'span_metrics_10s',
  'span_metrics_1m',
  'span_metrics_1h',
  'span_metrics_1d',
  'sampling_throughput',
] as const;

/**
 * Partitions of a topic of which any table has anything, whether the block was finished or not. `source` is
 * `clusterId/topic`. Reads a column or two of whole tables. Of a cluster: those of this shard.
 */
export async function touchedPartitions(client: ClickHouse, source: string): Promise<ReadonlySet<number>> {
  const table = (name: string): string => `${quoted(client.database)}.${quoted(client.stored(name))}`;
  const marked = MARKED.map(
    (name) => `SELECT DISTINCT arrayJoin(mapKeys(Seen)) AS key FROM ${table(name)} WHERE notEmpty(Seen)`,
  );
  const rows = await client.query<{ p: number }>(
    `SELECT DISTINCT toUInt32(KafkaPartition) AS p FROM ${table('otel_traces')} WHERE KafkaSource = {source: String}
     UNION DISTINCT
     SELECT DISTINCT toUInt32OrZero(substring(key, length({source: String}) + 2)) AS p
     FROM (${marked.join(' UNION DISTINCT ')}) WHERE startsWith(key, concat({source: String}, ':'))`,
    { source },
  );
  return new Set(rows.map(({ p }) => p));
}
