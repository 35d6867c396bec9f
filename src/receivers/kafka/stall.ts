import type { Stall } from '../../flow/lane.ts';
import type { PartitionProgress } from '../../flow/lane-progress.ts';
import type { GroupMember } from '../../kafka/group-member.ts';
import type { PartitionFeed } from './partition-feed.ts';

const SILENT_MS = 120_000;
/** Longer than all tries to join that kafkajs makes before it gives up by itself. */
const NOT_JOINED_MS = 600_000;

/** Why a consumer has to be started anew, in words; undefined while it need not. */
export function stuckOf(member: Pick<GroupMember, 'hasJoined' | 'silentMs' | 'outMs'>): string | undefined {
  if (!member.hasJoined) {
    return member.outMs > NOT_JOINED_MS ? 'the group was not joined in 10 minutes' : undefined;
  }
  return member.silentMs > SILENT_MS ? 'no fetch ended in 2 minutes' : undefined;
}

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

/** How far the partitions are; `toldMs`: when the brokers last told how far they go. */
export function progressOf(
  feeds: Iterable<PartitionFeed>,
  clusterId: string,
  toldMs: number,
): readonly PartitionProgress[] {
  const all: PartitionProgress[] = [];
  for (const feed of feeds) {
    const completeUntilMs = Math.max(0, feed.completeUntilMs(toldMs) ?? 0);
    all.push({ source: `${clusterId}/${feed.topic}`, partition: feed.partition, completeUntilMs });
  }
  return all;
}
