import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import { settle } from './fake-clock.ts';
import { FlowHarness, record } from './harness.ts';

const LIMITS = { maxSpans: 2, maxBytes: 1 << 20, lingerMs: 100 };

function effectOnce(limits = LIMITS): FlowHarness {
  return new FlowHarness(limits, 1 << 20, true);
}

function plan(from: number, ...blocks: readonly number[][]): string {
  return JSON.stringify({ spanweir: 1, from, blocks });
}

function ranges(harness: FlowHarness): string[] {
  return harness.writes.map(({ block: { origin } }) =>
    origin.kind === 'kafka' ? `${origin.firstOffset}-${origin.lastOffset}` : 'request',
  );
}

test('a block is made known by a commit of its own, written, and ended by a commit without a plan', async () => {
  const harness = effectOnce();
  let answer: (value: 'committed') => void = () => {};
  harness.commitAnswer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const partition = harness.openPartition({ offset: 5, metadata: plan(5) });
  await partition.offer([record(5), record(6)]);
  await settle();
  expect(harness.writes).toHaveLength(0);
  answer('committed');
  await settle();
  expect(harness.commits).toEqual([5]);
  expect(harness.metadata).toEqual([plan(5, [5, 6, 2, 5, 1005, 1])]);
  expect(ranges(harness)).toEqual(['5-6']);
  harness.writes[0]?.succeed();
  await settle();
  answer('committed');
  await settle();
  expect(harness.commits).toEqual([5, 7]);
  expect(harness.metadata[1]).toBe(plan(7));
});

test('blocks of one partition are written one after the other', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.offer([record(0), record(1), record(2), record(3)]);
  await settle();
  expect(ranges(harness)).toEqual(['0-1']);
  harness.writes[0]?.succeed();
  await settle();
  expect(ranges(harness)).toEqual(['0-1', '2-3']);
  expect(harness.commits).toEqual([0, 2]);
});

test('while eight blocks of a lane wait for their plans, those of other partitions stay open and grow', async () => {
  const harness = effectOnce({ ...LIMITS, maxSpans: 1000 });
  let plansAsked = 0;
  harness.commitAnswer = () => {
    plansAsked += 1;
    return new Promise(() => {});
  };
  for (let p = 0; p < 12; p++) {
    const partition = harness.openPartition({ offset: 0, metadata: plan(0) }, p);
    await partition.offer([record(0)]);
  }
  for (let i = 0; i < 100; i++) await harness.clock.advance(100);
  expect(plansAsked).toBe(8);
});

test('the next owner forms exactly the planned blocks again, whatever its own limits, under their revision', async () => {
  const harness = effectOnce();
  const metadata = plan(0, [0, 4, 5, 0, 1000, 77], [5, 5, 1, 5, 1005, 77]);
  const partition = harness.openPartition({ offset: 0, metadata });
  await partition.offer([record(0), record(1), record(2)]);
  await harness.clock.advance(5000);
  expect(harness.writes).toHaveLength(0);
  await partition.offer([record(3), record(4), record(5), record(6), record(7)]);
  await settle();
  expect(harness.writes[0]?.block.origin).toMatchObject({
    firstOffset: 0,
    lastOffset: 4,
    revision: 77,
    mayBeStored: true,
  });
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([5]);
  expect(harness.metadata).toEqual([plan(5, [5, 5, 1, 5, 1005, 77], [6, 7, 2, 6, 1006, 1])]);
  harness.writes[1]?.succeed();
  await settle();
  harness.writes[2]?.succeed();
  await settle();
  expect(ranges(harness)).toEqual(['0-4', '5-5', '6-7']);
  expect(harness.commits).toEqual([5, 6, 8]);
  expect(harness.counts.get('reformed')).toBe(2);
  expect(harness.counts.get('changed fewer_records')).toBeUndefined();
});

