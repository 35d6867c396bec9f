import type { Consumer, Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { SpanweirError } from '../../src/base/errors.ts';
import { GroupMember } from '../../src/kafka/group-member.ts';
import type { GroupOptions, GroupOwner } from '../../src/kafka/group-owner.ts';
import { stuckOf } from '../../src/receivers/kafka/stall.ts';
import { FakeClock, settle } from '../flow/fake-clock.ts';

const options: GroupOptions = {
  groupId: 'group',
  topics: ['topic'],
  beginsAt: () => 'earliest',
  sessionTimeoutMs: 6000,
  heartbeatIntervalMs: 500,
  minBytes: 1,
  maxBytes: 1,
  maxBytesPerPartition: 1,
  maxWaitMs: 100,
  rackId: '',
  metadataMaxAgeMs: 1000,
  retries: 1,
};

const owner: GroupOwner = {
  assigned: () => {},
  settle: () => Promise.resolve(),
  drop: () => {},
  take: () => Promise.resolve(),
  moved: () => false,
};

const never = (): Promise<never> => new Promise(() => {});

/** A member whose consumer joins for ever, and ends as told. */
function joining(disconnect: () => Promise<void>) {
  const clock = new FakeClock();
  const told: string[] = [];
  const tell = (_fields: object, message: string): void => void told.push(message);
  const log = { debug: tell, info: tell, warn: tell, error: tell };
  const consumer = {
    events: { CRASH: 'crash' },
    on: () => () => {},
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    run: never,
    disconnect,
  } as unknown as Consumer;
  const kafka = { consumer: () => consumer } as unknown as Kafka;
  return { clock, told, member: new GroupMember(kafka, options, owner, { clock, log }) };
}

test('a consumer that never ends does not keep the next one from beginning', async () => {
  const { clock, told, member } = joining(never);
  let ended: Error | undefined;
  void member.run().then((error) => {
    ended = error;
  });
  await member.fail(new SpanweirError('UNAVAILABLE', 'stuck'));
  await settle();
  expect(ended).toBeUndefined();
  await clock.advance(40_000);
  expect(ended?.message).toBe('stuck');
  expect(told).toEqual(['a consumer does not end: going on without it']);
});

test('one that ends is waited for, and nothing is said', async () => {
  const { clock, told, member } = joining(() => Promise.resolve());
  const ended = member.run();
  await member.fail(new SpanweirError('UNAVAILABLE', 'stuck'));
  expect((await ended)?.message).toBe('stuck');
  await clock.advance(60_000);
  expect(told).toEqual([]);
});

test('a consumer is stuck when it has not joined in ten minutes, as when it has joined and hears nothing for two', async () => {
  const { clock, member } = joining(() => Promise.resolve());
  void member.run();
  await clock.advance(500);
  expect(member.outMs).toBe(500);
  expect(stuckOf(member)).toBeUndefined();
  expect(stuckOf({ hasJoined: false, silentMs: 599_000, outMs: 600_000 })).toBeUndefined();
  expect(stuckOf({ hasJoined: false, silentMs: 0, outMs: 600_001 })).toBe(
    'the group was not joined in 10 minutes',
  );
  expect(stuckOf({ hasJoined: true, silentMs: 120_000, outMs: 0 })).toBeUndefined();
  expect(stuckOf({ hasJoined: true, silentMs: 120_001, outMs: 0 })).toBe('no fetch ended in 2 minutes');
});
