import { createHash } from 'node:crypto';
import type { BlockOrigin } from '../../flow/block.ts';
import type { ClusterConfig } from './cluster-config.ts';

type Shards = ClusterConfig['shards'];

/**
 * Index of the shard that a block goes to, whole: a function of the block and of shards that were there at the time of its
 * first record (docs/adr/010-clickhouse-cluster.md). A shard that is added with `since` changes it for no older
 * block. Partitions of a topic go round the shards in turn; requests are spread by their ids.
 */
export function shardOf(origin: BlockOrigin, shards: Shards): number {
  // Requests have no time of their own, and no other process forms them again.
  const atMs = origin.kind === 'request' ? Number.POSITIVE_INFINITY : origin.firstTimestampMs;
  const there = indicesAt(shards, atMs);
  const turn =
    origin.kind === 'request'
      ? hashOf(origin.id)
      : hashOf(`${origin.clusterId}/${origin.topic}`) + origin.partition;
  return there[turn % there.length] as number;
}

/** Of the shards that take blocks of that time; the first always does. */
function indicesAt(shards: Shards, atMs: number): number[] {
  const indices: number[] = [];
  shards.forEach(({ since = Number.NEGATIVE_INFINITY, until }, i) => {
    if (since <= atMs && (until === undefined || atMs < until)) indices.push(i);
  });
  return indices;
}

/** 32 bits. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
