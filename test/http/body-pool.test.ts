import { expect, test } from 'vitest';
import { BodyPool } from '../../src/http/body-pool.ts';

const MIB = 1 << 20;

test('memory that is given back is used again, by bodies of about that size', () => {
  const pool = new BodyPool();
  const first = pool.take(100_000);
  expect(first).toHaveLength(131_072);
  pool.give(first as Buffer);
  expect(pool.take(70_000)).toBe(first);
  expect(pool.take(70_000)).not.toBe(first);
});

test('64 MiB are in use at most: who only says that much comes has no memory for it', () => {
  const pool = new BodyPool();
  const taken = Array.from({ length: 64 }, () => pool.take(MIB));
  expect(taken.every((body) => body?.length === MIB)).toBe(true);
  expect(pool.take(1)).toBeUndefined();
  pool.give(taken[0] as Buffer);
  expect(pool.take(MIB)).toHaveLength(MIB);
});
