import type { Clock } from '../../base/clock.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { TopicRule } from './config.ts';
import type { PartitionFeed } from './partition-feed.ts';
import { chooseTopics, type TopicChoice } from './topics.ts';

const LAG_EVERY_MS = 5000;
const LOOK_EVERY_MS = 500;

export interface Surroundings {
  readonly clusterId: string;
  readonly choice: TopicChoice;
  /** How many partitions each of the chosen topics has. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** Which cluster this is, and which of its topics are meant. Rejects when the brokers do not answer. */
export async function lookAround(kafka: KafkaClient, rule: TopicRule): Promise<Surroundings> {
  return await asking(kafka, async (admin) => {
    const { clusterId } = await admin.describeCluster();
    const choice = chooseTopics(rule, await admin.listTopics());
    const { topics } =
      choice.topics.length === 0
        ? { topics: [] }
        : await admin.fetchTopicMetadata({ topics: [...choice.topics] });
    const partitions = new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
    return { clusterId, choice, partitions };
  });
}

/**
 * Asks for the ends of all partitions while some wait for room (a lag that stood still would hide that they pile up),
 * and as soon as there are some of which nothing is known: an empty one is not told of with the fetches.
 */
export async function watchLag(
  kafka: KafkaClient,
  feeds: ReadonlyMap<string, PartitionFeed>,
  clock: Clock,
  over: AbortSignal,
): Promise<void> {
  let askedMs = clock.monotonicMs();
  while (!over.aborted) {
    await clock.sleep(LOOK_EVERY_MS, over);
    const all = [...feeds.values()];
    const isDue = clock.monotonicMs() - askedMs >= LAG_EVERY_MS && all.some(({ isWaiting }) => isWaiting);
    if (over.aborted || !(isDue || all.some(({ isEndUnknown }) => isEndUnknown))) continue;
    askedMs = clock.monotonicMs();
    // Brokers that do not answer are noticed by the consumer itself.
    await tellEnds(kafka, feeds).catch(() => {});
  }
}

async function tellEnds(kafka: KafkaClient, feeds: ReadonlyMap<string, PartitionFeed>): Promise<void> {
  await asking(kafka, async (admin) => {
    for (const topic of new Set(Array.from(feeds.values(), (feed) => feed.topic))) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        feeds.get(`${topic}/${partition}`)?.endsAt(Number(high));
      }
    }
  });
}

async function asking<T>(
  kafka: KafkaClient,
  ask: (admin: ReturnType<KafkaClient['admin']>) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await ask(admin);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
