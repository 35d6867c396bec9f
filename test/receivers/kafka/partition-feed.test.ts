import { expect, test } from 'vitest';
import type { SourceRecord } from '../../../src/flow/intake.ts';
import type { Assignment } from '../../../src/kafka/assignment.ts';
import type { FetchedBatch } from '../../../src/kafka/fetched-batch.ts';
import type { GroupMember } from '../../../src/kafka/group-member.ts';
import { type FeedDeps, PartitionFeed } from '../../../src/receivers/kafka/partition-feed.ts';
import { stallOf } from '../../../src/receivers/kafka/stall.ts';
import { FakeClock, settle } from '../../flow/fake-clock.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Feeds of one lane, over intakes whose room the test gives by hand. */
function lane() {
  const clock = new FakeClock();
  const paused = new Set<number>();
  const room: (() => void)[] = [];
  const deps: FeedDeps = {
    clock,
    log: quiet,
    clusterId: 'c',
    encoding: 'otlp_proto',
    headers: [],
    waiting: { count: 0 },
    isReforming: () => intake.isReforming,
    putAside: async () => {},
    unreadable: () => {},
    failed: (error) => {
      throw error;
    },
  };
  const member = {
    pause: (_topic: string, partition: number) => void paused.add(partition),
    resume: (_topic: string, partition: number) => void paused.delete(partition),
    goOnAt: () => {},
    holdFor: (work: Promise<void>) => work,
  } as unknown as GroupMember;
  const assignment = { isCurrent: true, ending: new AbortController().signal } as unknown as Assignment;
  const intake = {
    ready: Promise.resolve() as Promise<void>,
    held: undefined as string | undefined,
    isSettled: true,
    storedUntilMs: undefined,
    isReforming: false,
    offer: () => new Promise<void>((resolve) => void room.push(resolve)),
    skipTo: () => {},
    drain: async () => {},
    drop: () => {},
  };
  /** Hands one fetched batch to a feed of its own; tells whether the next fetch may begin. */
  const take = (partition: number, part: { records?: SourceRecord[]; trouble?: object }) => {
    const of = { assignment, member, lag: undefined };
    const feed = new PartitionFeed({ topic: 't', partition, offset: 0 }, intake, of, deps);
    const records = part.records ?? [];
    const taken = { mayFetch: false };
    const batch = {
      fetchedOffset: '0',
      nextOffset: records.length,
      highWatermark: '9',
      records,
      trouble: part.trouble,
      release: () => {},
    } as unknown as FetchedBatch;
    void feed.take(batch).then(() => {
      taken.mayFetch = true;
    });
    return Object.assign(taken, { feed });
  };
  return { clock, deps, intake, paused, room, take };
}

const CORRUPT = { kind: 'corrupt', message: 'sum', firstOffset: 0, lastOffset: 0, bytes: Buffer.alloc(0) };
const RECORD: SourceRecord = { offset: 0, timestampMs: 0, key: null, value: new Uint8Array(1) };

test('fetches go on for a partition whose planned block has to be read to its end, whoever else waits', async () => {
  const { intake, take } = lane();
  intake.isReforming = true;
  const taken = [0, 1, 2, 3, 4, 5].map((partition) => take(partition, { records: [RECORD] }));
  await settle();
  expect(taken.every(({ mayFetch }) => mayFetch)).toBe(true);
});

test('fetches wait while more than four partitions wait for room', async () => {
  const { take, room, deps } = lane();
  const taken = [0, 1, 2, 3, 4].map((partition) => take(partition, { records: [RECORD] }));
  await settle();
  expect(taken.map(({ mayFetch }) => mayFetch)).toEqual([true, true, true, true, false]);
  for (const give of room) give();
  await settle();
  expect(taken.every(({ mayFetch }) => mayFetch)).toBe(true);
  expect(deps.waiting.count).toBe(0);
});

test('partitions that wait for another try at a damaged batch do not hold the others', async () => {
  const { take, paused, clock, deps } = lane();
  const taken = [0, 1, 2, 3, 4, 5, 6, 7].map((partition) => take(partition, { trouble: CORRUPT }));
  await settle();
  expect(taken.every(({ mayFetch }) => mayFetch)).toBe(true);
  expect(paused.size).toBe(8);
  expect(deps.waiting.count).toBe(0);
  await clock.advance(50);
  expect(paused.size).toBe(0);
});

test('a partition that got its room and then can not be read lets the fetches go on', async () => {
  const { take, room, deps } = lane();
  const taken = [0, 1, 2, 3, 4].map((partition) => take(partition, { records: [RECORD], trouble: CORRUPT }));
  await settle();
  expect(taken[4]?.mayFetch).toBe(false);
  for (const give of room) give();
  await settle();
  expect(taken[4]?.mayFetch).toBe(true);
  expect(deps.waiting.count).toBe(0);
});

test('partitions whose intake takes nothing under this assignment do not hold the others, and are no stall', async () => {
  const { take, clock, deps, intake, paused } = lane();
  intake.held = 'has a plan of a newer release';
  intake.ready = new Promise(() => {});
  const taken = [0, 1, 2, 3, 4, 5].map((partition) => take(partition, { records: [RECORD] }));
  await settle();
  expect(taken.every(({ mayFetch }) => mayFetch)).toBe(true);
  expect(paused.size).toBe(6);
  expect(deps.waiting.count).toBe(0);
  await clock.advance(60_000);
  expect(stallOf([taken[0]?.feed as PartitionFeed], 'c', true)).toBeUndefined();
});

test('a stall begins when there is something to move, and ends with a move', async () => {
  const { take, clock, room, intake } = lane();
  const [{ feed }, other] = [take(0, { records: [RECORD] }), take(1, { records: [RECORD] })];
  await settle();
  for (const give of room) give();
  await settle();
  const stalled = (isAble = true) => stallOf([feed, other.feed], 'c', isAble);
  // What was read is all there is.
  feed.endsAt(1);
  other.feed.endsAt(1);
  await clock.advance(40_000);
  expect(stalled()).toBeUndefined();
  feed.endsAt(9);
  await clock.advance(10_000);
  const partition = { clusterId: 'c', topic: 't', partition: 0 };
  expect(stalled()).toEqual({ allMs: 10_000, partition, partitionMs: 10_000 });
  other.feed.hasMoved();
  await clock.advance(1000);
  expect(stalled()).toEqual({ allMs: 1000, partition, partitionMs: 11_000 });
  feed.hasMoved();
  expect(stalled()).toBeUndefined();
  await clock.advance(5000);
  expect(stalled(false)).toBeUndefined();
  feed.endsAt(1);
  intake.isSettled = false;
  await clock.advance(2000);
  expect(stalled()).toMatchObject({ partitionMs: 2000 });
});
