import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeltaFolder } from '../../src/red/fold-windows.ts';
import { RedAggregator, type RedAggregatorOptions } from '../../src/red/red-aggregator.ts';
import type { RedRows, SeriesKey } from '../../src/red/red-rows.ts';
import { type SeriesTable, seriesKeyOf } from '../../src/red/series-table.ts';
import { exponentialIndex } from '../../src/sketch/exponential.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { batchOf, type PlainSpan } from './batch-of.ts';

const BOUNDS_NS = [2e6, 10e6, 1e9];
const START = 1_700_000_000_000_000_000n;

const plain: fc.Arbitrary<PlainSpan> = fc.record({
  identity: fc.record({
    service: fc.constantFrom('cart', 'shop', null),
    namespace: fc.constantFrom('', 'prod'),
    instance: fc.constantFrom('', 'i-1'),
  }),
  name: fc.constantFrom('', 'GET /', 'POST /'),
  kind: fc.integer({ min: 0, max: 5 }),
  statusCode: fc.integer({ min: 0, max: 2 }),
  startNs: fc.bigInt({ min: START, max: START + 15_000_000_000n }),
  durationNs: fc.oneof(fc.constantFrom(0, 2e6, 2e6 + 1, 1e9), fc.integer({ min: 0, max: 2 ** 36 })),
  weight: fc.constantFrom(1, 1, 1, 4, 0.5),
});
const spans = fc.array(plain, { maxLength: 60 });

function options(more: RedAggregatorOptions = {}): RedAggregatorOptions {
  return { boundsNs: BOUNDS_NS, histograms: true, ...more };
}

interface Row {
  spans: number;
  calls: number;
  sum: number;
  max: number;
  buckets: number[];
  hist: Record<number, number>;
}

/** Rows by what they stand for, whatever their order and ids; equal keys are merged. */
function byMeaning(parts: readonly { rows: RedRows; series: SeriesTable }[]): Map<string, Row> {
  const merged = new Map<string, Row>();
  for (const { rows, series } of parts) {
    for (let row = 0; row < rows.rows; row++) {
      const key = JSON.stringify([rows.windowS[row], series.keyOf(rows.series[row] as number)]);
      const into = merged.get(key) ?? { spans: 0, calls: 0, sum: 0, max: 0, buckets: [0, 0, 0, 0], hist: {} };
      merged.set(key, into);
      into.spans += rows.spans[row] as number;
      into.calls += rows.calls[row] as number;
      into.sum += rows.durationSumNs[row] as number;
      into.max = Math.max(into.max, rows.durationMaxNs[row] as number);
      into.buckets.forEach((_, b) => {
        into.buckets[b] = (into.buckets[b] as number) + (rows.buckets[row * 4 + b] as number);
      });
      for (let e = rows.histAt[row] as number; e < (rows.histAt[row + 1] as number); e++) {
        const index = rows.histIndex[e] as number;
        into.hist[index] = (into.hist[index] ?? 0) + (rows.histCount[e] as number);
      }
    }
  }
  return merged;
}

function aggregated(list: readonly PlainSpan[], more: RedAggregatorOptions = {}): Map<string, Row> {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options(more));
  return byMeaning([{ rows: aggregator.aggregate(batchOf(dictionary, list)), series: aggregator.series }]);
}

/** The same by a plain map over whole numbers. */
function reference(list: readonly PlainSpan[]): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { identity, name, kind, statusCode, startNs, durationNs, weight } of list) {
    if (identity.service === null) continue;
    const windowS = Number((startNs + BigInt(durationNs)) / 10_000_000_000n) * 10;
    const { service, namespace, instance } = identity;
    const series = { service, namespace, instance, spanName: name, kind, statusCode, dimensions: [] };
    const key = JSON.stringify([windowS, series]);
    const row = rows.get(key) ?? { spans: 0, calls: 0, sum: 0, max: 0, buckets: [0, 0, 0, 0], hist: {} };
    rows.set(key, row);
    row.spans++;
    row.calls += weight;
    row.sum += weight * durationNs;
    row.max = Math.max(row.max, durationNs);
    const bucket = BOUNDS_NS.findIndex((bound) => durationNs <= bound);
    const to = bucket < 0 ? 3 : bucket;
    row.buckets[to] = (row.buckets[to] as number) + weight;
    const index = exponentialIndex(durationNs);
    row.hist[index] = (row.hist[index] ?? 0) + weight;
  }
  return rows;
}

const sorted = (rows: Map<string, Row>): [string, Row][] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));

