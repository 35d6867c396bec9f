import { expect, test } from 'vitest';
import { Deaths } from '../../src/app/deaths.ts';

const of = (lane: number) => ({ lane, death: 'error', why: `reason ${lane}` });

test('three within a minute are too many, whichever threads they are', () => {
  const deaths = new Deaths();
  expect(deaths.add(of(0), 1000)).toBeUndefined();
  expect(deaths.add(of(1), 40_000)).toBeUndefined();
  expect(deaths.add(of(2), 61_000)).toEqual([of(0), of(1), of(2)]);
});

test('three that are further apart are not', () => {
  const deaths = new Deaths();
  expect(deaths.add(of(0), 0)).toBeUndefined();
  expect(deaths.add(of(0), 30_001)).toBeUndefined();
  expect(deaths.add(of(0), 60_001)).toBeUndefined();
  expect(deaths.add(of(1), 90_000)).toEqual([of(0), of(0), of(1)]);
});

test('the time for which a thread hung does not keep its deaths apart', () => {
  const deaths = new Deaths();
  const results = [40_000, 80_000, 120_000].map((nowMs) => {
    deaths.hung(30_000);
    return deaths.add(of(0), nowMs);
  });
  expect(results).toEqual([undefined, undefined, [of(0), of(0), of(0)]]);
});
