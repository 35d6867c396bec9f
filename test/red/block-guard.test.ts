import { describe, expect, test } from 'vitest';
import type { BlockLimits } from '../../src/red/block-guard.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { seriesKeyOf } from '../../src/red/series-table.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto, type TestResource, type TestSpan } from '../support/spans.ts';

const NONE: BlockLimits = { namesPerService: 0, valuesPerDimension: 0, seriesPerService: 0, series: 0 };

function aggregated(resources: readonly TestResource[], limits: Partial<BlockLimits>) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto(resources), { offset: 0, timestampMs: 0 });
  const aggregator = new RedAggregator(dictionary, {
    dimensions: [{ name: 'user' }, { name: 'zone' }],
    dimensionNames: ['user', 'zone'],
    histograms: true,
    boundsNs: [5e6],
    rowOfSpan: true,
    blockLimits: { ...NONE, ...limits },
  });
  const rows = aggregator.aggregate(batch);
  const shown = Array.from(rows.series, (id, row) => {
    const { service, spanName, statusCode, dimensions } = seriesKeyOf(aggregator.series, rows, id);
    return [service, spanName, statusCode, ...dimensions, rows.spans[row]];
  });
  return { aggregator, rows, shown };
}

const spans = (...names: string[]): TestSpan[] => names.map((name) => ({ name }));
const OVER = 'otel.metric.overflow';

describe('a block with too many span names of a service', () => {
  test('keeps those that many spans have, and of the others their service, kind and status', () => {
    const failed = { name: 'e', status: { code: 2 } };
    const { aggregator, shown } = aggregated(
      [
        { service: 'shop', spans: [...spans('a', 'a', 'a', 'b', 'c', 'd', 'a', 'b', 'a'), failed] },
        { service: 'cart', spans: spans('x', 'y') },
      ],
      { namesPerService: 3 },
    );
    // Ten spans, limit three: what has more than a third of them stays.
    expect(shown).toEqual([
      ['shop', 'a', 0, null, null, 5],
      ['shop', OVER, 0, null, null, 4],
      ['shop', OVER, 2, null, null, 1],
      ['cart', 'x', 0, null, null, 1],
      ['cart', 'y', 0, null, null, 1],
    ]);
    expect(aggregator.folded).toEqual([{ service: 'shop', label: 'span.name', spans: 5 }]);
    expect(aggregator.overflowedSpans).toBe(5);
  });

  test('adds up what it folds: durations, buckets, histograms, weights', () => {
    const traceState = 'ot=th:c';
    const [traceA, traceB] = ['aa'.repeat(16), 'bb'.repeat(16)];
    const { aggregator, rows } = aggregated(
      [
        {
          service: 'shop',
          spans: [
            { name: 'a', durationNs: 1e6, traceState, traceId: traceA },
            { name: 'b', durationNs: 9e6, traceState, traceId: traceA },
            { name: 'c', durationNs: 2e6, traceState, traceId: traceB },
          ],
        },
      ],
      { namesPerService: 2 },
    );
    expect(rows.rows).toBe(1);
    expect([rows.spans[0], rows.calls[0], rows.durationSumNs[0], rows.durationMaxNs[0]]).toEqual([
      3, 12, 48e6, 9e6,
    ]);
    expect([...rows.buckets]).toEqual([8, 4]);
    expect([...rows.histCount]).toEqual([4, 4, 4]);
    // Two of weight 4 in one trace, one in another: 8 * 6 + 4 * 3.
    expect([...rows.weightSquares]).toEqual([60]);
    expect([...(aggregator.rowOfSpan as Uint32Array).subarray(0, 3)]).toEqual([0, 0, 0]);
  });

  test('leaves a block as it is that is within the limits', () => {
    const { aggregator, shown } = aggregated([{ service: 'shop', spans: spans('a', 'b', 'c') }], {
      namesPerService: 3,
      series: 3,
    });
    expect(shown.map(([, name]) => name)).toEqual(['a', 'b', 'c']);
    expect(aggregator.folded).toEqual([]);
  });
});

test('a dimension with too many values loses those that few spans have, and nothing else', () => {
  const users = ['u1', 'u1', 'u1', 'u2', 'u3', 'u4'];
  const { aggregator, shown } = aggregated(
    [{ service: 'shop', spans: users.map((user) => ({ name: 'a', attributes: { user, zone: 'eu' } })) }],
    { valuesPerDimension: 2 },
  );
  expect(shown).toEqual([['shop', 'a', 0, OVER, 'eu', 6]]);
  expect(aggregator.folded).toEqual([{ service: '', label: 'user', spans: 6 }]);
});

test('a service, and all services, have so many series and no more', () => {
  const rows = [
    { service: 'shop', spans: spans('a', 'a', 'a', 'b', 'c') },
    { service: 'cart', spans: spans('x') },
  ];
  expect(aggregated(rows, { seriesPerService: 2 }).shown).toEqual([
    ['shop', 'a', 0, null, null, 3],
    ['shop', OVER, 0, null, null, 2],
    ['cart', 'x', 0, null, null, 1],
  ]);
  expect(aggregated(rows, { series: 3 }).shown).toEqual([
    ['shop', 'a', 0, null, null, 3],
    ['shop', OVER, 0, null, null, 2],
    ['cart', OVER, 0, null, null, 1],
  ]);
});
