import { type Admin, Kafka, logLevel } from 'kafkajs';
import { newTopic } from '../../test/support/new-topic.ts';
import type { Workload } from '../workload.ts';

/** What one batch of a partition holds at most: the broker takes a megabyte. */
const BATCH_BYTES = 810_000;
const BATCH_MESSAGES = 500;
/** Partitions that one request fills. */
const PARTITIONS_AT_ONCE = 8;

export type TopicCodec = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/**
 * Makes the topic (unless `isNew` is false) and puts every message of the workload on it, round robin over the
 * partitions, eight of them at a time. With a codec the broker packs every batch as it comes.
 */
export async function fillTopic(
  brokers: readonly string[],
  topic: string,
  options: {
    readonly partitions: number;
    readonly workload: Workload;
    readonly isNew?: boolean;
    readonly codec?: TopicCodec;
  },
): Promise<void> {
  const { codec, partitions, workload } = options;
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  if (options.isNew !== false) await createTopic(kafka, topic, { partitions, ...(codec && { codec }) });
  const producer = kafka.producer();
  await producer.connect();
  const atOnce = Math.min(PARTITIONS_AT_ONCE, partitions);
  let waiting: { value: Buffer; partition: number }[] = [];
  let bytes = 0;
  let firstPartition = 0;
  for (const value of workload.messages()) {
    const partition = (firstPartition + (waiting.length % atOnce)) % partitions;
    waiting.push({ value, partition });
    bytes += value.length;
    if (waiting.length % atOnce !== 0) continue;
    const perPartition = waiting.length / atOnce;
    if (perPartition < BATCH_MESSAGES && (bytes / atOnce) * (1 + 1 / perPartition) < BATCH_BYTES) continue;
    await producer.send({ topic, messages: waiting });
    waiting = [];
    bytes = 0;
    firstPartition = (firstPartition + atOnce) % partitions;
  }
  if (waiting.length > 0) await producer.send({ topic, messages: waiting });
  await producer.disconnect();
  if (options.isNew === false) return;
  const written = await messagesOn(kafka, topic);
  if (written !== workload.ledger.messages)
    throw new Error(`${written} messages are on ${topic} instead of ${workload.ledger.messages}`);
}

async function createTopic(
  kafka: Kafka,
  topic: string,
  { partitions, codec }: { readonly partitions: number; readonly codec?: TopicCodec },
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = codec === undefined ? [] : [{ name: 'compression.type', value: codec }];
  await newTopic(admin, { topic, numPartitions: partitions, configEntries });
  await admin.disconnect();
}

async function messagesOn(kafka: Kafka, topic: string): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.reduce((sum, { offset }) => sum + Number(offset), 0);
  } finally {
    await admin.disconnect();
  }
}

/** They are gone from the disk within a minute. */
export async function deleteTopics(brokers: readonly string[], topics: readonly string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [...topics] });
  await admin.disconnect();
}

/** What groups have committed of a topic, over one connection, so that looking often costs next to nothing. */
export class CommittedOffsets {
  readonly #admin: Admin;
  readonly #topic: string;

  private constructor(admin: Admin, topic: string) {
    this.#admin = admin;
    this.#topic = topic;
  }

  static async open(brokers: readonly string[], topic: string): Promise<CommittedOffsets> {
    const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    return new CommittedOffsets(admin, topic);
  }

  /** Over all partitions of all these groups; where nothing was committed, 0. */
  async ofGroups(groupIds: readonly string[]): Promise<number> {
    let sum = 0;
    for (const groupId of groupIds) {
      const [offsets] = await this.#admin.fetchOffsets({ groupId, topics: [this.#topic] });
      for (const { offset } of offsets?.partitions ?? []) sum += Math.max(0, Number(offset));
    }
    return sum;
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}

/** Committed offset of every partition of a group, summed; -1 where nothing was committed counts as 0. */
export async function committedMessages(
  brokers: readonly string[],
  groupId: string,
  topic: string,
): Promise<number> {
  const offsets = await CommittedOffsets.open(brokers, topic);
  try {
    return await offsets.ofGroups([groupId]);
  } finally {
    await offsets.close();
  }
}

/** The group starts over: its offsets are as if it had never been. */
export async function forgetGroup(brokers: readonly string[], groupId: string): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const { groups } = await admin.listGroups();
  if (groups.some((group) => group.groupId === groupId)) await admin.deleteGroups([groupId]);
  await admin.disconnect();
}
