import { describe, expect, test } from 'vitest';
import { NO_CLASSES } from '../../../src/sampling/roots/root-row.ts';
import { type MemoryRefusal, MemorySamplingStore } from '../../../src/sampling/store/memory-store.ts';
import { decisionOf, roundOf, rowOf } from '../rows.ts';

const ROW = rowOf({ windowS: 100, service: 'svc', probabilities: ['0.500000'] });

function filled(rows: readonly (typeof ROW)[], nowMs = 100_000) {
  const store = new MemorySamplingStore({ windowMs: 5000, windows: 4, futureWindows: 2, maxOperations: 2 });
  const refused: MemoryRefusal[] = [];
  store.add(rows, nowMs, (reason) => refused.push(reason));
  return { store, refused };
}

test('rows of one operation and window are added up', async () => {
  const one = {
    roots: 4,
    tagged: 1,
    adjusted: 2,
    adjustedSquares: 4,
    bounded: 1,
    variates: { classes: [3, 9], counts: [1, 1] },
    errors: 2,
    durations: { classes: [80], counts: [4] },
  };
  const other = { ...one, variates: { classes: [0, 9], counts: [5, 2] }, durations: NO_CLASSES };
  const row = { windowS: 100, service: 'svc' };
  const { store } = filled([
    rowOf({ ...row, probabilities: ['0.500000'] }, one),
    rowOf({ ...row, count: 2, probabilities: ['0.250000', '0.500000'] }, other),
  ]);
  expect(await store.throughput(100_000, 105_000)).toEqual([
    rowOf(
      { ...row, count: 3, probabilities: ['0.250000', '0.500000'] },
      {
        roots: 8,
        tagged: 2,
        adjusted: 4,
        adjustedSquares: 8,
        bounded: 2,
        variates: { classes: [0, 3, 9], counts: [5, 1, 3] },
        errors: 4,
        durations: { classes: [80], counts: [4] },
      },
    ),
  ]);
});

test('windows stay apart', async () => {
  const { store } = filled([ROW, { ...ROW, windowS: 105 }, { ...ROW, windowS: 105 }]);
  expect((await store.throughput(100_000, 110_000)).map(({ windowS, count }) => [windowS, count])).toEqual([
    [100, 1],
    [105, 2],
  ]);
});

test('a read covers the windows that begin in it', async () => {
  const { store } = filled([ROW, { ...ROW, windowS: 95, count: 7 }]);
  expect((await store.throughput(95_000, 100_000)).map(({ count }) => count)).toEqual([7]);
  expect(await store.throughput(105_000, 110_000)).toEqual([]);
});

test('rows that are too old or too far ahead, and operations beyond the limit, are refused', () => {
  const { refused } = filled([
    ROW,
    { ...ROW, windowS: 80 },
    { ...ROW, windowS: 85 },
    { ...ROW, windowS: 110 },
    { ...ROW, windowS: 115 },
    { ...ROW, operation: 'second' },
    { ...ROW, operation: 'third' },
    ROW,
  ]);
  expect(refused).toEqual(['late', 'future', 'full']);
});

test('old windows make room for new ones', () => {
  const { store } = filled([ROW, { ...ROW, windowS: 85 }]);
  expect(store.windows).toBe(2);
  store.add([{ ...ROW, windowS: 115 }], 115_000, () => {});
  expect(store.windows).toBe(2);
});

describe('decisions', () => {
  test('are the newest of each operation', async () => {
    const { store } = filled([]);
    const [a, b] = [decisionOf({ operation: 'a' }), decisionOf({ operation: 'b' })];
    await store.insertDecisions(roundOf({ decidedAtMs: 8, version: 2, decisions: [a, b] }));
    const moved = { ...b, probability: 0.125 };
    await store.insertDecisions(roundOf({ decidedAtMs: 9, version: 3, decisions: [moved] }));
    expect(await store.latestDecisions()).toMatchObject({
      version: 3,
      decidedAtMs: 9,
      decisions: [a, moved],
    });
  });

  test('on what nothing is said of for two days are forgotten', async () => {
    const { store } = filled([]);
    const [a, b] = [decisionOf({ operation: 'a' }), decisionOf({ service: 'gone' })];
    await store.insertDecisions(roundOf({ decidedAtMs: 1, decisions: [a, b] }));
    await store.insertDecisions(roundOf({ decidedAtMs: 100_000_000, decisions: [a] }));
    expect((await store.latestDecisions())?.decisions).toEqual([a, b]);
    await store.insertDecisions(roundOf({ decidedAtMs: 200_000_000, decisions: [a] }));
    expect((await store.latestDecisions())?.decisions).toEqual([a]);
  });

  test('of an empty round do not wipe out the last ones', async () => {
    const { store } = filled([]);
    expect(await store.latestDecisions()).toBeUndefined();
    await store.insertDecisions(roundOf({ decidedAtMs: 7, decisions: [decisionOf({})] }));
    await store.insertDecisions(roundOf({ decidedAtMs: 8 }));
    expect(await store.latestDecisions()).toMatchObject({ decidedAtMs: 7, decisions: [decisionOf({})] });
  });
});
