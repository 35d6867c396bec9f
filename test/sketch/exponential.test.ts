import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BOUNDS_NS,
  boundSeconds,
  exponentialIndex,
  MAX_INDEX,
  MIN_INDEX,
  ZERO_INDEX,
} from '../../src/sketch/exponential.ts';

test('a bucket holds its upper bound and not its lower one', () => {
  expect(exponentialIndex(1e9)).toBe(-1);
  expect(exponentialIndex(1e9 + 1)).toBe(0);
  expect(exponentialIndex(2e9)).toBe(15);
  expect(exponentialIndex(2e9 + 1)).toBe(16);
  expect(exponentialIndex(5e8)).toBe(-17);
});

test('one nanosecond and the longest span have the outermost buckets', () => {
  expect(exponentialIndex(1)).toBe(MIN_INDEX);
  expect(exponentialIndex(2 ** 64 - 2048)).toBe(MAX_INDEX);
});

test('zero durations are below every bucket, and 0 for a reader', () => {
  expect(exponentialIndex(0)).toBe(ZERO_INDEX);
  expect(boundSeconds(ZERO_INDEX)).toBe(0);
});

test('bounds double every sixteen buckets', () => {
  expect(boundSeconds(0)).toBe(1);
  expect(boundSeconds(16)).toBe(2);
  expect(boundSeconds(-32)).toBe(0.25);
  expect(boundSeconds(8)).toBe(Math.SQRT2);
  expect(boundSeconds(-1)).toBeCloseTo(0.957_603_28, 8);
});

test('every duration lies between the bounds of its bucket', () => {
  const duration = fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.double({ min: 0, max: 63, noNaN: true }).map((exponent) => Math.round(2 ** exponent)),
    fc
      .constantFrom(...BOUNDS_NS.filter((bound) => bound > 1 && bound < 1e16))
      .chain((bound) => fc.constantFrom(Math.floor(bound), Math.ceil(bound))),
  );
  fc.assert(
    fc.property(duration, (ns) => {
      const index = exponentialIndex(ns);
      expect(ns).toBeGreaterThan(boundSeconds(index) * 1e9);
      expect(ns).toBeLessThanOrEqual(boundSeconds(index + 1) * 1e9);
    }),
    { numRuns: 5000 },
  );
});
