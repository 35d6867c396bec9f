import { expect, test } from 'vitest';
import { DeltaFolder } from '../../src/red/fold-windows.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { batchOf, type PlainSpan } from './batch-of.ts';

const START = 1_700_000_000_000_000_000n;
const one: PlainSpan = {
  identity: { service: 'shop', namespace: '', instance: '' },
  name: 'a',
  kind: 2,
  statusCode: 0,
  startNs: START,
  durationNs: 1e9,
  weight: 1,
};
const later = { ...one, startNs: START + 60_000_000_000n };

function lane() {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, { boundsNs: [1e9], histograms: true });
  return { aggregator, derive: (spans: PlainSpan[]) => aggregator.aggregate(batchOf(dictionary, spans)) };
}

test('windows of a series become one row', () => {
  const { aggregator, derive } = lane();
  const folder = new DeltaFolder(aggregator.series);
  const other = { ...one, name: 'b', durationNs: 0, weight: 4 };
  const delta = folder.fold(derive([one, other, later, { ...later, durationNs: 2e9 }]));
  expect(delta.rows).toBe(2);
  expect([...delta.series]).toEqual([0, 1]);
  expect([...delta.calls]).toEqual([3, 4]);
  expect([...delta.durationSumNs]).toEqual([4e9, 0]);
  expect([...delta.durationMaxNs]).toEqual([2e9, 0]);
  expect([...delta.buckets]).toEqual([2, 1, 4, 0]);
  expect([...delta.histAt]).toEqual([0, 2, 3]);
  expect([...delta.histIndex]).toEqual([-1, 15, -32_768]);
  expect([...delta.histCount]).toEqual([2, 1, 4]);
});

test('series are told once', () => {
  const { aggregator, derive } = lane();
  const folder = new DeltaFolder(aggregator.series);
  const names = (spans: PlainSpan[]) => {
    const { firstNewSeries, newSeries } = folder.fold(derive(spans));
    return [firstNewSeries, newSeries.map(({ spanName }) => spanName)];
  };
  expect(names([one])).toEqual([0, ['a']]);
  expect(names([one, { ...one, name: 'b' }])).toEqual([1, ['b']]);
  expect(names([one])).toEqual([2, []]);
});

test('nothing folds into nothing', () => {
  const { aggregator, derive } = lane();
  const delta = new DeltaFolder(aggregator.series).fold(derive([]));
  expect([delta.rows, delta.buckets.length, delta.histIndex.length]).toEqual([0, 0, 0]);
});

test('many blocks with many series fold exactly', () => {
  const { aggregator, derive } = lane();
  const folder = new DeltaFolder(aggregator.series);
  const totals = new Map<number, number>();
  for (let block = 0; block < 20; block++) {
    const spans = Array.from({ length: 500 }, (_, i) => ({
      ...(i % 2 ? one : later),
      name: `op-${(i * block) % 3000}`,
    }));
    const delta = folder.fold(derive(spans));
    delta.series.forEach((id, row) => {
      totals.set(id, (totals.get(id) ?? 0) + (delta.calls[row] as number));
    });
  }
  expect([...totals.values()].reduce((a, b) => a + b, 0)).toBe(10_000);
});
