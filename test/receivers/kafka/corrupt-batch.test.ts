import { expect, test } from 'vitest';
import type { Assignment } from '../../../src/kafka/assignment.ts';
import type { FetchedBatch } from '../../../src/kafka/fetched-batch.ts';
import type { GroupMember } from '../../../src/kafka/group-member.ts';
import type { DeadLetter } from '../../../src/receivers/kafka/dead-letters.ts';
import { PartitionFeed } from '../../../src/receivers/kafka/partition-feed.ts';
import { FakeClock, settle } from '../../flow/fake-clock.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('a batch with a wrong checksum is fetched three more times within 300 ms, then is one dead letter', async () => {
  const clock = new FakeClock();
  const letters: DeadLetter[] = [];
  const passed: number[] = [];
  const assignment = { isCurrent: true, ending: new AbortController().signal } as unknown as Assignment;
  const member = {
    pause: () => {},
    resume: () => {},
    goOnAt: (_topic: string, _partition: number, nextOffset: number) => void passed.push(nextOffset),
    holdFor: (work: Promise<void>) => work,
  } as unknown as GroupMember;
  const intake = {
    ready: Promise.resolve(),
    held: undefined,
    isReforming: false,
    isSettled: true,
    storedUntilMs: undefined,
    offer: async () => {},
    skipTo: () => {},
    drain: async () => {},
    drop: () => {},
  };
  const feed = new PartitionFeed(
    { topic: 't', partition: 0, offset: 20 },
    intake,
    { assignment, member, lag: undefined },
    {
      clock,
      log: quiet,
      clusterId: 'c',
      encoding: 'otlp_proto',
      headers: [],
      waiting: { count: 0 },
      isReforming: () => false,
      putAside: async (letter) => void letters.push(letter),
      unreadable: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  const bytes = Buffer.from('batch');
  const trouble = { kind: 'corrupt', message: 'checksum mismatch', firstOffset: 20, lastOffset: 39, bytes };
  const fetched = {
    fetchedOffset: '20',
    nextOffset: 20,
    highWatermark: '60',
    records: [],
    trouble,
    release: () => {},
  } as unknown as FetchedBatch;
  for (const waitMs of [50, 100, 150]) {
    void feed.take(fetched);
    await settle();
    expect(letters).toEqual([]);
    await clock.advance(waitMs);
  }
  void feed.take(fetched);
  await settle();
  expect(letters).toMatchObject([
    { reason: 'batch_corrupt', lastOffset: 39, record: { offset: 20, value: bytes } },
  ]);
  expect(passed).toEqual([40]);
});
