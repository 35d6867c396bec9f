import { expect, test } from 'vitest';
import { TraceWeights } from '../../src/red/trace-weights.ts';
import { NONE } from '../../src/span/span-batch.ts';

/** Ids of traces 0 to 255, at 16 bytes each. */
const ids = new DataView(new Uint8Array(4096).map((_, i) => i >> 4).buffer);

function added(spans: readonly (readonly [row: number, trace: number, weight: number])[]): TraceWeights {
  const weights = new TraceWeights();
  for (const [row, trace, weight] of spans) weights.add(row, ids, trace < 0 ? NONE : trace * 16, weight);
  return weights;
}

test('spans of a trace err together: their weights are summed before they are squared', () => {
  // Two spans of weight 4 in one trace: 8 * (8 - 2); a third of another trace: 4 * (4 - 1).
  const { squares, largest } = added([
    [0, 1, 4],
    [0, 2, 4],
    [0, 1, 4],
  ]).byRow(1);
  expect([...squares]).toEqual([60]);
  expect([...largest]).toEqual([Math.sqrt(48)]);
});

test('rows are kept apart, and those of nothing but certain spans are zero', () => {
  const { squares, largest } = added([
    [2, 1, 10],
    [0, 1, 2],
  ]).byRow(3);
  expect([...squares]).toEqual([2, 0, 90]);
  expect([...largest]).toEqual([Math.sqrt(2), 0, Math.sqrt(90)]);
});

test('spans without a trace id are traces of their own', () => {
  expect([
    ...added([
      [0, -1, 2],
      [0, -1, 2],
    ]).byRow(1).squares,
  ]).toEqual([4]);
});

test('nothing of a block is left in the next, and tables grow with what they hold', () => {
  const weights = new TraceWeights();
  for (let block = 0; block < 3; block++) {
    weights.clear();
    for (let row = 0; row < 500; row++) for (let i = 0; i < 8; i++) weights.add(row, ids, (i >> 1) * 16, 3);
    // Four traces of two spans of weight 3 a row: 4 * 6 * (6 - 2).
    expect(new Set(weights.byRow(500).squares)).toEqual(new Set([96]));
  }
});
