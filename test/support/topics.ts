import { randomUUID } from 'node:crypto';
import { type Consumer, type IHeaders, Kafka, type KafkaMessage, logLevel, type Message } from 'kafkajs';
import { inject } from 'vitest';
import { newTopic } from './new-topic.ts';
import { waitFor } from './wait.ts';

export interface TopicOptions {
  /** Default 1. */
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A kafkajs client of the real broker; it logs nothing. */
export function kafkaClient(brokers: readonly string[] = inject('kafkaBrokers')): Kafka {
  return new Kafka({ clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING });
}

/** A name that nothing else on this broker has; also good for groups. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** Creates a topic with a name of its own and returns that name. Its leaders are elected when this resolves. */
export async function createTopic(
  prefix: string,
  options: TopicOptions = {},
  brokers: readonly string[] = inject('kafkaBrokers'),
): Promise<string> {
  const topic = uniqueName(prefix);
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
    const numPartitions = options.partitions ?? 1;
    await newTopic(admin, { topic, numPartitions, configEntries });
  } finally {
    await admin.disconnect();
  }
  return topic;
}

/** Makes it so many partitions; resolves when brokers tell clients of all. */
export async function growTopic(topic: string, partitions: number): Promise<void> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
    await waitFor(`${topic} has ${partitions} partitions`, async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length === partitions;
    });
  } finally {
    await admin.disconnect();
  }
}

/**
 * Sends all messages with acks=all; a message without a partition goes where its key says. Each is there once: when
 * one partition of several refuses, because it is new, kafkajs sends to all of them again.
 */
export async function produce(topic: string, messages: readonly Message[]): Promise<void> {
  const producer = kafkaClient().producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    const sent = await producer.send({ topic, acks: -1, messages: [...messages] });
    for (const { partition } of messages) {
      if (partition !== undefined && !sent.some((part) => part.partition === partition)) {
        throw new Error(
          `${topic} has no partition ${partition} yet: kafkajs has left out what was meant for it`,
        );
      }
    }
  } finally {
    await producer.disconnect();
  }
}

export interface ReadMessage {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: IHeaders;
  readonly timestampMs: number;
}

/** The first `count` messages of a topic, read by a group of its own, ordered by partition and offset. */
export async function readTopic(topic: string, count: number, deadlineMs = 30_000): Promise<ReadMessage[]> {
  const read: ReadMessage[] = [];
  const consumer = kafkaClient().consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
  try {
    await startReading(consumer, topic, (partition, message) => read.push(toRead(partition, message)));
    await waitFor(`${count} messages on ${topic}`, () => read.length >= count, { deadlineMs });
  } finally {
    await consumer.disconnect();
  }
  return read.sort((a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : 1));
}

/** Messages that are on the topic now, over all partitions. */
export async function topicSize(topic: string): Promise<number> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** What a group has committed: partition -> offset (-1 when nothing) and metadata. */
export async function committed(
  groupId: string,
  topic: string,
): Promise<Map<number, { offset: bigint; metadata: string }>> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map(
      (answer?.partitions ?? []).map(({ partition, offset, metadata }) => [
        partition,
        { offset: BigInt(offset), metadata: metadata ?? '' },
      ]),
    );
  } finally {
    await admin.disconnect();
  }
}

async function startReading(
  consumer: Consumer,
  topic: string,
  take: (partition: number, message: KafkaMessage) => void,
): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => take(partition, message),
  });
}

function toRead(partition: number, message: KafkaMessage): ReadMessage {
  return {
    partition,
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value ?? Buffer.alloc(0),
    headers: message.headers ?? {},
    timestampMs: Number(message.timestamp),
  };
}
