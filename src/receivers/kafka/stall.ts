import type { Stall } from '../../flow/lane.ts';
import type { PartitionFeed } from './partition-feed.ts';

/**
 * What stands still among the partitions of a lane. Time in which the receiver is not able to move anything, for
 * reasons that it knows, does not count.
 */
export function stallOf(
  feeds: Iterable<PartitionFeed>,
  clusterId: string | undefined,
  isAble: boolean,
): Stall | undefined {
  let unmovedMs = Number.POSITIVE_INFINITY;
  let partitionMs = 0;
  let worst: PartitionFeed | undefined;
  for (const feed of feeds) {
    const ms = feed.stalledMs(isAble);
    unmovedMs = Math.min(unmovedMs, feed.unmovedMs);
    if (ms <= partitionMs) continue;
    worst = feed;
    partitionMs = ms;
  }
  if (worst === undefined || clusterId === undefined) return undefined;
  const { topic, partition } = worst;
  return { allMs: Math.min(unmovedMs, partitionMs), partition: { clusterId, topic, partition }, partitionMs };
}
