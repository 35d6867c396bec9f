import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import type { Log } from '../../../src/base/instruments.ts';
import { createKafka, type KafkaClient } from '../../../src/kafka/client.ts';
import { clientOptions } from '../../../src/kafka/options.ts';
import { ensureSinglePartitionTopic } from '../../../src/kafka/single-partition-topic.ts';
import { createTopic, kafkaClient, uniqueName } from '../../support/topics.ts';

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ENV = { log, clock: systemClock };

async function kafka(): Promise<KafkaClient> {
  const config = z.strictObject(clientOptions).parse({ brokers: inject('kafkaBrokers') });
  return await createKafka(config, ENV);
}

function compacted(name: string) {
  return { name, policy: 'compact', settings: { 'segment.ms': '60000' }, replicationFactor: -1 } as const;
}

test('a topic that is not there is made, with one partition and its settings, by several at a time', async () => {
  const name = uniqueName('single');
  const client = await kafka();
  await Promise.all([1, 2, 3].map(() => ensureSinglePartitionTopic(client, compacted(name), ENV)));
  const admin = kafkaClient().admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name, configNames: ['cleanup.policy', 'segment.ms'] }],
  });
  await admin.disconnect();
  expect(topics[0]?.partitions).toHaveLength(1);
  const entries = resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]);
  expect(Object.fromEntries(entries ?? [])).toEqual({ 'cleanup.policy': 'compact', 'segment.ms': '60000' });
});

test('a topic with more partitions is refused, with what to do', async () => {
  const name = await createTopic('single', { partitions: 3, config: { 'cleanup.policy': 'compact' } });
  await expect(ensureSinglePartitionTopic(await kafka(), compacted(name), ENV)).rejects.toMatchObject({
    code: 'REFUSED',
    message: `the topic ${name} has 3 partitions and needs exactly one: choose another name, or delete it and let it be made`,
  });
});

test('a topic that deletes what is old is refused, with the command that changes it', async () => {
  const name = await createTopic('single');
  await expect(ensureSinglePartitionTopic(await kafka(), compacted(name), ENV)).rejects.toMatchObject({
    code: 'REFUSED',
    message: `the topic ${name} has cleanup.policy=delete and needs compact: run kafka-configs.sh --alter --topic ${name} --add-config cleanup.policy=compact`,
  });
});

test('a topic that the brokers refuse to make is told with their reason and the command', async () => {
  const name = uniqueName('single');
  const topic = { ...compacted(name), replicationFactor: 7 };
  await expect(ensureSinglePartitionTopic(await kafka(), topic, ENV)).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringMatching(
      /does not exist and may not be made here \(.+\): run kafka-topics\.sh --create/,
    ),
  });
});
