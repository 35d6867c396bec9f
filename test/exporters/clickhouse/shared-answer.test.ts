import { expect, test } from 'vitest';
import { SharedAnswer } from '../../../src/exporters/clickhouse/shared-answer.ts';

function world() {
  const asked: { answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const shared = new SharedAnswer<number>(() => new Promise((answer, fail) => asked.push({ answer, fail })));
  return { asked, shared };
}

const passed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who asks while a question runs gets the answer of the next, which all of them share', async () => {
  const { asked, shared } = world();
  const first = shared.get();
  const others = [shared.get(), shared.get()];
  expect(asked).toHaveLength(1);
  asked[0]?.answer(1);
  expect(await first).toBe(1);
  await passed();
  expect(asked).toHaveLength(2);
  asked[1]?.answer(2);
  expect(await Promise.all(others)).toEqual([2, 2]);
});

test('who asks while others wait for the next question to begin gets that answer, and later ones another', async () => {
  const { asked, shared } = world();
  const first = shared.get();
  const second = shared.get();
  asked[0]?.answer(1);
  await first;
  await passed();
  const third = shared.get();
  asked[1]?.answer(2);
  expect(await second).toBe(2);
  await passed();
  asked[2]?.answer(3);
  expect(await third).toBe(3);
  expect(asked).toHaveLength(3);
});

test('a failure is told to those who asked for it, and the next question is asked all the same', async () => {
  const { asked, shared } = world();
  const first = shared.get();
  const second = shared.get();
  asked[0]?.fail(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await passed();
  asked[1]?.answer(3);
  expect(await second).toBe(3);
  const third = shared.get();
  asked[2]?.answer(4);
  expect(await third).toBe(4);
});
