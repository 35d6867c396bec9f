import { describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Block } from '../../../src/flow/block.ts';
import { decodePlan } from '../../../src/flow/block-plan.ts';
import { committed, createTopic, kafkaClient, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { type PlannedLane, startPlannedLane, TokenTable } from './planned-lane.ts';

const brokers = inject('kafkaBrokers');

function options(topic: string): { readonly group_id: string } {
  const config = {
    brokers,
    group_id: uniqueName('group'),
    initial_offset: 'earliest',
    traces: { topics: [topic] },
    session_timeout: '6s',
    heartbeat_interval: '300ms',
    max_partition_fetch_size: 2000,
  };
  return config;
}

function records(from: number, count: number, partition = 0) {
  return Array.from({ length: count }, (_, i) => ({ partition, value: `record ${from + i}` }));
}

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A position as an operator's tool would write it, while the group has no members. */
async function setPosition(group: string, topic: string, offset: number, metadata = ''): Promise<void> {
  const admin = kafkaClient().admin();
  await admin.connect();
  const partitions = [{ partition: 0, offset: String(offset), metadata }];
  await admin.setOffsets({ groupId: group, topic, partitions });
  await admin.disconnect();
}

describe('a partition of a real broker', () => {
  it('has a plan in its committed position as long as a block is on its way', async () => {
    const topic = await createTopic('plan');
    await produce(topic, records(0, 3));
    const config = options(topic);
    const writing = gate();
    const table = new TokenTable();
    const lane = await startPlannedLane(config, table, { before: () => writing.opened });
    const planned = await waitFor('a plan', async () => {
      const position = (await committed(config.group_id, topic)).get(0);
      const plan = decodePlan(position?.metadata ?? null);
      return typeof plan === 'object' && plan.blocks.length > 0 ? { position, plan } : undefined;
    });
    expect(planned.position?.offset).toBe(0n);
    expect(planned.plan.blocks[0]).toMatchObject({ firstOffset: 0, lastOffset: 2, records: 3 });
    writing.open();
    await waitFor('the end', async () => (await committed(config.group_id, topic)).get(0)?.offset === 3n);
    await lane.stop();
    expect((await committed(config.group_id, topic)).get(0)?.metadata).toBe(
      '{"spanweir":1,"from":3,"blocks":[]}',
    );
  });

  it('that is taken away between insert and commit: the old owner, back and done, moves neither offset nor plan', async () => {
    const topic = await createTopic('taken');
    await produce(topic, records(0, 3));
    const config = options(topic);
    const table = new TokenTable();
    const inserted = gate();
    const finish = gate();
    await startPlannedLane(config, table, {
      after: () => {
        inserted.open();
        return finish.opened;
      },
    });
    await inserted.opened;
    // One partition goes to any of the members: more of them join until it is not the old one's any more.
    const writing = gate();
    let taken = 0;
    const before = () => {
      taken += 1;
      return writing.opened;
    };
    const others: PlannedLane[] = [];
    await waitFor(
      'another owner works on the plan',
      async () => {
        if (taken === 0) others.push(await startPlannedLane(config, table, { before }));
        if (taken === 0) await systemClock.sleep(4000);
        return taken > 0;
      },
      { deadlineMs: 60_000 },
    );
    const position = (await committed(config.group_id, topic)).get(0);
    expect(position?.offset).toBe(0n);
    finish.open();
    await systemClock.sleep(500);
    expect((await committed(config.group_id, topic)).get(0)).toEqual(position);
    writing.open();
    await waitFor('the end', async () => (await committed(config.group_id, topic)).get(0)?.offset === 3n, {
      deadlineMs: 30_000,
    });
    expect([...table.blocks.keys()]).toHaveLength(1);
    expect(table.misfits).toEqual([]);
    await Promise.all(others.map((lane) => lane.stop()));
  });

  it('is formed again exactly as planned by whoever comes next, with other limits', async () => {
    const topic = await createTopic('reform');
    await produce(topic, records(0, 40));
    const config = options(topic);
    const table = new TokenTable();
    const never = new Promise<void>(() => {});
    let begun = 0;
    const first = await startPlannedLane(config, table, {
      blockRecords: 7,
      // The second block is in the table, and its owner dies before it says so.
      after: () => (++begun < 2 ? Promise.resolve() : never),
    });
    await waitFor('the second block', () => begun === 2);
    await first.stop(300);
    const second = await startPlannedLane(config, table, { blockRecords: 3 });
    await waitFor('the end', async () => (await committed(config.group_id, topic)).get(0)?.offset === 40n, {
      deadlineMs: 30_000,
    });
    expect(table.repeated).toBe(1);
    expect(table.records).toBe(40);
    expect(table.misfits).toEqual([]);
    await second.stop();
  });

  it('is passed on among members that come and go without warning, and every record is in one block', async () => {
    const topic = await createTopic('churn', { partitions: 6 });
    for (let i = 0; i < 60; i++) await produce(topic, records(i * 20, 20, i % 6));
    const config = options(topic);
    const table = new TokenTable();
    const slowly = (block: Block) => systemClock.sleep(20 + ((block.batch.spans * 37) % 60));
    let lane = await startPlannedLane(config, table, { before: slowly, after: slowly });
    const beside = await startPlannedLane(config, table, { before: slowly, after: slowly, blockRecords: 9 });
    for (let life = 1; life < 6; life++) {
      await waitFor('some work', () => table.records >= life * 120, { deadlineMs: 30_000 });
      // No time to settle anything: what is in flight is left to its plan.
      await lane.stop(1);
      lane = await startPlannedLane(config, table, { before: slowly, after: slowly, blockRecords: 3 + life });
    }
    await waitFor('everything', async () => sumOf(await committed(config.group_id, topic)) === 1200, {
      deadlineMs: 60_000,
    });
    expect(table.records).toBe(1200);
    expect(table.misfits).toEqual([]);
    await Promise.all([lane.stop(), beside.stop()]);
  });

  it('whose position was set by another tool passes over what is stored, and reads the rest', async () => {
    const topic = await createTopic('reset');
    await produce(topic, records(0, 20));
    const config = options(topic);
    await setPosition(config.group_id, topic, 0, 'set by hand');
    const [first] = await firstTimestamps(topic, [0]);
    const table = new TokenTable();
    const stored = [
      {
        firstOffset: 0,
        lastOffset: 9,
        firstTimestampMs: first as number,
        lastTimestampMs: (first as number) + 60_000,
      },
    ];
    const lane = await startPlannedLane(config, table, { stored });
    await waitFor('the end', async () => (await committed(config.group_id, topic)).get(0)?.offset === 20n);
    expect(table.records).toBe(10);
    expect([...table.blocks.values()][0]?.firstOffset).toBe(10);
    await lane.stop();
  });

  it('that was made again under its name is read from the start, whatever is stored of the old one', async () => {
    const topic = await createTopic('again');
    await produce(topic, records(0, 10));
    const config = options(topic);
    const table = new TokenTable();
    const stored = [{ firstOffset: 0, lastOffset: 9, firstTimestampMs: 1000, lastTimestampMs: 2000 }];
    const lane = await startPlannedLane(config, table, { stored });
    await waitFor('the end', async () => (await committed(config.group_id, topic)).get(0)?.offset === 10n);
    expect(table.records).toBe(10);
    await lane.stop();
  });
});

async function firstTimestamps(topic: string, offsets: readonly number[]): Promise<number[]> {
  const consumer = kafkaClient().consumer({ groupId: uniqueName('peek') });
  const found: number[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (offsets.includes(Number(message.offset))) found.push(Number(message.timestamp));
    },
  });
  await waitFor('the records', () => found.length === offsets.length);
  await consumer.disconnect();
  return found;
}

function sumOf(ends: ReadonlyMap<number, { readonly offset: bigint }>): number {
  return [...ends.values()].reduce((sum, { offset }) => sum + Number(offset), 0);
}