test('beyond the budget planned blocks are formed again one partition after the other, and all in the end', async () => {
  const harness = new FlowHarness(LIMITS, 1000, true);
  const takers = [0, 1, 2].map((partition) => {
    const metadata = plan(0, [0, 3, 4, 0, 1000, 1]);
    const intake = harness.openPartition({ offset: 0, metadata }, partition);
    const taken = { records: 0 };
    const read = async (): Promise<void> => {
      for (let offset = 0; offset < 4; offset++) {
        await intake.offer([record(offset, 20)]);
        taken.records += 1;
      }
    };
    void read();
    return taken;
  });
  await settle();
  // Each has taken one record and is over the budget with it; the first goes on, until its block waits to be written.
  expect(takers.map(({ records }) => records)).toEqual([3, 0, 0]);
  for (let written = 0; written < 3; written++) {
    harness.writes[written]?.succeed();
    await settle();
  }
  expect(takers.map(({ records }) => records)).toEqual([4, 4, 4]);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a planned block of which the log has lost records keeps its range and token, and that is counted', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0, [0, 4, 5, 0, 1000, 1]) });
  await partition.offer([record(3), record(7)]);
  await settle();
  expect(harness.writes[0]?.block.origin).toMatchObject({
    firstOffset: 0,
    lastOffset: 4,
    firstTimestampMs: 1000,
    records: 1,
  });
  expect(harness.counts.get('changed fewer_records')).toBe(1);
});

test('a planned block of which nothing is left is passed as an empty one', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0, [0, 4, 5, 0, 1000, 1]) });
  partition.skipTo(9);
  await settle();
  expect(ranges(harness)).toEqual(['0-4']);
  expect(harness.writes[0]?.spans).toBe(0);
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([9]);
  expect(harness.metadata).toEqual([plan(5)]);
});

test("a log that was made anew under the same name does not get the plan's tokens", async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0, [0, 1, 2, 0, 999, 1]) });
  await partition.offer([record(0), record(1)]);
  await settle();
  expect(harness.writes[0]?.block.origin).toMatchObject({ firstTimestampMs: 1000 });
  expect(harness.counts.get('changed other_log')).toBe(1);
});

test('a plan of a newer release is left to that one: nothing is read, written or committed', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: '{"spanweir":2}' });
  let isReady = false;
  void partition.ready.then(() => {
    isReady = true;
  });
  await harness.clock.advance(10_000);
  expect(isReady).toBe(false);
  expect(harness.counts.get('held')).toBe(1);
  expect(harness.commits).toEqual([]);
});

test('behind a position without a plan, what is stored already is passed over and the rest is not', async () => {
  const harness = effectOnce({ maxSpans: 100, maxBytes: 1 << 20, lingerMs: 100 });
  harness.stored = [
    { firstOffset: 2, lastOffset: 3, firstTimestampMs: 1002, lastTimestampMs: 1003 },
    { firstOffset: 6, lastOffset: 7, firstTimestampMs: 1006, lastTimestampMs: 1007 },
  ];
  const partition = harness.openPartition({ offset: 0, metadata: 'left by another tool' });
  await partition.ready;
  await partition.offer(Array.from({ length: 10 }, (_, offset) => record(offset)));
  await harness.clock.advance(5000);
  for (let i = 0; i < 3; i++) {
    harness.writes[i]?.succeed();
    await harness.clock.advance(1000);
  }
  expect(ranges(harness)).toEqual(['0-1', '4-5', '8-9']);
  expect(harness.counts.get('passed over')).toBe(4);
  expect(harness.commits.at(-1)).toBe(10);
});

test("what an older log of the same name left in the sinks is not taken for this one's", async () => {
  const harness = effectOnce();
  harness.stored = [{ firstOffset: 0, lastOffset: 3, firstTimestampMs: 500, lastTimestampMs: 503 }];
  const partition = harness.openPartition();
  await partition.ready;
  await partition.offer([record(0), record(1)]);
  await settle();
  expect(ranges(harness)).toEqual(['0-1']);
  expect(harness.counts.get('passed over')).toBeUndefined();
});

test('a position in the middle of a stored block passes over the rest of that block', async () => {
  const harness = effectOnce();
  harness.stored = [{ firstOffset: 0, lastOffset: 3, firstTimestampMs: 1000, lastTimestampMs: 1003 }];
  const partition = harness.openPartition({ offset: 2, metadata: null });
  await partition.ready;
  await partition.offer([record(2), record(3), record(4), record(5)]);
  await settle();
  expect(ranges(harness)).toEqual(['4-5']);
});

test('a block may not begin once the group may have given the partition away', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.offer([record(0), record(1)]);
  await settle();
  expect(harness.writes[0]?.block.mayBegin()).toBe(true);
  harness.isInTouch = false;
  expect(harness.writes[0]?.block.mayBegin()).toBe(false);
});