test('counts what a plain map counts', () => {
  fc.assert(
    fc.property(spans, (list) => {
      expect(sorted(aggregated(list))).toEqual(sorted(reference(list)));
    }),
    {
      numRuns: 300,
    },
  );
});

test('rows of parts merge into the rows of the whole', () => {
  fc.assert(
    fc.property(spans, fc.nat(60), (list, cut) => {
      const dictionary = new Dictionary();
      const aggregator = new RedAggregator(dictionary, options());
      const parts = [list.slice(0, cut), list.slice(cut)].map((part) => ({
        rows: aggregator.aggregate(batchOf(dictionary, part)),
        series: aggregator.series,
      }));
      expect(sorted(byMeaning(parts))).toEqual(sorted(aggregated(list)));
    }),
  );
});

test('the order of spans changes nothing but the order of rows', () => {
  const shuffled = spans.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      expect(sorted(aggregated(other))).toEqual(sorted(aggregated(list)));
    }),
  );
});

test('buckets and histogram entries add up to the calls', () => {
  fc.assert(
    fc.property(spans, (list) => {
      for (const row of aggregated(list).values()) {
        expect(row.buckets.reduce((a, b) => a + b, 0)).toBe(row.calls);
        expect(Object.values(row.hist).reduce((a, b) => a + b, 0)).toBe(row.calls);
      }
    }),
  );
});

const one: PlainSpan = {
  identity: { service: 'shop', namespace: '', instance: '' },
  name: 'GET /',
  kind: 2,
  statusCode: 0,
  startNs: START,
  durationNs: 5e6,
  weight: 1,
};

test('rows are in order of first appearance, and histogram entries by row and index', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options());
  const rows = aggregator.aggregate(
    batchOf(dictionary, [
      { ...one, name: 'b', durationNs: 2e9 },
      { ...one, name: 'a', durationNs: 1e9 },
      { ...one, name: 'b', durationNs: 0 },
      { ...one, name: 'b', durationNs: 1e9 },
    ]),
  );
  expect(Array.from(rows.series, (id) => aggregator.series.keyOf(id).spanName)).toEqual(['b', 'a']);
  expect([...rows.histAt]).toEqual([0, 3, 4]);
  expect([...rows.histIndex]).toEqual([-32_768, -1, 15, -1]);
  expect([...rows.histCount]).toEqual([1, 1, 1, 1]);
});

test('rows of a block stay as they are while later blocks are aggregated', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options());
  const first = aggregator.aggregate(batchOf(dictionary, [one, one]));
  aggregator.aggregate(batchOf(dictionary, [{ ...one, durationNs: 1 }]));
  expect([...first.calls]).toEqual([2]);
  expect([...first.buckets]).toEqual([0, 2, 0, 0]);
});

test('spans without a service are skipped and counted', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options());
  const nameless = { ...one, identity: { ...one.identity, service: null } };
  expect(aggregator.aggregate(batchOf(dictionary, [nameless, one, nameless])).rows).toBe(1);
  expect(aggregator.skippedNoService).toBe(2);
});

test('excluded dimensions do not tell series apart', () => {
  const excluded = new Set(['span.name', 'span.kind', 'status.code'] as const);
  const rows = [...aggregated([one, { ...one, name: 'x', kind: 3, statusCode: 2 }], { excluded }).entries()];
  expect(rows.map(([key, { calls }]) => [key, calls])).toEqual([
    [
      '[1700000000,{"service":"shop","namespace":"","instance":"","spanName":"","kind":0,"statusCode":0,"dimensions":[]}]',
      2,
    ],
  ]);
});

test('series beyond the limit are rows of their own, and one series per service, kind and status for who counts on', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options({ seriesLimit: 2 }));
  const list = ['a', 'b', 'c', 'd', 'a', 'e'].map((name) => ({ ...one, name }));
  const cart = { ...one, name: 'f', statusCode: 2, identity: { ...one.identity, service: 'cart' } };
  const rows = aggregator.aggregate(batchOf(dictionary, [...list, cart]));
  const shown = Array.from(rows.series, (id, row) => {
    const { service, spanName, kind, statusCode } = seriesKeyOf(aggregator.series, rows, id);
    return [service, spanName, kind, statusCode, rows.calls[row]];
  });
  expect(shown).toEqual([
    ['shop', 'a', 2, 0, 2],
    ['shop', 'b', 2, 0, 1],
    ['shop', 'c', 2, 0, 1],
    ['shop', 'd', 2, 0, 1],
    ['shop', 'e', 2, 0, 1],
    ['cart', 'f', 2, 2, 1],
  ]);
  expect(aggregator.overflowedSpans).toBe(4);
  const delta = new DeltaFolder(aggregator.series).fold(rows);
  const told = Array.from(delta.series, (id, row) => {
    const { service, spanName, kind, statusCode } = delta.newSeries[id] as SeriesKey;
    return [service, spanName, kind, statusCode, delta.calls[row]];
  });
  expect(told).toEqual([
    ['shop', 'a', 2, 0, 2],
    ['shop', 'b', 2, 0, 1],
    ['shop', 'otel.metric.overflow', 2, 0, 3],
    ['cart', 'otel.metric.overflow', 2, 2, 1],
  ]);
});

