import { expect, test } from 'vitest';
import { HyperLogLog, hashText } from '../../src/sketch/hyper-log-log.ts';

test.each([0, 1, 100, 3000, 6000, 50_000, 1_000_000])('%i different words are told within 8 %', (words) => {
  const sketch = new HyperLogLog();
  for (let round = 0; round < 2; round++) for (let i = 0; i < words; i++) sketch.add(hashText(`word-${i}`));
  expect(Math.abs(sketch.estimate() - words)).toBeLessThanOrEqual(0.08 * words);
});

test('nothing is left after clearing', () => {
  const sketch = new HyperLogLog();
  sketch.add(hashText('a'));
  sketch.clear();
  expect(sketch.estimate()).toBe(0);
});
