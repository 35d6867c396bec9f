import type { ICustomPartitioner, Message } from 'kafkajs';
import { SpanweirError } from '../../base/errors.ts';
import { kafkaJs } from '../../kafka/kafkajs.ts';

export type Partitioning = 'murmur2' | 'sarama_compat' | 'round_robin';

/**
 * A message keeps the partition of its first try: an idempotent producer numbers messages per partition, and a
 * retry that sent it elsewhere would make the broker take another message for its duplicate. Throws UNAVAILABLE when
 * there is no such partition any more (the topic was made anew): kafkajs would leave the message out and say that all
 * were sent.
 */
export function createPartitioner(partitioning: Partitioning): ICustomPartitioner {
  return () => {
    const javaLike = kafkaJs().Partitioners.DefaultPartitioner();
    let turn = 0;
    return ({ topic, partitionMetadata, message }) => {
      const count = partitionMetadata.length;
      if (message.partition !== undefined) {
        if (message.partition < count) return message.partition;
        const text = `topic ${topic} has ${count} partitions now, and no partition ${message.partition}`;
        throw new SpanweirError('UNAVAILABLE', text, { retry: 'backoff' });
      }
      if (partitioning === 'round_robin') message.partition = turn++ % count;
      else if (partitioning === 'sarama_compat' && message.key != null) {
        message.partition = saramaPartition(keyBytes(message.key), count);
      } else message.partition = javaLike({ topic, partitionMetadata, message });
      return message.partition;
    };
  };
}

function keyBytes(key: NonNullable<Message['key']>): Buffer {
  return typeof key === 'string' ? Buffer.from(key) : key;
}

/** FNV-1a of 32 bits, taken as a signed number, remainder made positive: as sarama and the collector do it. */
export function saramaPartition(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.abs((hash | 0) % partitions);
}
