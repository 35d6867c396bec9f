import { expect, test } from 'vitest';
import { backoffMs, retrying } from '../../src/flow/retry.ts';
import { FakeClock, settle } from './fake-clock.ts';

test('waits double from the initial one up to the longest, never less than half of it', () => {
  const options = { initialMs: 100, maxMs: 1000, clock: new FakeClock(), random: () => 0 };
  expect([0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt, options))).toEqual([
    50, 100, 200, 400, 500, 500,
  ]);
  const late = { ...options, random: () => 1 };
  expect([0, 1, 50].map((attempt) => backoffMs(attempt, late))).toEqual([100, 200, 1000]);
});

test('tries again until it works', async () => {
  const clock = new FakeClock();
  let tries = 0;
  const result = retrying(
    async () => {
      if (++tries < 3) throw new Error('not yet');
      return 'done';
    },
    new AbortController().signal,
    { initialMs: 10, maxMs: 10, clock, random: () => 1, isFinal: () => false },
  );
  await clock.advance(30);
  expect(await result).toBe('done');
  expect(tries).toBe(3);
});

test('gives up at once on a final error, and at the abort on any other', async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  const fail = async (): Promise<never> => Promise.reject(new Error('no'));
  const options = { initialMs: 10, maxMs: 10, clock, random: () => 1 };
  await expect(retrying(fail, abort.signal, { ...options, isFinal: () => true })).rejects.toThrow('no');
  const waiting = retrying(fail, abort.signal, { ...options, isFinal: () => false });
  const outcome = expect(waiting).rejects.toThrow('no');
  await settle();
  abort.abort();
  await outcome;
});
