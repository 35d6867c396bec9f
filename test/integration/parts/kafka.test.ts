import { expect, inject, test } from 'vitest';
import { run } from '../../../scripts/parts/child.mjs';
import { ensureKcat } from '../../../scripts/parts/kcat.mjs';
import {
  committed,
  createTopic,
  kafkaClient,
  produce,
  readTopic,
  topicSize,
  uniqueName,
} from '../../support/topics.ts';

test('the broker gives back what was produced, in the order of its partition', async () => {
  const topic = await createTopic('roundtrip', { partitions: 2 });
  await produce(topic, [
    {
      partition: 1,
      key: 'k',
      value: Buffer.from([0, 1, 255]),
      headers: { h: 'v' },
      timestamp: '1700000000000',
    },
    { partition: 0, value: 'a' },
    { partition: 0, value: 'b' },
  ]);
  const messages = await readTopic(topic, 3);
  expect(messages.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 0n],
    [0, 1n],
    [1, 0n],
  ]);
  expect(messages.map(({ value }) => value.toString('hex'))).toEqual(['61', '62', '0001ff']);
  expect(messages[2]).toMatchObject({ timestampMs: 1_700_000_000_000, headers: { h: Buffer.from('v') } });
  expect(await topicSize(topic)).toBe(3);
});

test('a commit carries 3,000 bytes of metadata and gives them back', async () => {
  const topic = await createTopic('metadata');
  await produce(topic, [{ value: 'a' }]);
  const groupId = uniqueName('group');
  const metadata = 'abcdefghij'.repeat(300);
  const consumer = kafkaClient().consumer({ groupId });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const commit = async (): Promise<void> => {
        await consumer.commitOffsets([{ topic, partition: 0, offset: '1', metadata }]);
        resolve();
      };
      const eachMessage = () => commit().catch(reject);
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  expect(await committed(groupId, topic)).toEqual(new Map([[0, { offset: 1n, metadata }]]));
});

test('a client that is not ours reads the same bytes', async () => {
  const topic = await createTopic('kcat');
  await produce(topic, [{ key: 'key', value: 'value' }]);
  const args = [
    '-b',
    inject('kafkaBrokers').join(','),
    '-C',
    '-t',
    topic,
    '-o',
    'beginning',
    '-e',
    '-q',
    '-f',
    '%k=%s\n',
  ];
  expect(await run(await ensureKcat(), args)).toBe('key=value\n');
});
