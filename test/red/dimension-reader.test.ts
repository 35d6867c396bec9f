import { expect, test } from 'vitest';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { type AttributeValue, encodeProto, type TestResource } from '../support/spans.ts';

function aggregated(resources: TestResource[], options: ConstructorParameters<typeof RedAggregator>[1]) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto(resources), { offset: 0, timestampMs: 0 });
  const aggregator = new RedAggregator(dictionary, options);
  const rows = aggregator.aggregate(batch);
  const series = Array.from(rows.series, (id) => aggregator.series.keyOf(id));
  return { aggregator, rows, series };
}

const span = (attributes: Readonly<Record<string, AttributeValue>>) => ({ name: 'a', attributes });

test('a span attribute comes before a resource attribute, and that before the default', () => {
  const { series } = aggregated(
    [
      { service: 's', attributes: { k: 'resource' }, spans: [span({ k: 'span' }), span({})] },
      { service: 's', spans: [span({ other: 'x' })] },
    ],
    { dimensions: [{ name: 'k', default: 'default' }, { name: 'missing' }] },
  );
  expect(series.map(({ dimensions }) => dimensions)).toEqual([
    ['span', null],
    ['resource', null],
    ['default', null],
  ]);
});

test('values that read alike are one series, whatever their type', () => {
  const { rows } = aggregated([{ service: 's', spans: [span({ k: '7' }), span({ k: 7 }), span({ k: 8 })] }], {
    dimensions: [{ name: 'k' }],
  });
  expect([...rows.calls]).toEqual([2, 1]);
});

test('where a value ends and the next begins is not mixed up', () => {
  const spans = [span({ a: 'xy', b: '' }), span({ a: 'x', b: 'y' }), span({ a: 'xy' }), span({ b: 'xy' })];
  const { rows } = aggregated([{ service: 's', spans }], { dimensions: [{ name: 'a' }, { name: 'b' }] });
  expect([...rows.calls]).toEqual([1, 1, 1, 1]);
});

test('long values are kept whole', () => {
  const long = 'é'.repeat(5000);
  const { series } = aggregated([{ service: 's', spans: [span({ k: long })] }], {
    dimensions: [{ name: 'k' }],
  });
  expect(series[0]?.dimensions).toEqual([long]);
});

test('beyond the limit of distinct values spans are counted in the overflow series', () => {
  const spans = ['a', 'b', 'c', 'd', 'a'].map((k) => span({ k }));
  const { aggregator, rows, series } = aggregated([{ service: 's', spans }], {
    dimensions: [{ name: 'k' }],
    seriesLimit: 2,
  });
  expect(series.map(({ spanName, dimensions }) => [spanName, dimensions])).toEqual([
    ['a', ['a']],
    ['a', ['b']],
    ['otel.metric.overflow', [null]],
  ]);
  expect([...rows.calls]).toEqual([2, 1, 2]);
  expect(aggregator.overflowedSpans).toBe(2);
});
