import { describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { SpanweirError } from '../../../src/base/errors.ts';
import { committed, createTopic, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { joined, type Lane, startLane, total, World } from './harness.ts';

const brokers = inject('kafkaBrokers');

function options(topic: string, more: object = {}): object {
  return {
    brokers,
    group_id: uniqueName('group'),
    initial_offset: 'earliest',
    traces: { topics: [topic] },
    session_timeout: '6s',
    heartbeat_interval: '300ms',
    max_partition_fetch_size: 2000,
    ...more,
  };
}

async function produceMany(topic: string, partitions: number, count: number): Promise<void> {
  for (let from = 0; from < count; from += 20) {
    // Small record batches, so that no fetch brings a partition to its end.
    const messages = Array.from({ length: 20 }, (_, i) => ({
      partition: (from / 20) % partitions,
      value: `record ${from + i}`,
    }));
    await produce(topic, messages);
  }
}

function texts(world: World): string[] {
  return [...world.durable.values()].flat().sort();
}

function expected(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `record ${i}`).sort();
}

const slow = () => systemClock.sleep(30);

describe('a rebalance', () => {
  it('with blocks in flight loses nothing and repeats nothing, as members come and go', async () => {
    const topic = await createTopic('rebalance', { partitions: 6 });
    await produceMany(topic, 6, 2400);
    const world = new World();
    const config = options(topic) as { group_id: string };
    const settings = { world, blockRecords: 5, write: slow };
    const first = await startLane(config, settings);
    await waitFor('work has begun', () => world.count > 50);
    const second = await startLane(config, settings);
    await joined(first, second);
    await waitFor('both work', () => owned(first) === 3 && owned(second) === 3);
    await first.stop();
    const third = await startLane(config, settings);
    await waitFor('the third works', () => owned(third) === 3);
    await waitFor('everything', () => world.count >= 2400, { deadlineMs: 60_000 });
    expect(texts(world)).toEqual(expected(2400));
    expect(world.violations).toEqual([]);
    const ends = await committed(config.group_id, topic);
    expect([...ends.values()].reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(2400);
  });

  it('ends what is in flight before the member joins again: nothing is written twice', async () => {
    const topic = await createTopic('drain', { partitions: 2 });
    await produceMany(topic, 2, 400);
    const world = new World();
    const written: string[] = [];
    const write = async (block: readonly string[]): Promise<void> => {
      await systemClock.sleep(100);
      written.push(...block);
    };
    const config = options(topic);
    const first = await startLane(config, { world, write });
    await waitFor('work has begun', () => world.count > 20);
    const second = await startLane(config, { world, write });
    await joined(first, second);
    await waitFor('everything', () => world.count >= 400, { deadlineMs: 60_000 });
    expect(written.sort()).toEqual(expected(400));
  });

  it('drops whole what can not be settled in time; its late commit moves nothing', async () => {
    const topic = await createTopic('fence');
    await produce(
      topic,
      Array.from({ length: 10 }, (_, i) => ({ value: `record ${i}` })),
    );
    const config = options(topic) as { group_id: string };
    const stuckWorld = new World();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stuck = await startLane(config, { world: stuckWorld, write: () => gate });
    await waitFor(
      'a block is in flight',
      () => stuck.intake.partitions.length === 1 && total(stuck, 'x') === 0,
    );
    const [old] = stuck.intake.partitions;
    const world = new World();
    const others: Lane[] = [];
    // With one partition the new member may stay idle; several make sure that it moves.
    for (let i = 0; i < 3; i++) others.push(await startLane(config, { world }));
    await waitFor('the partition was dropped', () => old?.isDropped, { deadlineMs: 20_000 });
    await stuck.stop(500);
    await waitFor('another owner is done', () => world.count === 10, { deadlineMs: 20_000 });
    const before = await committed(config.group_id, topic);
    expect(Number(before.get(0)?.offset)).toBe(10);
    release();
    expect(await old?.source.commit(3, null)).toBe('fenced');
    expect((await committed(config.group_id, topic)).get(0)).toEqual(before.get(0));
    expect(stuckWorld.count).toBe(0);
  });

  it('does not take a member for dead that waits for room longer than the session timeout', async () => {
    const topic = await createTopic('backpressure', { partitions: 8 });
    await produceMany(topic, 8, 3200);
    const world = new World();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const lane = await startLane(options(topic), { world, blockRecords: 1, write: () => gate });
    await joined(lane);
    await systemClock.sleep(8000);
    expect(total(lane, 'spanweir_kafka_receiver_rebalances_total')).toBe(1);
    expect(total(lane, 'spanweir_kafka_receiver_restarts_total')).toBe(0);
    release();
    await waitFor('everything', () => world.count >= 3200, { deadlineMs: 30_000 });
    expect(texts(world)).toEqual(expected(3200));
    expect(world.violations).toEqual([]);
    expect(total(lane, 'spanweir_kafka_receiver_rebalances_total')).toBe(1);
  });
});

describe('a consumer that ends', () => {
  it('is started again from the committed positions, told as recoverable meanwhile', async () => {
    const topic = await createTopic('crash');
    await produceMany(topic, 1, 200);
    const world = new World();
    const lane = await startLane(options(topic), { world, blockRecords: 5, write: slow });
    await waitFor('work has begun', () => world.count > 20);
    lane.intake.partitions[0]?.source.abandoned?.(new SpanweirError('UNAVAILABLE', 'the sink is gone'));
    await waitFor('recoverable', () =>
      lane.health.some(({ reason }) => reason?.includes('the sink is gone')),
    );
    await waitFor('everything', () => world.count >= 200);
    expect(texts(world)).toEqual(expected(200));
    expect(world.violations).toEqual([]);
    expect(lane.health.at(-1)?.status).toBe('ok');
    expect(total(lane, 'spanweir_kafka_receiver_restarts_total')).toBe(1);
  });

  it('ends in order when stopped: in-flight blocks are committed, nothing is left to repeat', async () => {
    const topic = await createTopic('stop', { partitions: 3 });
    await produceMany(topic, 3, 600);
    const world = new World();
    const config = options(topic);
    const first = await startLane(config, { world, blockRecords: 5, write: slow });
    await waitFor('work has begun', () => world.count > 50);
    await first.stop();
    const at = world.count;
    expect(at).toBeLessThan(600);
    await startLane(config, { world });
    await waitFor('everything', () => world.count >= 600);
    expect(texts(world)).toEqual(expected(600));
    expect(world.violations).toEqual([]);
  });
});

function owned(lane: Lane): number {
  return total(lane, 'spanweir_kafka_receiver_assigned_partitions');
}
