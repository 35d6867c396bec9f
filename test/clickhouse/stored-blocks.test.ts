import { expect, test } from 'vitest';
import { withoutOverlaps } from '../../src/clickhouse/stored-blocks.ts';
import type { StoredRange } from '../../src/flow/block.ts';

function range(firstOffset: number, lastOffset: number, lastTimestampMs: number): StoredRange {
  return { firstOffset, lastOffset, firstTimestampMs: lastTimestampMs - 1, lastTimestampMs };
}

test('blocks of one log stay as they are, gaps and all', () => {
  const ranges = [range(0, 9, 1000), range(10, 19, 2000), range(40, 49, 3000)];
  expect(withoutOverlaps(ranges)).toEqual(ranges);
});

test('where an older log of that name left blocks, the younger one counts', () => {
  const old = [range(0, 9, 1000), range(10, 29, 2000), range(30, 39, 2500)];
  const young = [range(0, 14, 9000), range(15, 24, 9500)];
  const sorted = [...old, ...young].sort((a, b) => a.firstOffset - b.firstOffset);
  expect(withoutOverlaps(sorted)).toEqual([range(0, 14, 9000), range(15, 24, 9500), range(30, 39, 2500)]);
});

test('a younger block takes the place of all older ones that it overlaps', () => {
  expect(withoutOverlaps([range(0, 9, 1000), range(5, 30, 9000), range(10, 19, 1500)])).toEqual([
    range(5, 30, 9000),
  ]);
});
