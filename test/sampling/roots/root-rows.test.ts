import { describe, expect, test } from 'vitest';
import { NO_CLASSES, NO_ROOTS } from '../../../src/sampling/roots/root-row.ts';
import { ThroughputCounter } from '../../../src/sampling/roots/throughput-counter.ts';
import { coarseClassOf, coarseLowerNs, highBitsOf } from '../../../src/sketch/duration-classes.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { double, type TestResource, type TestSpan } from '../../support/spans.ts';
import { batchOfSpans, throughputOf } from '../batch-of-spans.ts';

/** A millisecond lies in [2^19 * 1.75, 2^20) ns. */
const MILLISECOND = { classes: [4 * 19 + 3], counts: [1] };

function root(span: Partial<TestSpan> = {}): TestSpan {
  return { name: 'GET /', traceId: `${'0'.repeat(16)}${'4'.padEnd(16, '0')}`, ...span };
}

function shop(language: string, ...spans: TestSpan[]): TestResource {
  return { service: 'shop', attributes: { 'telemetry.sdk.language': language }, spans };
}

function sampledOf(resource: TestResource) {
  const [row, ...more] = throughputOf([resource]);
  expect(more).toEqual([]);
  return row?.sampled;
}

describe('a root that tells nothing', () => {
  test.each([
    // The low half is 2^62: of 2^63 for Java, halved of that for Go and Rust, of 2^64 for Python; the upper half is 0.
    ['go', 15],
    ['rust', 15],
    ['java', 7],
    ['python', 15],
    ['dotnet', 319],
  ])('is counted by its trace id as the SDK for %s reads it', (language, variateClass) => {
    expect(sampledOf(shop(language, root()))).toEqual({
      ...NO_ROOTS,
      roots: 1,
      variates: { classes: [variateClass], counts: [1] },
      durations: MILLISECOND,
    });
  });

  test.each(['nodejs', 'webjs'])('has the four words of its trace id joined by xor for %s', (language) => {
    const traceId = `00000000${'0f000000'}${'00000000'}0f000001`;
    expect(sampledOf(shop(language, root({ traceId })))?.variates.classes).toEqual([255]);
  });

  test.each(['php', '', 'GO'])('of an SDK that is not known (%j) has no variate', (language) => {
    expect(sampledOf(shop(language, root()))).toEqual({ ...NO_ROOTS, roots: 1, durations: MILLISECOND });
  });

  test.each([
    ['jaeger.version', 'Go-2.30.0'],
    ['opencensus.exporterversion', 'Jaeger-Go-2.30.0'],
  ])("of Jaeger's own client for Go is read as that does (%s)", (key, value) => {
    const traceId = `${'0'.repeat(16)}${'c'.padEnd(16, '0')}`;
    const resource = { service: 'shop', attributes: { [key]: value }, spans: [root({ traceId })] };
    expect(sampledOf(resource)?.variates).toEqual({ classes: [7], counts: [1] });
  });

  test.each([
    ['nodejs', 15],
    ['rustc', 15],
    ['CPython', 15],
    ['.NET 8.0', 319],
    ['OpenJDK Runtime Environment', 7],
  ])('of a resource without the name of its SDK is read by its runtime %s', (runtime, variateClass) => {
    const traceId = `${'0'.repeat(16)}4${'0'.repeat(15)}`;
    const attributes = { 'process.runtime.name': runtime };
    const sampled = sampledOf({ service: 'shop', attributes, spans: [root({ traceId })] });
    expect(sampled?.variates.classes).toEqual([variateClass]);
  });

  test('has no variate without a trace id', () => {
    expect(sampledOf(shop('go', root({ traceId: '00'.repeat(16) })))?.variates).toEqual(NO_CLASSES);
  });
});

describe('a root that tells its probability', () => {
  const jaeger = (type: string, param: number) => ({ 'sampler.type': type, 'sampler.param': double(param) });
  const go = (type: string, param: number) => ({
    'jaeger.sampler.type': type,
    'jaeger.sampler.param': double(param),
  });
  const ofSpan = (span: Partial<TestSpan>) => {
    const { tagged, adjusted, adjustedSquares, bounded, variates } =
      sampledOf(shop('go', root(span))) ?? NO_ROOTS;
    return { tagged, adjusted, adjustedSquares, bounded, variates: variates.counts.length };
  };
  const quarter = { tagged: 1, adjusted: 4, adjustedSquares: 16, bounded: 0, variates: 0 };

  test.each([
    ['in its trace state', { traceState: 'x=y,ot=th:c' }],
    ['as Jaeger has it', { attributes: jaeger('probabilistic', 0.25) }],
    ["as OpenTelemetry's sampler for Go has it", { attributes: go('probabilistic', 0.25) }],
    [
      'in its trace state before all else',
      { traceState: 'ot=th:c', attributes: jaeger('probabilistic', 0.5) },
    ],
    [
      'as Jaeger has it before what the one for Go has',
      { attributes: { ...go('probabilistic', 0.5), ...jaeger('probabilistic', 0.25) } },
    ],
  ])('%s stands for 1/p requests', (_, span) => {
    expect(ofSpan(span)).toEqual(quarter);
  });

  test('of 1 stands for itself', () => {
    expect(ofSpan({ traceState: 'ot=th:0' })).toEqual({ ...quarter, adjusted: 1, adjustedSquares: 1 });
  });

  test.each([
    jaeger('lowerbound', 0.25),
    jaeger('ratelimiting', 5),
    jaeger('const', 1),
    go('ratelimiting', 0.1),
    { 'sampler.type': 'lowerbound' },
  ])('is bounded, and not counted for more, where it tells %j', (attributes) => {
    expect(ofSpan({ attributes })).toEqual({
      tagged: 0,
      adjusted: 0,
      adjustedSquares: 0,
      bounded: 1,
      variates: 0,
    });
  });

  test.each([
    { attributes: jaeger('probabilistic', 0) },
    { attributes: jaeger('probabilistic', -1) },
    { attributes: jaeger('probabilistic', 1.5) },
    { attributes: jaeger('probabilistic', Number.NaN) },
    { attributes: go('probabilistic', Number.POSITIVE_INFINITY) },
    { traceState: `ot=th:c;rv:${'4'.padEnd(14, '0')}` },
    { traceState: 'ot=th:xyz' },
    { attributes: { 'sampler.type': 'adaptive', 'sampler.param': double(0.25) } },
  ])('is taken for one that tells nothing where that can not be: %j', (span) => {
    const nothing = { tagged: 0, adjusted: 0, adjustedSquares: 0, bounded: 0, variates: 1 };
    expect(ofSpan(span)).toEqual(nothing);
  });

  test('can claim no more than a million requests', () => {
    const capped = { ...quarter, adjusted: 1e6, adjustedSquares: 1e12 };
    expect(ofSpan({ attributes: jaeger('probabilistic', 1e-300) })).toEqual(capped);
    expect(ofSpan({ traceState: 'ot=th:ffffffffffffff' })).toEqual(capped);
  });
});

