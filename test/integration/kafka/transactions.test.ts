import { expect, inject, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import type { Log } from '../../../src/base/instruments.ts';
import { createKafka, type KafkaClient } from '../../../src/kafka/client.ts';
import { LogReader } from '../../../src/kafka/log-reader.ts';
import { clientOptions } from '../../../src/kafka/options.ts';
import { TransactionalWriter } from '../../../src/kafka/transactional-writer.ts';
import { createTopic, kafkaClient, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const YES = (): boolean => true;

async function kafka(): Promise<KafkaClient> {
  const config = z.strictObject(clientOptions).parse({ brokers: inject('kafkaBrokers') });
  return await createKafka(config, { log: SILENT, clock: systemClock });
}

async function openWriter(topic: string, transactionalId: string, timeoutMs = 60_000) {
  const writer = await TransactionalWriter.open(await kafka(), { topic, transactionalId, timeoutMs });
  onTestFinished(() => writer.close());
  return writer;
}

async function openReader(): Promise<LogReader> {
  const reader = await LogReader.open(await kafka());
  onTestFinished(() => reader.close());
  return reader;
}

/** Keys and values of all that a reader finds, a tombstone's value as null. */
async function contentOf(reader: LogReader, topic: string): Promise<[string, string | null][]> {
  const [ends] = await reader.ends(topic);
  const found: [string, string | null][] = [];
  for await (const batch of reader.read(topic, 0, { from: ends?.low ?? 0, to: ends?.high ?? 0 })) {
    for (const { key, value } of batch.records) {
      found.push([String(key), value === null ? null : String(value)]);
    }
  }
  return found;
}

/** A transaction with one record in it, begun and not ended, as a process leaves it that is killed or stopped. */
async function beginOne(topic: string, transactionalId: string, timeoutMs = 600_000) {
  const producer = kafkaClient().producer({ transactionalId, transactionTimeout: timeoutMs });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ key: 'a', value: 'left open' }] });
  return transaction;
}

test('what a transaction writes is read once it is committed, whole, and an aborted one never', async () => {
  const topic = await createTopic('txn');
  const writer = await openWriter(topic, uniqueName('txn'));
  const reader = await openReader();
  await writer.write([[{ key: 'a', value: '1' }], [{ key: 'b', value: null }]], YES);
  await expect(writer.write([[{ key: 'a', value: '2' }]], () => false)).rejects.toMatchObject({
    code: 'FENCED',
  });
  await writer.write([[{ key: 'c', value: '3' }]], YES);
  await waitFor('the last one is there', async () => (await contentOf(reader, topic)).length === 3);
  expect(await contentOf(reader, topic)).toEqual([
    ['a', '1'],
    ['b', null],
    ['c', '3'],
  ]);
});

test('an open transaction is not read, nor is what others committed behind it, until a new writer aborts it', async () => {
  const topic = await createTopic('txn');
  const id = uniqueName('txn');
  const reader = await openReader();
  await beginOne(topic, id);
  expect(await contentOf(reader, topic)).toEqual([]);
  const beganMs = performance.now();
  const writer = await openWriter(topic, id);
  const [ends] = await reader.ends(topic);
  const tookMs = performance.now() - beganMs;
  // The record and the marker that aborts it are behind us when `open` resolves.
  expect(ends?.high).toBe(2);
  expect(tookMs).toBeLessThan(5000);
  await writer.write([[{ key: 'a', value: 'after' }]], YES);
  await waitFor('it is there', async () => (await contentOf(reader, topic)).length === 1);
  expect(await contentOf(reader, topic)).toEqual([['a', 'after']]);
});

test('the writer that was opened last shuts out the one before, between two writes and within one', async () => {
  const topic = await createTopic('txn');
  const id = uniqueName('txn');
  const reader = await openReader();
  const first = await openWriter(topic, id);
  await first.write([[{ key: 'a', value: 'first' }]], YES);
  const second = await openWriter(topic, id);
  await expect(first.write([[{ key: 'a', value: 'late' }]], YES)).rejects.toMatchObject({ code: 'FENCED' });
  const stopped = await beginOne(topic, id);
  const third = await openWriter(topic, id);
  await third.write([[{ key: 'a', value: 'third' }]], YES);
  await expect(stopped.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' });
  await expect(second.write([[{ key: 'a', value: 'late' }]], YES)).rejects.toMatchObject({ code: 'FENCED' });
  await waitFor('the third is there', async () => (await contentOf(reader, topic)).length === 2);
  expect((await contentOf(reader, topic)).map(([, value]) => value)).toEqual(['first', 'third']);
});

test('a transaction that outlives its timeout is aborted by the brokers, and its writer is shut out', async () => {
  const topic = await createTopic('txn');
  const id = uniqueName('txn');
  const transaction = await beginOne(topic, id, 1000);
  const reader = await openReader();
  await waitFor('the coordinator aborts it', async () => (await reader.ends(topic))[0]?.high === 2);
  expect(await contentOf(reader, topic)).toEqual([]);
  await expect(transaction.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' });
});

test('a compacted topic reads as the last value of each key, across markers and aborted transactions', async () => {
  const topic = await createTopic('txn', {
    config: {
      'cleanup.policy': 'compact',
      'segment.bytes': '1048576',
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '1000',
      'delete.retention.ms': '100',
    },
  });
  const id = uniqueName('txn');
  const writer = await openWriter(topic, id);
  for (let i = 0; i < 20; i++) {
    await writer.write(
      [
        [
          { key: 'a', value: `a${i}` },
          { key: `only ${i}`, value: 'x' },
        ],
      ],
      YES,
    );
  }
  await beginOne(topic, id);
  const next = await openWriter(topic, id);
  await next.write(
    [
      [
        { key: 'only 3', value: null },
        { key: 'a', value: 'last' },
      ],
    ],
    YES,
  );
  const reader = await openReader();
  const last = async (): Promise<Map<string, string | null>> => new Map(await contentOf(reader, topic));
  const expected = new Map<string, string | null>([
    ['a', 'last'],
    ['only 3', null],
  ]);
  for (let i = 0; i < 20; i++) if (i !== 3) expected.set(`only ${i}`, 'x');
  await waitFor('all is there', async () => (await last()).get('a') === 'last');
  expect(await last()).toEqual(expected);
  let n = 0;
  await waitFor(
    'the log cleaner has been here',
    async () => {
      await next.write([[{ key: 'b', value: String(n++) }]], YES);
      return (await contentOf(reader, topic)).filter(([key]) => key === 'a').length === 1;
    },
    { deadlineMs: 60_000, everyMs: 1000 },
  );
  const after = await last();
  after.delete('b');
  expected.delete('only 3');
  after.delete('only 3');
  expect(after).toEqual(expected);
});
