import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TopicPartitionOffsetAndMetadata } from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import { KafkaSender, numberedSpans } from '../../../bench/support/senders.ts';
import { queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { committed, createTopic, kafkaClient, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { expectOnce, type Ingester, type IngesterOptions, startIngester } from './ingester.ts';

// Many processes are started.
vi.setConfig({ testTimeout: 300_000 });

/** Four processes on a small machine take their time. */
const PATIENCE = { deadlineMs: 120_000 };

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const brokers = inject('kafkaBrokers');
const clickhouseUrl = inject('clickhouseUrl');

function names(what: string): { group: string; database: string } {
  return { group: uniqueName(what), database: uniqueName(what).replaceAll('-', '_') };
}

/** The build that is there, by other rules: its rows are other rows, and its tokens other tokens. */
function otherBuild(dir: string): string {
  const root = join(dir, 'other-build');
  for (const part of ['dist', 'bin', 'sql', 'package.json'])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const file = join(root, 'dist/flow/block.js');
  const text = readFileSync(file, 'utf8');
  const other = text.replace(/BLOCK_REVISION = \d+/, 'BLOCK_REVISION = 4242');
  expect(other).not.toBe(text);
  writeFileSync(file, other);
  return join(root, 'bin/spanweir');
}

/** A commit of another program's member, as soon as it has seen a message. */
async function commitAs(groupId: string, position: TopicPartitionOffsetAndMetadata): Promise<void> {
  const consumer = kafkaClient().consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [position.topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async () => await consumer.commitOffsets([position]).then(resolve, reject);
    consumer.run({ autoCommit: false, eachMessage }).catch(reject);
  });
  await consumer.disconnect();
}

/** Blocks that ended in a commit, over a process' life. */
async function stored({ own }: Ingester): Promise<number> {
  return (await own()).get('spanweir_blocks_total{outcome="committed",receiver="kafka"}') ?? 0;
}

test('four processes that start at once on an empty database are all up, and every span is stored once', async () => {
  const topic = await createTopic('four', { partitions: 8 });
  const { group, database } = names('four');
  const sender = await KafkaSender.start(brokers, topic, 30);
  const dir = tempDirOfTest();
  const options = { dir, topic, group, database, engine: { workers: 1 } };
  const ingesters = await Promise.all(
    [0, 1, 2, 3].map((i) => startIngester({ ...options, name: `ingester-${i}` })),
  );
  await waitFor(
    'each has a share of the partitions',
    async () => {
      const shares = await Promise.all(
        ingesters.map(async ({ own }) =>
          (await own()).get('spanweir_kafka_receiver_assigned_partitions{receiver="kafka"}'),
        ),
      );
      return shares.every((share) => share === 2);
    },
    PATIENCE,
  );
  await waitFor(
    'each has stored something',
    async () => {
      return (await Promise.all(ingesters.map(stored))).every((blocks) => blocks > 0);
    },
    PATIENCE,
  );
  await sender.end();
  await expectOnce(clickhouseUrl, database, sender.sent);
  const applied = await queryRows<{ version: number; times: string }>(
    `SELECT Version AS version, toString(count()) AS times FROM ${database}.schema_migrations GROUP BY Version`,
  );
  expect(applied.length).toBeGreaterThan(0);
  expect(applied.filter(({ times }) => times !== '1')).toEqual([]);
});

test.each([
  ['builds', true],
  ['configurations', false],
] as const)(
  'two %s take turns in one group under load: nothing is lost, nothing is there twice',
  async (_what, isBuild) => {
    const topic = await createTopic('turns', { partitions: 4 });
    const { group, database } = names('turns');
    const dir = tempDirOfTest();
    const old = { dir, topic, group, database };
    const next: IngesterOptions = isBuild
      ? { ...old, bin: otherBuild(dir) }
      : { ...old, metrics: { dimensions: [{ name: 'http.route' }] } };
    const sender = await KafkaSender.start(brokers, topic, 30);
    const first = await startIngester({ ...old, name: 'old-1' });
    await waitFor('the old one stores', async () => (await stored(first)) > 1, PATIENCE);
    const second = await startIngester({ ...next, name: 'new-1' });
    await waitFor('the new one stores beside it', async () => (await stored(second)) > 1, PATIENCE);
    // Not in order: its blocks are planned under its own revision, and formed again by the other one.
    await first.engine.kill();
    const third = await startIngester({ ...old, name: 'old-2' });
    await waitFor('the old one is back', async () => (await stored(third)) > 1, PATIENCE);
    await second.engine.kill();
    await waitFor('the old one stores alone', async () => (await stored(third)) > 4, PATIENCE);
    await sender.end();
    await expectOnce(clickhouseUrl, database, sender.sent);
  },
);

test('a plan of a newer release is left untouched: its partition waits, others go on, and health says why', async () => {
  const topic = await createTopic('newer', { partitions: 2 });
  const { group, database } = names('newer');
  const plan = '{"spanweir":2,"what":"nobody knows"}';
  const message = (first: number, partition: number) => ({
    partition,
    value: encodeProto([{ service: 'newer', spans: numberedSpans('aa', first) }]),
  });
  await produce(topic, [message(0, 0), message(100, 0), message(200, 1)]);
  await commitAs(group, { topic, partition: 0, offset: '1', metadata: plan });
  expect((await committed(group, topic)).get(0)).toEqual({ offset: 1n, metadata: plan });
  const ingester = await startIngester({ dir: tempDirOfTest(), topic, group, database });
  await expectOnce(clickhouseUrl, database, 100);
  await waitFor('health says why', async () => {
    const trouble = await ingester.trouble('receiver:kafka');
    return trouble.includes(`${topic}/0 has a plan of a newer release`) && trouble.includes('Recoverable');
  });
  // Once for each time that the group was shared out.
  const held = (await ingester.own()).get('spanweir_held_partitions_total{receiver="kafka"}');
  expect(held).toBeGreaterThanOrEqual(1);
  expect(await ingester.engine.stop()).toEqual({ code: 0, signal: null });
  expect((await committed(group, topic)).get(0)).toEqual({ offset: 1n, metadata: plan });
});