test('a block that could not begin for want of a heartbeat is written once there was one', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.offer([record(0), record(1)]);
  await settle();
  harness.isInTouch = false;
  harness.writes[0]?.fail(new SpanweirError('FENCED', 'out of touch'));
  await harness.clock.advance(1000);
  expect(harness.writes).toHaveLength(1);
  harness.isInTouch = true;
  await harness.clock.advance(200);
  expect(harness.abandoned).toBe(0);
  expect(harness.writes).toHaveLength(2);
  // A part of it may have been stored by the first try.
  expect(harness.writes[1]?.block.origin).toMatchObject({ firstOffset: 0, lastOffset: 1, mayBeStored: true });
  harness.writes[1]?.succeed();
  await settle();
  expect(harness.commits).toEqual([0, 2]);
});

test('a block that is refused for good is put aside, and its range written as a block without rows', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.offer([record(0), record(1)]);
  await settle();
  harness.writes[0]?.fail(new SpanweirError('REFUSED', 'bad data'));
  await settle();
  expect(harness.quarantined.map(({ record }) => record.offset)).toEqual([0, 1]);
  expect(harness.writes[1]).toMatchObject({ spans: 0 });
  expect(harness.writes[1]?.block.origin).toMatchObject({ lastOffset: 1, records: 2, quarantined: 2 });
  harness.writes[1]?.succeed();
  await settle();
  expect(harness.commits).toEqual([0, 2]);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a sink that gave up for want of a heartbeat that has come by now is written to again', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.offer([record(0), record(1)]);
  await settle();
  harness.writes[0]?.fail(new SpanweirError('FENCED', 'out of touch'));
  await settle();
  expect(harness.abandoned).toBe(0);
  harness.writes[1]?.succeed();
  await settle();
  expect(harness.commits).toEqual([0, 2]);
  expect(harness.budget.usedBytes).toBe(0);
});

test('as long as stored blocks lie ahead, each plan says that the next owner has to ask for them', async () => {
  const harness = effectOnce();
  harness.stored = [{ firstOffset: 2, lastOffset: 3, firstTimestampMs: 1002, lastTimestampMs: 1003 }];
  const partition = harness.openPartition({ offset: 0, metadata: null });
  await partition.ready;
  await partition.offer([record(0), record(1)]);
  await settle();
  expect(harness.metadata).toEqual(['{"spanweir":1,"from":0,"blocks":[[0,1,2,0,1000,1]],"ask":1}']);
  partition.drop();
  const next = harness.openPartition({ offset: 0, metadata: harness.metadata[0] ?? null });
  await next.ready;
  await next.offer([record(0), record(1), record(2), record(3), record(4), record(5)]);
  await settle();
  harness.writes[1]?.succeed();
  await settle();
  expect(ranges(harness)).toEqual(['0-1', '0-1', '4-5']);
  expect(harness.metadata.at(-1)).toBe('{"spanweir":1,"from":4,"blocks":[[4,5,2,4,1004,1]]}');
});

test('a position that moved into a stored block passes over the rest of it under the next owner, too', async () => {
  const harness = effectOnce();
  harness.stored = [{ firstOffset: 0, lastOffset: 5, firstTimestampMs: 1000, lastTimestampMs: 1005 }];
  const partition = harness.openPartition({ offset: 0, metadata: null });
  await partition.ready;
  await partition.offer([record(0)]);
  partition.skipTo(3);
  await settle();
  expect([harness.commits, harness.metadata]).toEqual([[3], ['{"spanweir":1,"from":0,"blocks":[],"ask":1}']]);
  partition.drop();
  const next = harness.openPartition({ offset: 3, metadata: harness.metadata[0] ?? null });
  await next.ready;
  await next.offer([record(3), record(4), record(5), record(6), record(7)]);
  await settle();
  expect(ranges(harness)).toEqual(['6-7']);
});

test('dropping while a commit is on its way counts the block when the broker has taken it, once', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0, [0, 1, 2, 0, 1000, 1]) });
  let answer: (value: 'committed') => void = () => {};
  harness.commitAnswer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  await partition.offer([record(0), record(1)]);
  await settle();
  harness.writes[0]?.succeed();
  await settle();
  partition.drop();
  expect(harness.budget.usedBytes).toBeGreaterThan(0);
  answer('committed');
  await settle();
  expect(harness.committedBlocks).toEqual(['0-1']);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a log that lost its beginning moves the position only when what is in flight is written', async () => {
  const harness = effectOnce();
  const partition = harness.openPartition({ offset: 0, metadata: plan(0) });
  await partition.ready;
  await partition.offer([record(0), record(1)]);
  await settle();
  partition.skipTo(500);
  await settle();
  expect(harness.commits).toEqual([0]);
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([0, 500]);
  expect(harness.metadata[1]).toBe(plan(2));
});
