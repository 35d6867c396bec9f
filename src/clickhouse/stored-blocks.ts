import type { LogPartition, StoredRange } from '../flow/block.ts';
import { type ClickHouse, quoted } from './client.ts';

/**
 * The blocks of a partition that reach to `fromOffset` or beyond and are stored as a whole, ascending and
 * disjoint. A block's rows in the log are written last and in one part, so one of them is enough. Where two logs
 * of the same name have left blocks, the younger one counts. Of a cluster: those of this shard.
 */
export async function storedBlocks(
  client: ClickHouse,
  { clusterId, topic, partition }: LogPartition,
  fromOffset: number,
): Promise<StoredRange[]> {
  const rows = await client.query<Record<keyof StoredRange, string>>(
    `SELECT FirstOffset AS firstOffset, LastOffset AS lastOffset,
            toUnixTimestamp64Milli(FirstTimestamp) AS firstTimestampMs,
            toUnixTimestamp64Milli(LastTimestamp) AS lastTimestampMs
     FROM ${quoted(client.database)}.${client.stored('ingest_log')}
     WHERE Source = {source: String} AND Partition = {partition: UInt32} AND LastOffset >= {from: UInt64}
     GROUP BY ALL
     ORDER BY firstOffset, lastTimestampMs`,
    { source: `${clusterId}/${topic}`, partition, from: fromOffset },
  );
  return withoutOverlaps(rows.map(toRange));
}

function toRange(row: Record<keyof StoredRange, string>): StoredRange {
  return {
    firstOffset: Number(row.firstOffset),
    lastOffset: Number(row.lastOffset),
    firstTimestampMs: Number(row.firstTimestampMs),
    lastTimestampMs: Number(row.lastTimestampMs),
  };
}

/** Of ranges in order of their beginning: those that overlap a younger one are left out. */
export function withoutOverlaps(ranges: readonly StoredRange[]): StoredRange[] {
  const kept: StoredRange[] = [];
  for (const range of ranges) {
    let rival = kept.at(-1);
    while (rival !== undefined && rival.lastOffset >= range.firstOffset && isYounger(range, rival)) {
      kept.pop();
      rival = kept.at(-1);
    }
    if (rival === undefined || rival.lastOffset < range.firstOffset) kept.push(range);
  }
  return kept;
}

function isYounger(a: StoredRange, b: StoredRange): boolean {
  if (a.lastTimestampMs !== b.lastTimestampMs) return a.lastTimestampMs > b.lastTimestampMs;
  return a.lastOffset > b.lastOffset;
}
