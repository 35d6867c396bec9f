import type { Producer } from 'kafkajs';
import type { KafkaClient } from './client.ts';

/**
 * A connected idempotent producer whose messages go to the partition that they name, modulo how many there are: always
 * the same for a message, since a retry that went elsewhere would break the numbering. `retries` of one request.
 */
export async function startPlacingProducer(kafka: KafkaClient, retries: number): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ partitionMetadata, message }) =>
        (message.partition ?? 0) % partitionMetadata.length,
    retry: { retries },
  });
  await producer.connect();
  return producer;
}
