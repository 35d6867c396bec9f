import { expect, test } from 'vitest';
import { SharedQuestions } from '../../../src/exporters/clickhouse/shared-questions.ts';

function world() {
  const asked: { about: string; answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const questions = new SharedQuestions<number>(
    (about) => new Promise((answer, fail) => asked.push({ about, answer, fail })),
  );
  return { asked, questions };
}

const passed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who asks while a question runs gets the answer of the next, which all of them share', async () => {
  const { asked, questions } = world();
  const first = questions.answer('topic');
  const others = [questions.answer('topic'), questions.answer('topic')];
  expect(asked).toHaveLength(1);
  asked[0]?.answer(1);
  expect(await first).toBe(1);
  await passed();
  expect(asked).toHaveLength(2);
  asked[1]?.answer(2);
  expect(await Promise.all(others)).toEqual([2, 2]);
});

test('questions about other things do not wait', () => {
  const { asked, questions } = world();
  void questions.answer('a');
  void questions.answer('b');
  expect(asked.map(({ about }) => about)).toEqual(['a', 'b']);
});

test('a failure is told to those who asked for it, and the next question is asked all the same', async () => {
  const { asked, questions } = world();
  const first = questions.answer('topic');
  const second = questions.answer('topic');
  asked[0]?.fail(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await passed();
  asked[1]?.answer(3);
  expect(await second).toBe(3);
  const third = questions.answer('topic');
  asked[2]?.answer(4);
  expect(await third).toBe(4);
});
