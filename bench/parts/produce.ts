import { Kafka, logLevel } from 'kafkajs';
import type { Workload } from '../workload.ts';

const MESSAGES_PER_REQUEST = 100;

/**
 * Puts all messages of a workload on a topic, dealt out over its partitions in turn; the topic is created
 * where it is missing. Resolves when the broker has them all; `workload.ledger` is complete then.
 */
export async function produceWorkload(
  brokers: readonly string[],
  topic: { readonly name: string; readonly partitions: number },
  workload: Workload,
): Promise<void> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    const { name, partitions } = topic;
    await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true });
    let messages: { value: Buffer; partition: number }[] = [];
    let index = 0;
    for (const value of workload.messages()) {
      messages.push({ value, partition: index++ % partitions });
      if (messages.length < MESSAGES_PER_REQUEST) continue;
      await producer.send({ topic: name, acks: -1, messages });
      messages = [];
    }
    if (messages.length > 0) await producer.send({ topic: name, acks: -1, messages });
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}
