import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startKafka } from '../../../scripts/parts/kafka.mjs';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { kafkaJs } from '../../../src/kafka/kafkajs.ts';
import { newTopic } from '../../support/new-topic.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { committed, createTopic, produce, readTopic, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { joined, startLane, total, World } from './harness.ts';

const { Kafka, logLevel } = kafkaJs();

const brokers = inject('kafkaBrokers');

function options(topic: string, more: object = {}): object {
  return {
    brokers,
    group_id: uniqueName('group'),
    initial_offset: 'earliest',
    traces: { topics: [topic] },
    session_timeout: '6s',
    heartbeat_interval: '300ms',
    metadata: { retry: { max: 3, backoff: '100ms' } },
    ...more,
  };
}

function texts(world: World): string[] {
  return [...world.durable.values()].flat().sort();
}

const isPoison = (text: string): boolean => text === 'poison';

describe('dead letters', () => {
  it('go to the topic with key, value, headers, position and reason, before the position passes them', async () => {
    const topic = await createTopic('poison');
    const deadLetters = await createTopic('dead');
    await produce(topic, [
      { value: 'good 1' },
      { key: 'k', value: 'poison', headers: { tenant: ['a', 'b'] } },
      { value: 'good 2' },
    ]);
    const world = new World();
    const config = options(topic, { dead_letter: { topic: deadLetters } }) as { group_id: string };
    const lane = await startLane(config, { world, isPoison });
    await waitFor('the neighbours', () => world.count === 2);
    expect(texts(world)).toEqual(['good 1', 'good 2']);
    const [letter] = await readTopic(deadLetters, 1);
    expect([String(letter?.key), String(letter?.value)]).toEqual(['k', 'poison']);
    const headers = Object.entries(letter?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    expect(Object.fromEntries(headers)).toMatchObject({
      tenant: 'a,b',
      'x-spanweir-reason': 'malformed',
      'x-spanweir-topic': topic,
      'x-spanweir-partition': '0',
      'x-spanweir-offset': '1',
    });
    expect(total(lane, 'spanweir_kafka_receiver_dead_letters_total')).toBe(1);
    expect((await committed(config.group_id, topic)).get(0)?.offset).toBe(3n);
  });

  it('go to the folder otherwise', async () => {
    const topic = await createTopic('poison-folder');
    await produce(topic, [{ value: 'poison' }, { value: 'good' }]);
    const directory = tempDirOfTest();
    const world = new World();
    await startLane(options(topic, { dead_letter: { directory } }), { world, isPoison });
    await waitFor('the neighbour', () => world.count === 1);
    expect(readdirSync(directory)).toEqual([`${topic}-0-0.json`]);
  });
});

describe('a broker that', () => {
  it('is killed with -9 and comes back loses nothing and repeats nothing', async () => {
    const dir = tempDirOfTest();
    const ports = { port: await freePort(), controllerPort: await freePort() };
    const own = await startKafka({ dir, ...ports, heapMb: 256 });
    let running = own;
    onTestFinished(() => running.stop());
    const topic = uniqueName('restart');
    await fill(own.brokers, topic, 3, 600);
    const world = new World();
    const write = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
    const config = options(topic, { brokers: own.brokers, max_partition_fetch_size: 2000 });
    // Blocks of one record: partitions wait for room, paused, when the broker dies.
    const lane = await startLane(config, { world, blockRecords: 1, write });
    await waitFor('work has begun', () => world.count > 50);
    await own.child.kill();
    await waitFor('recoverable', () => lane.health.at(-1)?.status === 'recoverable', { deadlineMs: 40_000 });
    running = await startKafka({ dir, ...ports, heapMb: 256 });
    await waitFor('everything', () => world.count >= 600, { deadlineMs: 100_000 });
    expect(texts(world)).toEqual(records(600).sort());
    expect(world.violations).toEqual([]);
    await joined(lane);
    // Less than the two minutes after which a consumer without any answer is started again: it needs none of that.
  }, 240_000);

  it('has a damaged record batch on disk costs one dead letter, and its neighbours are read', async () => {
    const dir = tempDirOfTest();
    const ports = { port: await freePort(), controllerPort: await freePort() };
    const own = await startKafka({ dir, ...ports, heapMb: 256 });
    let running = own;
    onTestFinished(() => running.stop());
    const topic = uniqueName('damaged');
    await fill(own.brokers, topic, 1, 60);
    await own.stop();
    damage(join(dir, 'log', `${topic}-0`), 'record 25');
    running = await startKafka({ dir, ...ports, heapMb: 256 });
    const directory = tempDirOfTest();
    const world = new World();
    const config = options(topic, { brokers: own.brokers, dead_letter: { directory } });
    const lane = await startLane(config, { world });
    await waitFor('the neighbours', () => world.count === 40);
    expect(texts(world)).toEqual(
      records(60)
        .filter((_, i) => i < 20 || i >= 40)
        .sort(),
    );
    expect(readdirSync(directory)).toEqual([`${topic}-0-20.json`]);
    const letter = JSON.parse(readFileSync(join(directory, `${topic}-0-20.json`), 'utf8')) as object;
    expect(letter).toMatchObject({ offset: 20, last_offset: 39, reason: 'batch_corrupt' });
    expect(total(lane, 'spanweir_kafka_receiver_unreadable_batches_total')).toBe(1);
  });
});

function records(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `record ${i}`);
}

/** Record batches of 20, one after the other over the partitions. */
async function fill(to: readonly string[], topic: string, partitions: number, count: number): Promise<void> {
  const kafka = new Kafka({ brokers: [...to], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await newTopic(admin, { topic, numPartitions: partitions });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const all = records(count);
  for (let from = 0; from < count; from += 20) {
    const partition = (from / 20) % partitions;
    const messages = all.slice(from, from + 20).map((value) => ({ partition, value }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

function damage(folder: string, text: string): void {
  const segment = join(folder, '00000000000000000000.log');
  const bytes = readFileSync(segment);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] as number) ^ 0x20;
  writeFileSync(segment, bytes);
}
