import fc from 'fast-check';
import { expect, test } from 'vitest';
import { windowOf } from '../../src/window/event-window.ts';

const split = (ns: bigint): [number, number] => [Number(ns >> 32n), Number(ns & 0xffffffffn)];

test('a span belongs to the window in which it ends, to the nanosecond', () => {
  const start = 1_700_000_000_000_000_000n;
  expect(windowOf(...split(start), 0)).toBe(170_000_000);
  expect(windowOf(...split(start), 9_999_999_999)).toBe(170_000_000);
  expect(windowOf(...split(start), 10_000_000_000)).toBe(170_000_001);
  expect(windowOf(...split(start - 1n), 0)).toBe(169_999_999);
  expect(windowOf(...split(start - 1n), 1)).toBe(170_000_000);
});

test('agrees with whole numbers up to the year 2262', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      fc.integer({ min: 0, max: 2 ** 45 }),
      (start, duration) => {
        expect(windowOf(...split(start), duration)).toBe(
          Number((start + BigInt(duration)) / 10_000_000_000n),
        );
      },
    ),
    { numRuns: 5000 },
  );
});
