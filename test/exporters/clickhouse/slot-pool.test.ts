import { expect, test } from 'vitest';
import { SlotPool } from '../../../src/exporters/clickhouse/slot-pool.ts';

const never = new AbortController().signal;

test('no more than its size is ever out, and who waits longest is served first', async () => {
  let made = 0;
  const pool = new SlotPool(2, () => ++made);
  const [a, b] = [await pool.take(never), await pool.take(never)];
  const order: string[] = [];
  const third = pool.take(never).then(() => order.push('third'));
  const fourth = pool.take(never).then(() => order.push('fourth'));
  expect([a, b, made]).toEqual([1, 2, 2]);
  pool.give(a);
  await third;
  pool.give(b);
  await fourth;
  expect(order).toEqual(['third', 'fourth']);
  expect(made).toBe(2);
});

test('who gives up waiting gets nothing, and the next in line does', async () => {
  const pool = new SlotPool(1, () => 'slot');
  const slot = await pool.take(never);
  const impatient = new AbortController();
  const left = pool.take(impatient.signal);
  const stayed = pool.take(never);
  impatient.abort();
  await expect(left).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  pool.give(slot);
  expect(await stayed).toBe('slot');
});

test('a signal that has aborted already gets nothing', async () => {
  const pool = new SlotPool(1, () => 'slot');
  await pool.take(never);
  await expect(pool.take(AbortSignal.abort())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
