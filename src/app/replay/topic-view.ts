import { SpanweirError } from '../../base/errors.ts';
import { decodePlan } from '../../flow/block-plan.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import { kafkaError } from '../../kafka/errors.ts';
import { type KafkaReceiverConfig, topicRule } from '../../receivers/kafka/config.ts';
import { lookAround } from '../../receivers/kafka/surroundings.ts';
import type { Place } from './options.ts';

/** A partition as the broker knows it. */
export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that the log still has. */
  readonly low: number;
  /** Where the next record will be. */
  readonly high: number;
  /** What lies below is finished for the live engine; from here on it is its own. 0 = nothing is. */
  readonly finishedBelow: number;
  /** Why that is so, where it is not simply the committed offset. */
  readonly note: string | undefined;
  /** The committed offset and what was committed with it; -1 = nothing. */
  readonly committed: { readonly offset: number; readonly metadata: string | null };
}

export interface TopicsView {
  readonly clusterId: string;
  readonly partitions: readonly PartitionView[];
}

type Admin = ReturnType<KafkaClient['admin']>;

/** Whatever the work rejects with becomes a SpanweirError. */
export async function withAdmin<T>(kafka: KafkaClient, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw kafkaError(error, 'kafka');
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** All partitions of the receiver's topics (of one of them), and how far the live group has come in each. */
export async function viewTopics(
  kafka: KafkaClient,
  config: KafkaReceiverConfig,
  only: { readonly topic?: string | undefined; readonly partitions?: readonly number[] | undefined } = {},
): Promise<TopicsView> {
  const { clusterId, choice } = await lookAround(kafka, topicRule(config)).catch((error: unknown) => {
    throw kafkaError(error, 'kafka');
  });
  const topics = choice.topics.filter((topic) => only.topic === undefined || topic === only.topic);
  if (topics.length === 0) {
    const wanted = only.topic ?? topicRule(config).topics.join(', ');
    throw new SpanweirError('CONFIG', `the receiver reads no topic ${wanted} that exists`);
  }
  const partitions = await withAdmin(kafka, async (admin) => {
    const committed = await admin.fetchOffsets({ groupId: config.group_id, topics });
    const views: PartitionView[] = [];
    for (const topic of topics) {
      const known = committed.find((entry) => entry.topic === topic)?.partitions ?? [];
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        if (only.partitions !== undefined && !only.partitions.includes(partition)) continue;
        const position = known.find((entry) => entry.partition === partition);
        const offset = Number(position?.offset ?? -1);
        const metadata = position?.metadata ?? null;
        views.push({
          topic,
          partition,
          low: Number(low),
          high: Number(high),
          ...finished(offset, metadata, config.group_id),
          committed: { offset, metadata },
        });
      }
    }
    return views.sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    );
  });
  const missing = (only.partitions ?? []).filter(
    (id) => !partitions.some(({ partition }) => partition === id),
  );
  if (missing.length > 0) throw new SpanweirError('CONFIG', `there is no partition ${missing.join(', ')}`);
  return { clusterId, partitions };
}

/** Where the live engine's own work begins. */
export function finished(
  offset: number,
  metadata: string | null,
  group: string,
): Pick<PartitionView, 'finishedBelow' | 'note'> {
  if (offset < 0) return { finishedBelow: 0, note: `the group ${group} has no position here` };
  const plan = decodePlan(metadata);
  if (plan === 'newer') return { finishedBelow: 0, note: 'the plan is one of a newer release' };
  if (plan === 'none') return { finishedBelow: offset, note: undefined };
  const blocks = plan.blocks.length;
  const note =
    blocks === 0 ? undefined : `${blocks} planned ${blocks === 1 ? 'block is' : 'blocks are'} the engine's`;
  return { finishedBelow: Math.min(offset, plan.from), note };
}

/** The offset in each partition of a topic that a place means, by partition. */
export async function offsetsOf(
  kafka: KafkaClient,
  topic: string,
  place: Place,
): Promise<(partition: number) => number> {
  if (place.kind === 'offset') return () => place.offset;
  const found = await withAdmin(kafka, (admin) =>
    admin.fetchTopicOffsetsByTimestamp(topic, Math.ceil(place.ms)),
  );
  const byPartition = new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
  return (partition) => byPartition.get(partition) ?? 0;
}
