import { Kafka, logLevel } from 'kafkajs';
import type { Workload } from '../workload.ts';

const MESSAGES_PER_REQUEST = 20;

/** Makes the topic (unless `isNew` is false) and puts every message of the workload on it, round robin over the partitions. */
export async function fillTopic(
  brokers: readonly string[],
  topic: string,
  options: { readonly partitions: number; readonly workload: Workload; readonly isNew?: boolean },
): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  if (options.isNew !== false) await createTopic(kafka, topic, options.partitions);
  const producer = kafka.producer();
  await producer.connect();
  let waiting: { value: Buffer; partition: number }[] = [];
  let index = 0;
  for (const value of options.workload.messages()) {
    waiting.push({ value, partition: index++ % options.partitions });
    if (waiting.length < MESSAGES_PER_REQUEST * options.partitions) continue;
    await producer.send({ topic, messages: waiting });
    waiting = [];
  }
  if (waiting.length > 0) await producer.send({ topic, messages: waiting });
  await producer.disconnect();
}

async function createTopic(kafka: Kafka, topic: string, partitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  await admin.disconnect();
}

/** Committed offset of every partition of a group, summed; -1 where nothing was committed counts as 0. */
export async function committedMessages(
  brokers: readonly string[],
  groupId: string,
  topic: string,
): Promise<number> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return (offsets?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  } finally {
    await admin.disconnect();
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
