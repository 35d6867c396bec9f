import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  common,
  countOffsets,
  cutAtEnds,
  joined,
  type OffsetRange,
  without,
} from '../../../src/app/replay/ranges.ts';

const range = (first: number, last: number): OffsetRange => ({ first, last });

describe('ranges', () => {
  test('are joined where they touch or overlap', () => {
    expect(joined([range(5, 9), range(0, 3), range(4, 4), range(20, 30), range(22, 25)])).toEqual([
      range(0, 9),
      range(20, 30),
    ]);
  });

  test('lose what others hold, at both ends and in the middle', () => {
    expect(without([range(0, 9), range(20, 29)], [range(0, 1), range(5, 6), range(8, 22)])).toEqual([
      range(2, 4),
      range(7, 7),
      range(23, 29),
    ]);
    expect(without([range(0, 9)], [range(0, 9)])).toEqual([]);
  });

  test('keep what others hold, too', () => {
    expect(common([range(0, 9), range(20, 29)], [range(8, 22)])).toEqual([range(8, 9), range(20, 22)]);
  });

  test('are counted by offsets', () => {
    expect(countOffsets([range(0, 0), range(5, 9)])).toBe(6);
  });

  test('hold exactly the offsets that a set of them would', () => {
    const some = fc.array(
      fc.tuple(fc.nat(40), fc.nat(8)).map(([first, length]) => range(first, first + length)),
      { maxLength: 8 },
    );
    const offsets = (ranges: readonly OffsetRange[]): number[] => {
      const found = new Set<number>();
      for (const { first, last } of ranges) for (let at = first; at <= last; at++) found.add(at);
      return [...found].sort((a, b) => a - b);
    };
    fc.assert(
      fc.property(some, some, (ranges, others) => {
        const taken = new Set(offsets(others));
        expect(offsets(without(ranges, others))).toEqual(offsets(ranges).filter((at) => !taken.has(at)));
        expect(offsets(common(ranges, others))).toEqual(offsets(ranges).filter((at) => taken.has(at)));
      }),
    );
  });
});

describe('a hole', () => {
  test('without any trace is read as one', () => {
    expect(cutAtEnds(range(10, 19), [], [])).toEqual([{ first: 10, last: 19, whole: false }]);
  });

  test('is cut where blocks are known to have ended', () => {
    expect(cutAtEnds(range(10, 29), [15, 20], [])).toEqual([
      { first: 10, last: 14, whole: true },
      { first: 15, last: 19, whole: true },
      { first: 20, last: 29, whole: false },
    ]);
  });

  test('gives a block no records that may be those of a block before it', () => {
    expect(cutAtEnds(range(10, 29), [20], [range(16, 19)])).toEqual([
      { first: 10, last: 15, whole: false },
      { first: 16, last: 19, whole: true },
      { first: 20, last: 29, whole: false },
    ]);
  });

  test('is not cut by ends that lie outside of it', () => {
    expect(cutAtEnds(range(10, 19), [10, 25], [])).toEqual([{ first: 10, last: 19, whole: false }]);
    expect(cutAtEnds(range(10, 19), [20], [])).toEqual([{ first: 10, last: 19, whole: true }]);
  });
});
