import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import { settle } from './fake-clock.ts';
import { FlowHarness, record } from './harness.ts';

test('a block is sealed after its linger, written, and committed once it is safe', async () => {
  const harness = new FlowHarness();
  const partition = harness.openPartition();
  await partition.offer([record(7), record(8), record(9)]);
  expect(harness.writes).toHaveLength(0);
  await harness.clock.advance(300);
  expect(harness.writes.map(({ block }) => block.origin)).toEqual([
    {
      kind: 'kafka',
      clusterId: 'c',
      topic: 't',
      partition: 0,
      firstOffset: 0,
      lastOffset: 9,
      records: 3,
      quarantined: 0,
      firstTimestampMs: 1007,
      lastTimestampMs: 1009,
      revision: 1,
      mayBeStored: false,
      isChanged: false,
    },
  ]);
  expect(harness.commits).toEqual([]);
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([10]);
  expect(harness.committedBlocks).toEqual(['0-9']);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a younger block that is safe first waits for the older one', async () => {
  const harness = new FlowHarness({ maxSpans: 2, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([record(0, 2), record(1, 2), record(2, 2)]);
  await settle();
  expect(harness.writes).toHaveLength(3);
  harness.writes[1]?.succeed();
  harness.writes[2]?.succeed();
  await settle();
  expect(harness.commits).toEqual([]);
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([3]);
  expect(harness.committedBlocks).toEqual(['0-0', '1-1', '2-2']);
});

test('a dropped partition commits nothing, also when a late write succeeds, and gives its memory back', async () => {
  const harness = new FlowHarness({ maxSpans: 2, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([record(0, 2), record(1, 1)]);
  await settle();
  partition.drop();
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([]);
  expect(harness.committedBlocks).toEqual([]);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a fenced commit drops the partition: its blocks are not counted', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  harness.commitAnswer = async () => 'fenced';
  const partition = harness.openPartition();
  await partition.offer([record(0), record(1)]);
  await settle();
  for (const write of harness.writes) write.succeed();
  await settle();
  expect(harness.commits).toEqual([]);
  expect(harness.committedBlocks).toEqual([]);
  expect(harness.budget.usedBytes).toBe(0);
});

test('a commit that the broker has acknowledged counts even if the partition was dropped meanwhile', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  let answer: (value: 'committed') => void = () => {};
  harness.commitAnswer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const partition = harness.openPartition();
  await partition.offer([record(0)]);
  await settle();
  harness.writes[0]?.succeed();
  await settle();
  partition.drop();
  answer('committed');
  await settle();
  expect(harness.committedBlocks).toEqual(['0-0']);
});

test('drain seals what waits and resolves when everything is committed', async () => {
  const harness = new FlowHarness();
  const partition = harness.openPartition();
  await partition.offer([record(4)]);
  let isDrained = false;
  const drained = partition.drain(new AbortController().signal).then(() => {
    isDrained = true;
  });
  await settle();
  expect(harness.writes).toHaveLength(1);
  expect(isDrained).toBe(false);
  harness.writes[0]?.succeed();
  await drained;
  expect(harness.commits).toEqual([5]);
});

test('over the budget, offer waits until blocks are settled, and seals what lingers', async () => {
  const harness = new FlowHarness({ maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 10_000 }, 1000);
  const partition = harness.openPartition();
  let isTaken = false;
  const taken = partition.offer([record(0, 20)]).then(() => {
    isTaken = true;
  });
  await settle();
  expect(isTaken).toBe(false);
  expect(harness.writes).toHaveLength(1);
  harness.writes[0]?.succeed();
  await taken;
  expect(harness.budget.usedBytes).toBe(0);
});

test('an undecodable record is put aside and counted, its neighbours go on', async () => {
  const harness = new FlowHarness({ maxSpans: 3, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([record(0, 1), record(1, 1, 0xff), record(2, 2)]);
  await settle();
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.quarantined).toEqual([{ record: record(1, 1, 0xff), reason: 'undecodable' }]);
  expect(harness.counts.get('quarantined undecodable')).toBe(1);
  expect(harness.commits).toEqual([3]);
});

test('a tombstone is counted and passed', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([{ offset: 0, timestampMs: 1, key: null, value: null }, record(1)]);
  await settle();
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.counts.get('tombstones')).toBe(1);
  expect(harness.commits).toEqual([2]);
});

test('a sink that fails is tried again with the same block', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([record(0)]);
  await settle();
  harness.writes[0]?.fail(new SpanweirError('UNAVAILABLE', 'down', { retry: 'backoff' }));
  await harness.clock.advance(300);
  expect(harness.writes).toHaveLength(2);
  expect(harness.writes[1]?.block).toBe(harness.writes[0]?.block);
  harness.writes[1]?.succeed();
  await settle();
  expect(harness.commits).toEqual([1]);
});

test('a block that a sink refuses for good goes to quarantine record by record, and the partition goes on', async () => {
  const harness = new FlowHarness({ maxSpans: 2, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  await partition.offer([record(0), record(1)]);
  await settle();
  harness.writes[0]?.fail(new SpanweirError('REFUSED', 'bad data'));
  await settle();
  expect(harness.quarantined.map(({ record, reason }) => [record.offset, reason])).toEqual([
    [0, 'block_refused'],
    [1, 'block_refused'],
  ]);
  expect(harness.commits).toEqual([2]);
  expect(harness.committedBlocks).toEqual([]);
});

test('offsets that hold nothing are passed with the block before them, or alone', async () => {
  const harness = new FlowHarness({ maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 100 });
  const partition = harness.openPartition();
  partition.skipTo(3);
  await settle();
  expect(harness.commits).toEqual([3]);
  await partition.offer([record(3)]);
  partition.skipTo(6);
  await harness.clock.advance(300);
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([3, 6]);
});

test('a block that becomes safe in whatever moment of another commit is committed too', async () => {
  for (let turns = 0; turns < 24; turns++) {
    const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
    const partition = harness.openPartition();
    let answer: (value: 'committed') => void = () => {};
    harness.commitAnswer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await partition.offer([record(0), record(1)]);
    await settle();
    harness.writes[0]?.succeed();
    await settle();
    harness.commitAnswer = async () => 'committed';
    answer('committed');
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    harness.writes[1]?.succeed();
    await settle();
    expect(harness.commits, `${turns} turns later`).toEqual([1, 2]);
  }
});

test('a block from which nothing can be derived is put aside record by record, and the next one goes on', async () => {
  const harness = new FlowHarness({ maxSpans: 1, maxBytes: 1 << 20, lingerMs: 100 });
  harness.derive = () => {
    throw new Error('a bug');
  };
  const partition = harness.openPartition();
  await partition.offer([record(0)]);
  await settle();
  expect(harness.quarantined.map(({ record, reason }) => [record.offset, reason])).toEqual([
    [0, 'block_refused'],
  ]);
  harness.derive = () => [];
  await partition.offer([record(1)]);
  await settle();
  harness.writes[0]?.succeed();
  await settle();
  expect(harness.commits).toEqual([1, 2]);
  expect(harness.committedBlocks).toEqual(['1-1']);
});
