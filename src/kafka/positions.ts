import type { ConsumerGroup } from './kafkajs-internals.ts';

/** Where a partition begins under an assignment. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** What the last commit carried; null when there was none. */
  readonly metadata: string | null;
}

/** Where a partition without a usable position begins. */
export type BeginsAt = (topic: string, partition: number) => 'earliest' | 'latest';

/**
 * Positions of everything that the group has just been assigned, read after SyncGroup. Partitions without a
 * committed offset begin where `beginsAt` says; `fresh` names them. kafkajs goes on from these.
 */
export async function readPositions(
  group: ConsumerGroup,
  beginsAt: BeginsAt,
): Promise<{ positions: Position[]; fresh: Position[] }> {
  const { offsetManager, groupId } = group;
  const topics = group
    .assigned()
    .map(({ topic, partitions }) => ({ topic, partitions: partitions.map((partition) => ({ partition })) }));
  if (offsetManager === null || topics.length === 0) return { positions: [], fresh: [] };
  const coordinator = await offsetManager.getCoordinator();
  const { responses } = await coordinator.offsetFetch({ groupId, topics });
  const positions: Position[] = [];
  const missing: { topic: string; partitions: { partition: number }[] }[] = [];
  for (const { topic, partitions } of responses) {
    const without = partitions.filter(({ offset }) => Number(offset) < 0);
    if (without.length > 0)
      missing.push({ topic, partitions: without.map(({ partition }) => ({ partition })) });
    for (const { partition, offset, metadata } of partitions) {
      if (Number(offset) >= 0) positions.push({ topic, partition, offset: Number(offset), metadata });
    }
  }
  const fresh = missing.length === 0 ? [] : await logPositions(group, missing, beginsAt);
  positions.push(...fresh);
  const known = offsetManager.committedOffsets();
  for (const { topic, partition, offset } of positions) {
    known[topic] = { ...known[topic], [partition]: String(offset) };
  }
  return { positions, fresh };
}

/** First or last offsets of partitions. */
export async function logPositions(
  group: ConsumerGroup,
  topics: readonly { topic: string; partitions: readonly { partition: number }[] }[],
  beginsAt: BeginsAt,
): Promise<Position[]> {
  // kafkajs keeps one answer per topic, so each end is asked for by itself.
  const found = (
    await Promise.all(
      (['earliest', 'latest'] as const).map(async (end) => {
        const asked = topics
          .map(({ topic, partitions }) => ({
            topic,
            partitions: partitions.filter(({ partition }) => beginsAt(topic, partition) === end),
            fromBeginning: end === 'earliest',
          }))
          .filter(({ partitions }) => partitions.length > 0);
        return asked.length === 0 ? [] : await group.cluster.fetchTopicsOffset(asked);
      }),
    )
  ).flat();
  return found.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset), metadata: null })),
  );
}
