import { expect, it } from 'vitest';
import { createPartitioner, saramaPartition } from '../../../src/exporters/kafka/partitioner.ts';

const partitionMetadata = Array.from({ length: 10 }, (_, partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 1,
  replicas: [1],
  isr: [1],
}));

it('hashes keys like Java clients: murmur2 of "21" is -973932308', () => {
  // The value is from Kafka's own UtilsTest; 0x7fffffff & -973932308 = 1173551340.
  const message = { key: '21', value: '' };
  const partition = createPartitioner('murmur2')()({ topic: 't', partitionMetadata, message });
  expect(partition).toBe(1173551340 % 10);
});

it('hashes keys like sarama: FNV-1a of "foobar" is 0xbf9cf968, negative as an int32', () => {
  expect(saramaPartition(Buffer.from('foobar'), 10)).toBe(Math.abs(0xbf9cf968 - 2 ** 32) % 10);
});

it('keeps the partition that a message got first, so that a retry can not land elsewhere', () => {
  const choose = createPartitioner('round_robin')();
  const message = { key: null, value: '' };
  const first = choose({ topic: 't', partitionMetadata, message });
  choose({ topic: 't', partitionMetadata, message: { key: null, value: '' } });
  expect(choose({ topic: 't', partitionMetadata, message })).toBe(first);
});

it('lets nothing be sent to a partition that is gone, which kafkajs would leave out without a word', () => {
  const choose = createPartitioner('round_robin')();
  const message = { key: null, value: '', partition: 3 };
  expect(choose({ topic: 't', partitionMetadata, message })).toBe(3);
  const fewer = partitionMetadata.slice(0, 3);
  expect(() => choose({ topic: 't', partitionMetadata: fewer, message })).toThrow(
    'topic t has 3 partitions now, and no partition 3',
  );
});
