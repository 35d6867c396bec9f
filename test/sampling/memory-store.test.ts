import { expect, test } from 'vitest';
import { type MemoryRefusal, MemorySamplingStore } from '../../src/sampling/memory-store.ts';

const ROW = { windowS: 100, service: 'svc', operation: 'op', count: 1, probabilities: ['0.500000'] };

function filled(rows: readonly (typeof ROW)[], nowMs = 100_000) {
  const store = new MemorySamplingStore({ windowMs: 5000, windows: 4, futureWindows: 2, maxOperations: 2 });
  const refused: MemoryRefusal[] = [];
  store.add(rows, nowMs, (reason) => refused.push(reason));
  return { store, refused };
}

test('rows of one operation and window are added up', async () => {
  const { store } = filled([ROW, { ...ROW, count: 2, probabilities: ['0.250000', '0.500000'] }]);
  expect(await store.throughput(100_000, 105_000)).toEqual([
    { ...ROW, count: 3, probabilities: ['0.250000', '0.500000'] },
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

test('a round without decisions does not wipe out the last one', async () => {
  const { store } = filled([]);
  const decision = {
    service: 'svc',
    operation: 'op',
    probability: 0.5,
    previous: 0.25,
    qps: 0.5,
    target: 1,
    reason: 'raised' as const,
    inputs: { qps: [0.5], seen: ['0.250000'], using: true, tolerance: 0.3 },
  };
  await store.insertDecisions({ decidedAtMs: 7, dataUntilMs: 5, decidedBy: 'me', decisions: [decision] });
  await store.insertDecisions({ decidedAtMs: 8, dataUntilMs: 6, decidedBy: 'me', decisions: [] });
  expect(await store.latestDecisions()).toEqual([
    { service: 'svc', operation: 'op', probability: 0.5, qps: 0.5, decidedAtMs: 7 },
  ]);
});
