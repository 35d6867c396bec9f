import { expect, test } from 'vitest';
import { dimensionGlob } from '../../src/red/dimension-glob.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { seriesKeyOf } from '../../src/red/series-table.ts';
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
  const series = Array.from(rows.series, (id) => seriesKeyOf(aggregator.series, rows, id));
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

test('beyond the limit of distinct values spans are told apart all the same, in this block', () => {
  const spans = ['a', 'b', 'c', 'd', 'a'].map((k) => span({ k }));
  const { aggregator, rows, series } = aggregated([{ service: 's', spans }], {
    dimensions: [{ name: 'k' }],
    seriesLimit: 2,
  });
  expect(series.map(({ spanName, dimensions }) => [spanName, dimensions])).toEqual([
    ['a', ['a']],
    ['a', ['b']],
    ['a', ['c']],
    ['a', ['d']],
  ]);
  expect([...rows.calls]).toEqual([2, 1, 1, 1]);
  expect(aggregator.overflowedSpans).toBe(2);
});

const extras = (resources: TestResource[], patterns: string[], dimensions: { name: string }[] = []) => {
  const globs = patterns.map(dimensionGlob);
  return aggregated(resources, { globs, dimensions }).series.map(({ extra }) => extra);
};

test('attributes whose keys match a glob become labels, sorted by name, the span before the resource', () => {
  const resource = {
    service: 's',
    attributes: { 'k8s.pod': 'of-resource', 'k8s.node': 'n', other: 'x' },
    spans: [span({ 'k8s.pod': 'of-span', 'http.z': 1, 'http.a': true, 'http.a.b': 'deep' }), span({})],
  };
  expect(extras([resource], ['http.*', 'k8s.*'])).toEqual([
    [
      ['http.a', 'true'],
      ['http.z', '1'],
      ['k8s.node', 'n'],
      ['k8s.pod', 'of-span'],
    ],
    [
      ['k8s.node', 'n'],
      ['k8s.pod', 'of-resource'],
    ],
  ]);
});

test('series of globs are told apart by keys and values, not by their order', () => {
  const spans = [span({ 'a.x': '1', 'a.y': '2' }), span({ 'a.y': '2', 'a.x': '1' }), span({ 'a.x': '2' })];
  const { rows } = aggregated([{ service: 's', spans: [...spans, span({ 'a.y': '2' }), span({ b: '1' })] }], {
    globs: [dimensionGlob('a.*')],
  });
  expect([...rows.calls]).toEqual([2, 1, 1, 1]);
});

test('a span without a matching attribute has no such labels', () => {
  expect(extras([{ service: 's', spans: [span({ b: '1' })] }], ['a.*'])).toEqual([undefined]);
});

test('of a key that comes twice the first value counts', () => {
  const attributes = [
    ['a.x', 'first'],
    ['a.x', 'second'],
  ] as const;
  expect(extras([{ service: 's', spans: [{ name: 'a', attributes }] }], ['a.*'])).toEqual([
    [['a.x', 'first']],
  ]);
});

test('scopes that are asked for are labels, with their version where there is one', () => {
  const scopes = [
    { name: 'express', version: '1.0.0' },
    { name: 'express' },
    { name: 'http', version: '2' },
    {},
  ];
  const { series } = aggregated(
    [{ service: 's', scopes: scopes.map((one) => ({ ...one, spans: [span({})] })) }],
    {
      scopes: ['express', ''],
      dimensions: [{ name: 'k' }],
    },
  );
  expect(series.map(({ dimensions }) => dimensions)).toEqual([
    [null, 'express', '1.0.0'],
    [null, 'express', null],
    [null, null, null],
  ]);
});

test('a span that tells its probability is extrapolated, even with that of 100 %', () => {
  const states = [undefined, 'ot=th:8', 'ot=th:0', 'ot=rv:abcdefabcdefab', 'x=y'];
  const spans = states.map((traceState) => ({ name: 'a', ...(traceState && { traceState }) }));
  const { rows, series } = aggregated([{ service: 's', spans }], { samplingMethod: true });
  expect(series.map(({ dimensions }) => dimensions)).toEqual([['counted'], ['extrapolated']]);
  expect([...rows.calls]).toEqual([3, 3]);
});

test('keys that come after as many as can be remembered become labels all the same', () => {
  const many = Array.from({ length: 66_000 }, (_, i) => [`k.${i}`, 'x'] as const);
  const spans = [
    { name: 'a', attributes: many },
    span({ 'a.late': '1', 'a.later': '2' }),
    span({ 'a.later': '2', 'a.late': '1' }),
    span({ 'a.late': '1', 'a.other': '2' }),
  ];
  const { rows, series } = aggregated([{ service: 's', spans }], { globs: [dimensionGlob('a.*')] });
  expect([...rows.calls]).toEqual([1, 2, 1]);
  expect(series.map(({ extra }) => extra)).toEqual([
    undefined,
    [
      ['a.late', '1'],
      ['a.later', '2'],
    ],
    [
      ['a.late', '1'],
      ['a.other', '2'],
    ],
  ]);
});
