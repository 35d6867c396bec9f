import { expect, test } from 'vitest';
import { bench as kills } from '../../../bench/chaos.bench.ts';

test('every span is in every table once when processes are killed at random', {
  timeout: 600_000,
}, async () => {
  expect(await kills('tiny')).toBe(true);
});