test('one service with too many series takes nothing from another', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options({ seriesLimit: 100, seriesPerService: 3 }));
  const cart = { ...one, identity: { ...one.identity, service: 'cart' } };
  const list = Array.from({ length: 20 }, (_, i) => ({ ...one, name: `op-${i}` }));
  const { series, ownKeys } = aggregator.aggregate(batchOf(dictionary, [...list, cart]));
  expect(ownKeys?.length).toBe(17);
  expect(aggregator.series.keyOf(series[20] as number).service).toBe('cart');
});

test('tables grow with what they hold', () => {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, options());
  const list = Array.from({ length: 20_000 }, (_, i) => ({
    ...one,
    name: `op-${i % 9000}`,
    durationNs: i * 1e5,
  }));
  for (let round = 0; round < 3; round++) {
    const rows = aggregator.aggregate(batchOf(dictionary, list));
    expect(rows.rows).toBe(9000);
    expect(rows.calls.reduce((a, b) => a + b, 0)).toBe(20_000);
    expect(rows.histCount.reduce((a, b) => a + b, 0)).toBe(20_000);
  }
  expect(aggregator.series.size).toBe(9000);
});

test('the rows of a block that waits for hours still know their series, whoever has their places by then', () => {
  const dictionary = new Dictionary();
  let nowMs = 0;
  const aggregator = new RedAggregator(dictionary, options({ seriesLimit: 1, monotonicMs: () => nowMs }));
  const folder = new DeltaFolder(aggregator.series);
  const at = (hours: number, name: string): RedRows => {
    nowMs = hours * 3_600_000;
    return aggregator.aggregate(batchOf(dictionary, [{ ...one, name }]));
  };
  const blocks = [at(0, 'waits'), at(1, 'b'), at(2, 'c'), at(3, 'd')];
  const shown = blocks.map((rows) => seriesKeyOf(aggregator.series, rows, rows.series[0] as number).spanName);
  expect(shown).toEqual(['waits', 'b', 'c', 'd']);
  const deltas = blocks.reverse().map((rows) => folder.fold(rows));
  expect(deltas.map(({ calls }) => [...calls])).toEqual([[1], [1], [1], [1]]);
  expect(deltas[0]?.newSeries).toHaveLength(4);
});

test('a record from a clock that is years ahead does not stop series from making room', () => {
  const dictionary = new Dictionary();
  let nowMs = 0;
  const aggregator = new RedAggregator(dictionary, options({ seriesLimit: 1, monotonicMs: () => nowMs }));
  const shown = [2100, 2026, 2026, 2026].map((year, hour) => {
    nowMs = hour * 3_600_000;
    const batch = batchOf(dictionary, [{ ...one, name: `hour ${hour}` }]);
    batch.addRecord(hour, Date.UTC(year), 0, 0);
    const { series } = aggregator.aggregate(batch);
    return series[0] as number;
  });
  expect(shown).toEqual([0, 1, 2, 3]);
});

describe('span names with ids', () => {
  const list = Array.from({ length: 300 }, (_, i) => ({ ...one, name: `GET /users/${i}` }));

  test('are one series where templates are wanted', () => {
    const dictionary = new Dictionary();
    const aggregator = new RedAggregator(dictionary, options({ spanNames: 'templates' }));
    for (let round = 0; round < 2; round++) {
      const { calls, series } = aggregator.aggregate(batchOf(dictionary, [...list, one]));
      const shown = Array.from(series, (id) => aggregator.series.keyOf(id).spanName);
      expect([shown, [...calls]]).toEqual([
        ['GET /users/{id}', one.name],
        [300, 1],
      ]);
    }
  });

  test('stay as they are in a dry run, which tells what templates would spare', () => {
    const dictionary = new Dictionary();
    const aggregator = new RedAggregator(dictionary, options({ spanNames: 'dry_run' }));
    expect(aggregator.aggregate(batchOf(dictionary, list)).rows).toBe(300);
    expect(Math.abs(aggregator.demand.series() - 300)).toBeLessThan(15);
    expect(aggregator.templatedDemand?.series()).toBe(1);
  });
});
