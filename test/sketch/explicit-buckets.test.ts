import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, explicitBuckets } from '../../src/sketch/explicit-buckets.ts';

test('a bound belongs to the bucket below it', () => {
  const buckets = explicitBuckets([2e6, 4e6]);
  expect([0, 2e6, 2e6 + 1, 4e6, 4e6 + 1].map((ns) => bucketOf(buckets, ns))).toEqual([0, 0, 1, 1, 2]);
});

test('no bounds are one bucket, and a bound of zero takes zero durations', () => {
  expect(bucketOf(explicitBuckets([]), 5)).toBe(0);
  expect([0, 1].map((ns) => bucketOf(explicitBuckets([0]), ns))).toEqual([0, 1]);
});

test('bounds that do not ascend are a bug of the caller', () => {
  expect(() => explicitBuckets([4, 2])).toThrow('bounds ascend');
});

test('finds the same bucket as a search from the start', () => {
  const ns = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 0, max: 2 ** 40 }),
    fc.double({ min: 0, max: 63, noNaN: true }).map((exponent) => Math.round(2 ** exponent)),
  );
  fc.assert(
    fc.property(fc.uniqueArray(ns, { maxLength: 30 }), ns, (bounds, duration) => {
      const ascending = bounds.sort((a, b) => a - b);
      const first = ascending.findIndex((bound) => duration <= bound);
      expect(bucketOf(explicitBuckets(ascending), duration)).toBe(first < 0 ? ascending.length : first);
    }),
    { numRuns: 2000 },
  );
});
