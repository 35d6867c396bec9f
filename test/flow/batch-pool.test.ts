import { expect, test } from 'vitest';
import { BatchPool } from '../../src/flow/batch-pool.ts';

const MIB = 1 << 20;
const FULL = { arenaBytes: 8 * MIB, spans: 8000 };

test('a batch that is given back is used again', () => {
  const pool = new BatchPool(2, FULL);
  const first = pool.take();
  pool.give(first);
  // Not toBe: where it is wrong, that compares and shows megabytes.
  expect(pool.take() === first).toBe(true);
  expect(pool.take() === first).toBe(false);
});

test('few batches are made for a whole block, whatever is there for them', () => {
  const pool = new BatchPool(2, FULL);
  const sizes = [100, 3 * MIB].map((bytes) => pool.take(bytes)).map(({ arena }) => arena.length);
  expect(sizes).toEqual([8 * MIB, 8 * MIB]);
});

test('more are made for what is there, in powers of two', () => {
  const pool = new BatchPool(0, FULL);
  const sizes = [100, MIB, MIB + 1, 5 * MIB, 20 * MIB]
    .map((bytes) => pool.take(bytes))
    .map(({ arena, spanCapacity }) => [arena.length, spanCapacity]);
  expect(sizes).toEqual([
    [MIB / 4, 250],
    [MIB, 1000],
    [2 * MIB, 2000],
    [8 * MIB, 8000],
    [8 * MIB, 8000],
  ]);
});

test('the smallest idle one that is large enough is used again, and the smallest are let go of first', () => {
  const pool = new BatchPool(1, FULL);
  const whole = pool.take();
  const [large, middle, small] = [4 * MIB, 2 * MIB, MIB].map((bytes) => pool.take(bytes));
  for (const batch of [large, small, middle]) pool.give(batch as typeof whole);
  // One is in use, so the next is beyond the few.
  expect(pool.take(1.5 * MIB) === middle).toBe(true);
  pool.give(middle as typeof whole);
  // 8 MiB are held on to: with the whole one there is no room for any other.
  pool.give(whole);
  expect(pool.take() === whole).toBe(true);
  expect(pool.take(MIB / 2).arena.length).toBe(MIB / 2);
  expect([large, middle, small].includes(pool.take(MIB))).toBe(false);
});

test('what has grown beyond a full block shrinks to it', () => {
  const pool = new BatchPool(1, FULL);
  const batch = pool.take();
  batch.reserve(20 * MIB);
  pool.give(batch);
  expect(pool.take().arena.length).toBe(8 * MIB);
});
