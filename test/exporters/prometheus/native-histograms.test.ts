import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NativeHistograms } from '../../../src/exporters/prometheus/native-histograms.ts';
import { deltaOf } from './deltas.ts';

function filled(maxSize: number, entries: readonly (readonly [number, number])[]) {
  const histograms = new NativeHistograms(maxSize, 's');
  for (const entry of entries) histograms.add(0, 0, deltaOf([{ series: 0, calls: 1, hist: [entry] }]));
  return histograms.of(0);
}

test('a histogram that grows too wide gets buckets twice as wide', () => {
  expect(
    filled(4, [
      [0, 1],
      [3, 2],
    ]),
  ).toMatchObject({ schema: 4, first: 0, counts: Float64Array.of(1, 0, 0, 2) });
  expect(
    filled(4, [
      [0, 1],
      [3, 2],
      [-1, 4],
    ]),
  ).toMatchObject({ schema: 3, first: -1, counts: Float64Array.of(4, 1, 2) });
  expect(
    filled(2, [
      [-20, 1],
      [20, 1],
      [-20, 1],
    ]),
  ).toMatchObject({ schema: -1, first: -1, counts: Float64Array.of(2, 1) });
});

test('whatever comes, nothing is lost, the size is kept, and every count is in its bucket', () => {
  const entry = fc.tuple(fc.integer({ min: -479, max: 545 }), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 5, max: 200 }),
      (entries, size) => {
        const { schema, first, counts } = filled(size, entries);
        const total = entries.reduce((sum, [, count]) => sum + count, 0);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(counts.length).toBeLessThanOrEqual(size);
        for (const [index] of entries) {
          expect(counts[Math.floor(index / 2 ** (4 - schema)) - first]).toBeGreaterThan(0);
        }
      },
    ),
  );
});

test('in ms a bucket of seconds is shared out between the two that it lies in, nothing lost', () => {
  const histograms = new NativeHistograms(160, 'ms');
  const delta = (count: number) => deltaOf([{ series: 0, calls: 1, hist: [[-160, count]] }]);
  for (let i = 0; i < 1000; i++) histograms.add(0, 0, delta(1));
  // (2^(-10), 2^(-159/16)] s is (0.9766, 1.0198] ms: 55 % of it, by logarithm, is below 1 ms.
  expect(histograms.of(0)).toMatchObject({ first: -1, counts: Float64Array.of(547, 453), isFloat: false });
  histograms.add(1, 0, delta(0.5));
  expect(histograms.of(1).counts[0]).toBeCloseTo(0.2737, 4);
  expect(histograms.of(1).counts[1]).toBeCloseTo(0.2263, 4);
});
