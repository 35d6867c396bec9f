import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { DECOMPRESS } from '../../../src/kafka/codecs.ts';
import { kafkaJs } from '../../../src/kafka/kafkajs.ts';
import { newTopic } from '../../support/new-topic.ts';
import { committed, createTopic, growTopic, produce, uniqueName } from '../../support/topics.ts';
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
    heartbeat_interval: '500ms',
    ...more,
  };
}

function texts(from: number, count: number): { value: string }[] {
  return Array.from({ length: count }, (_, i) => ({ value: `record ${from + i}` }));
}

function sorted(world: World): string[] {
  return [...world.durable.values()].flat().sort();
}

function expected(count: number): string[] {
  return texts(0, count)
    .map(({ value }) => value)
    .sort();
}

describe('one lane', () => {
  it('takes every record of a topic once and commits its end', async () => {
    const topic = await createTopic('plain', { partitions: 4 });
    await produce(topic, texts(0, 500));
    const world = new World();
    const config = options(topic) as { group_id: string };
    await startLane(config, { world });
    await waitFor('500 records', () => world.count === 500);
    expect(sorted(world)).toEqual(expected(500));
    expect(world.violations).toEqual([]);
    const ends = await committed(config.group_id, topic);
    expect([...ends.values()].reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(500);
  });

  it('reads all partitions in turn while each has more than a fetch may bring', async () => {
    const [partitions, each] = [8, 30];
    const topic = await createTopic('turns', { partitions });
    for (let i = 0; i < each; i++) {
      const value = (partition: number): string => `${partition}:${i}:`.padEnd(100_000, '.');
      const messages = Array.from({ length: partitions }, (_, partition) => ({
        partition,
        value: value(partition),
      }));
      await produce(topic, messages);
    }
    const order: number[] = [];
    const write = async (texts: readonly string[]): Promise<void> => {
      for (const text of texts) order.push(Number(text.slice(0, 1)));
    };
    const sizes = { max_fetch_size: 1_000_000, max_partition_fetch_size: 1_000_000 };
    await startLane(options(topic, sizes), { world: new World(), blockRecords: 10, write });
    await waitFor('all records', () => order.length === partitions * each);
    // A fetch brings nine or ten: none has its third turn before each has had its first.
    const taken = Array.from({ length: partitions }, () => 0);
    for (const partition of order) {
      taken[partition] = (taken[partition] as number) + 1;
      if (taken[partition] === 21) break;
    }
    expect(Math.min(...taken)).toBeGreaterThan(0);
  });

  it.each([
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
    ['zstd', 4],
  ])('unpacks %s as the broker packs it', async (codec, number) => {
    const topic = await createTopic(codec, { config: { 'compression.type': codec } });
    await produce(topic, texts(0, 3000));
    const asked = vi.spyOn(DECOMPRESS, 'get');
    onTestFinished(() => asked.mockRestore());
    const world = new World();
    await startLane(options(topic), { world });
    await waitFor('3000 records', () => world.count === 3000);
    expect(sorted(world)).toEqual(expected(3000));
    expect(asked).toHaveBeenCalledWith(number);
  });

  it('begins at the end by default, and a restart loses nothing that came in between', async () => {
    const topic = await createTopic('latest');
    await produce(topic, texts(1000, 10));
    const config = options(topic, { initial_offset: 'latest' });
    const first = new World();
    const lane = await startLane(config, { world: first });
    await joined(lane);
    await lane.stop();
    await produce(topic, texts(0, 5));
    const world = new World();
    await startLane(config, { world });
    await waitFor('5 records', () => world.count === 5);
    expect(sorted(world)).toEqual(expected(5));
    expect(first.count).toBe(0);
  });

  it('goes past aborted transactions and their markers', async () => {
    const topic = await createTopic('transactions');
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer({
      transactionalId: uniqueName('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const aborted = await producer.transaction();
    await aborted.send({ topic, messages: [{ value: 'never seen' }] });
    await aborted.abort();
    const kept = await producer.transaction();
    await kept.send({ topic, messages: texts(0, 3) });
    await kept.commit();
    await producer.disconnect();
    const world = new World();
    const config = options(topic) as { group_id: string };
    await startLane(config, { world });
    await waitFor('the end is committed', async () => {
      const position = (await committed(config.group_id, topic)).get(0);
      // 1 aborted + its marker + 3 + their marker
      return Number(position?.offset) === 6;
    });
    // The broker may tell us before it has answered the lane.
    await waitFor('the lane knows it', () => world.count === 3);
    expect(sorted(world)).toEqual(expected(3));
  });

  it('reads topics by pattern, leaves out the excluded, and takes in one that comes later', async () => {
    const prefix = uniqueName('pattern');
    const [first, excluded] = [await createTopic(`${prefix}-a`), await createTopic(`${prefix}-skip`)];
    await produce(first, texts(0, 3));
    await produce(excluded, [{ value: 'not meant' }]);
    const world = new World();
    const traces = { topics: [`^${prefix}-.*`], exclude_topics: ['-skip-'] };
    const lane = await startLane(options(first, { traces, metadata: { refresh_interval: '1s' } }), { world });
    await waitFor('3 records', () => world.count === 3);
    const later = await createTopic(`${prefix}-b`);
    await produce(later, texts(3, 2));
    await waitFor('5 records', () => world.count === 5);
    expect(sorted(world)).toEqual(expected(5));
    expect(world.violations).toEqual([]);
    expect(lane.logs.some(({ message }) => message.includes('topics came or went'))).toBe(true);
  });

  it('takes in partitions that the topic gets later, from their beginning', async () => {
    const topic = await createTopic('grows');
    await produce(topic, texts(0, 3));
    const world = new World();
    const more = { initial_offset: 'latest', metadata: { refresh_interval: '1s' } };
    await joined(await startLane(options(topic, more), { world }));
    await growTopic(topic, 3);
    await produce(topic, [
      { partition: 1, value: 'one' },
      { partition: 2, value: 'two' },
    ]);
    await waitFor('records of the new partitions', () => world.count >= 2);
    expect(sorted(world)).toEqual(['one', 'two']);
  });

  it('reads a compacted topic: what is left of it, once', async () => {
    const config = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01' };
    const topic = await createTopic('compacted', { config });
    for (let i = 0; i < 30; i++) await produce(topic, [{ key: `key ${i % 3}`, value: `record ${i}` }]);
    const world = new World();
    const lane = await startLane(options(topic), { world });
    await waitFor('the newest of each key', () => {
      const found = sorted(world);
      return ['record 27', 'record 28', 'record 29'].every((text) => found.includes(text));
    });
    expect(new Set(sorted(world)).size).toBe(sorted(world).length);
    expect(world.violations).toEqual([]);
    await lane.stop();
  });

  it('says that a topic is missing and begins when it comes', async () => {
    const topic = uniqueName('missing');
    const world = new World();
    const lane = await startLane(options(topic), { world });
    await waitFor('recoverable', () => lane.health.at(-1)?.reason === `topic ${topic} does not exist`);
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await newTopic(admin, { topic });
    await admin.disconnect();
    await produce(topic, texts(0, 1));
    await waitFor('1 record', () => world.count === 1);
    expect(lane.health.at(-1)?.status).toBe('ok');
  });

  it('moves a position that the log has lost to initial_offset, and counts it', async () => {
    const topic = await createTopic('range');
    await produce(topic, texts(100, 20));
    const config = options(topic) as { group_id: string };
    const world = new World();
    const first = await startLane(config, { world });
    await waitFor('20 records', () => world.count === 20);
    await first.stop();
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await produce(topic, texts(200, 10));
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '30' }] });
    await admin.disconnect();
    await produce(topic, texts(0, 4));
    const second = await startLane(config, { world });
    await waitFor('24 records', () => world.count === 24);
    expect(total(second, 'spanweir_kafka_receiver_offset_resets_total')).toBe(1);
    expect(world.violations).toEqual([]);
  });

  it('adds the named headers to the resource', async () => {
    const topic = await createTopic('headers');
    // resource_spans { resource {} }
    const value = Buffer.from([0x0a, 0x02, 0x0a, 0x00]);
    await produce(topic, [{ value, headers: { tenant: 'blue', other: 'x' } }]);
    const world = new World();
    const header_extraction = { extract_headers: true, headers: ['tenant'] };
    await startLane(options(topic, { header_extraction }), { world });
    await waitFor('1 record', () => world.count === 1);
    const [text = ''] = sorted(world);
    expect(text).toContain('kafka.header.tenant');
    expect(text).toContain('blue');
    expect(text).not.toContain('other');
  });

  it('tells what to do when another client lives in the group', async () => {
    const topic = await createTopic('foreign');
    const config = options(topic) as { group_id: string };
    const { AssignerProtocol } = kafkaJs();
    const other = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({
      groupId: config.group_id,
      partitionAssigners: [
        () => ({
          name: 'range',
          version: 0,
          assign: async () => [],
          protocol: ({ topics }) => ({
            name: 'range',
            metadata: AssignerProtocol.MemberMetadata.encode({
              version: 0,
              topics,
              userData: Buffer.alloc(0),
            }),
          }),
        }),
      ],
    });
    await other.connect();
    await other.subscribe({ topic });
    await other.run({ eachMessage: () => Promise.resolve() });
    await waitFor('the other client is in', async () => (await other.describeGroup()).state === 'Stable');
    const lane = await startLane(config, { world: new World() });
    await waitFor('the text', () => lane.health.at(-1)?.reason?.includes('live members of another client'));
    await other.disconnect();
    await waitFor('joined afterwards', () => lane.health.at(-1)?.status === 'ok', { deadlineMs: 30_000 });
  });
});
