import type { PlannedBlock } from '../../src/flow/block-plan.ts';
import type { Database } from './database.ts';
import type { PartitionPosition } from './group.ts';

/** Where a process stood with the blocks of its partitions when it was killed. */
export type Phase = 'nothing planned' | 'planned' | 'some tables' | 'all tables, not committed';

export const PHASES: readonly Phase[] = [
  'nothing planned',
  'planned',
  'some tables',
  'all tables, not committed',
];

/** Besides otel_traces the tables that are inserted into; what their views fill comes with them. */
const BY_SEEN = ['span_metrics_10s', 'sampling_throughput'] as const;

/**
 * The furthest that any block had come which is planned and not ended among `positions`, those of a process that is
 * gone and whose partitions nobody has taken over.
 */
export async function phaseOf(
  database: Pick<Database, 'query'>,
  positions: readonly PartitionPosition[],
): Promise<Phase> {
  let furthest = 0;
  for (const { partition, plan } of positions) {
    const block = plan?.blocks[0];
    if (block !== undefined) furthest = Math.max(furthest, await stepOf(database, partition, block));
  }
  return PHASES[furthest] as Phase;
}

async function stepOf(
  database: Pick<Database, 'query'>,
  partition: number,
  { firstOffset, lastOffset }: PlannedBlock,
): Promise<number> {
  const [log] = await database.query<{ n: string }>(
    `SELECT count() AS n FROM ingest_log WHERE Partition = ${partition} AND FirstOffset = ${firstOffset}`,
  );
  if (Number(log?.n) > 0) return 3;
  const [spans] = await database.query<{ n: string }>(
    `SELECT count() AS n FROM otel_traces
     WHERE KafkaPartition = ${partition} AND KafkaOffset BETWEEN ${firstOffset} AND ${lastOffset}`,
  );
  if (Number(spans?.n) > 0) return 2;
  for (const table of BY_SEEN) {
    const [seen] = await database.query<{ n: string }>(
      `SELECT max(arrayMax(arrayConcat([0], mapValues(mapFilter((k, v) -> endsWith(k, ':${partition}'), Seen))))) AS n
       FROM ${table}`,
    );
    if (Number(seen?.n) > lastOffset) return 2;
  }
  return 1;
}