test('errors and durations of all roots are counted, four classes of duration to an octave', () => {
  const failed = { code: 2 };
  const sampled = sampledOf(
    shop(
      'php',
      root({ durationNs: 0, status: failed }),
      root({ durationNs: 1 }),
      root({ durationNs: 1_000_000 }),
      root({ durationNs: 1_048_575, status: failed }),
      root({ durationNs: 1_048_576, status: { code: 1 } }),
    ),
  );
  expect(sampled?.errors).toBe(2);
  expect(sampled?.durations).toEqual({ classes: [0, 79, 80], counts: [2, 2, 1] });
  expect([0, 79, 80, 81].map(coarseLowerNs)).toEqual([0, 917_504, 1_048_576, 1_310_720]);
  expect(coarseClassOf(highBitsOf(2 ** 64))).toBe(coarseClassOf(highBitsOf(1.9 * 2 ** 64)) - 3);
});

describe('operations', () => {
  const names = (resources: readonly TestResource[]) =>
    throughputOf(resources).map(({ operation, sampled }) => [operation, sampled.roots]);

  test('whose names hold ids are one, with what Jaeger counts left under the names', () => {
    const jaeger = { 'sampler.type': 'probabilistic', 'sampler.param': double(0.5) };
    const rows = throughputOf([
      shop(
        'go',
        root({ name: 'GET /users/17' }),
        root({ name: 'GET /users/18', attributes: jaeger }),
        root(),
      ),
    ]);
    expect(rows.map(({ operation, count, sampled }) => [operation, count, sampled.roots])).toEqual([
      ['', 0, 2],
      ['GET /', 0, 1],
      ['GET /users/18', 1, 0],
    ]);
  });

  test.each([
    ['http.route', '/api/2015-03-31/functions', 'GET /api/2015-03-31/functions'],
    ['url.template', '/2/{id}', '/2/{id}'],
    ['rpc.method', 'shop.v100.Cart/Add', 'shop.v100.Cart/Add'],
  ])('keep a name that %s vouches for', (key, value, name) => {
    expect(names([shop('go', root({ name, attributes: { [key]: value } }))])).toEqual([[name, 1]]);
  });

  test.each([
    ['GET /users/17', '/users/{id}'],
    ['GET /users/17/', '/'],
    ['17', ''],
    ['7', '/17'],
  ])('of the name %s do not where the route is %j', (name, route) => {
    const [row] = throughputOf([
      shop('go', root({ name: `${name} 999`, attributes: { 'http.route': route } })),
    ]);
    expect(row?.operation).toBe('');
  });

  test('beyond a thousand of a service share one, those with the fewest roots', () => {
    const word = (n: number) => String.fromCharCode(97 + (n % 26), 97 + ((n / 26) % 26), 97 + n / 676);
    const many = Array.from({ length: 1002 }, (_, i) => root({ name: word(i), status: { code: 2 } }));
    const rows = throughputOf([
      shop('go', ...many, root({ name: word(1001) })),
      { service: 'other', spans: [root({ name: 'alone' })] },
    ]);
    const own = rows.filter(({ service }) => service === 'shop');
    expect(own).toHaveLength(1001);
    expect(own[0]).toMatchObject({
      operation: '',
      sampled: { roots: 2, errors: 2, durations: { counts: [2] } },
    });
    const sorted = Array.from({ length: 1001 }, (_, i) => word(i)).sort();
    // Of those with one root each, the last two by name.
    expect(own.map(({ operation }) => operation)).toEqual([
      '',
      ...[...sorted.slice(0, 999), word(1001)].sort(),
    ]);
    expect(rows.filter(({ service }) => service === 'other')).toMatchObject([{ operation: 'alone' }]);
  });

  test('are the same whether their names found room in the dictionary or not', () => {
    const spans = ['GET /users/17', 'b', 'GET /users/18', 'c'].map((name) => root({ name }));
    const small = new Dictionary({ names: 3, services: 3 });
    const large = new Dictionary();
    const rows = [small, large].map((dictionary) =>
      new ThroughputCounter(dictionary, 5).derive(batchOfSpans(dictionary, [shop('go', ...spans)])),
    );
    expect(rows[0]).toEqual(rows[1]);
    expect(rows[0]?.map(({ operation, sampled }) => [operation, sampled.roots])).toEqual([
      ['', 2],
      ['b', 1],
      ['c', 1],
    ]);
  });
});
