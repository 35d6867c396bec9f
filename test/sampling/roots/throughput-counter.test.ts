import { describe, expect, test } from 'vitest';
import { ThroughputCounter } from '../../../src/sampling/roots/throughput-counter.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { double, type TestSpan } from '../../support/spans.ts';
import { batchOfSpans, jaegerThroughputOf } from '../batch-of-spans.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OTHER_TRACE = '0af7651916cd43dd8448eb211c80319c';
const SECOND = 1_000_000_000n;
const START = 1_700_000_000n;

function root(overrides: Partial<TestSpan> = {}): TestSpan {
  return {
    name: 'GET /',
    traceId: TRACE,
    startNs: START * SECOND,
    attributes: { 'sampler.type': 'probabilistic', 'sampler.param': double(0.25) },
    ...overrides,
  };
}

/** The rows of these spans of the service shop. */
function rows(...spans: TestSpan[]) {
  return jaegerThroughputOf([{ service: 'shop', spans }]);
}

const ONE = {
  windowS: 1_700_000_000,
  service: 'shop',
  operation: 'GET /',
  count: 1,
  probabilities: ['0.250000'],
};

test('a sampled root span counts once', () => {
  expect(rows(root())).toEqual([ONE]);
});

test('spans of one operation and window are one row', () => {
  const half = { 'sampler.type': 'probabilistic', 'sampler.param': double(0.5) };
  expect(rows(root(), root({ attributes: half }), root())).toEqual([
    { ...ONE, count: 3, probabilities: ['0.250000', '0.500000'] },
  ]);
});

test('the window is that of the end of the span', () => {
  const span = root({ startNs: (START + 4n) * SECOND, durationNs: 1_000_000_000 });
  expect(rows(span)).toEqual([{ ...ONE, windowS: 1_700_000_005 }]);
});

test('a span whose times are absurd is counted at its repaired start', () => {
  const span = root({ startNs: 1n, endNs: 2n ** 63n });
  expect(rows(span)).toEqual([ONE]);
});

test('rows are sorted by window, service and operation', () => {
  const made = jaegerThroughputOf([
    { service: 'b', spans: [root({ name: 'y' }), root({ name: 'x' })] },
    { service: 'a', spans: [root({ name: 'z', startNs: (START + 10n) * SECOND }), root({ name: 'z' })] },
  ]);
  expect(
    made.map(({ windowS, service, operation }) => [windowS - 1_700_000_000, service, operation]),
  ).toEqual([
    [0, 'a', 'z'],
    [0, 'b', 'x'],
    [0, 'b', 'y'],
    [10, 'a', 'z'],
  ]);
});

describe('a span is no root', () => {
  test('when it has a parent', () => {
    expect(rows(root({ parentSpanId: '00000000000000bb' }))).toEqual([]);
  });

  test('when it is linked to its own trace', () => {
    const links = [
      { traceId: OTHER_TRACE, spanId: '00000000000000bb' },
      { traceId: TRACE, spanId: '00000000000000cc' },
    ];
    expect(rows(root({ links }))).toEqual([]);
  });

  test('but is one when it is linked to another trace, or to no span at all', () => {
    const links = [
      { traceId: OTHER_TRACE, spanId: '00000000000000bb' },
      { traceId: TRACE, spanId: '0000000000000000' },
    ];
    expect(rows(root({ links }))).toEqual([ONE]);
  });

  test('but is one when its parent id is all zero', () => {
    expect(rows(root({ parentSpanId: '0000000000000000' }))).toEqual([ONE]);
  });
});

describe('service and operation', () => {
  test('a resource without service.name has the name that Jaeger gives it', () => {
    expect(jaegerThroughputOf([{ attributes: { host: 'h' }, spans: [root()] }])).toEqual([
      { ...ONE, service: 'OTLPResourceNoServiceName' },
    ]);
  });

  test('an empty service.name is ignored', () => {
    expect(jaegerThroughputOf([{ service: '', spans: [root()] }])).toEqual([]);
  });

  test('words beyond the dictionary are counted under their own names', () => {
    const dictionary = new Dictionary({ names: 3, services: 3 });
    const batch = batchOfSpans(dictionary, [
      { service: 'a', spans: [root({ name: 'x' })] },
      { service: 'b', spans: [root({ name: 'y' }), root({ name: 'x' }), root({ name: 'y' })] },
    ]);
    const made = new ThroughputCounter(dictionary, 5).derive(batch);
    expect(made.map(({ service, operation, count }) => [service, operation, count])).toEqual([
      ['a', 'x', 1],
      ['b', 'x', 1],
      ['b', 'y', 2],
    ]);
  });
});

describe('sampler tags', () => {
  const tagged = (type: unknown, param: unknown) =>
    rows(root({ attributes: { 'sampler.type': type, 'sampler.param': param } as never }));

  test.each(['lowerbound', 'ratelimiting', 'const'])('%s is noted with its param and not counted', (type) => {
    expect(tagged(type, double(0.25))).toEqual([{ ...ONE, count: 0 }]);
  });

  test.each(['remote', 'adaptive', 'unrecognized', '', 'Probabilistic'])('%s is ignored', (type) => {
    expect(tagged(type, double(0.25))).toEqual([]);
  });

  test('a type that is no string is ignored', () => {
    expect(tagged(1, double(0.25))).toEqual([]);
  });

  test.each([
    [1, '1.000000'],
    [-1n, '-1.000000'],
    ['0x1p-2', '0.250000'],
    ['2_5e-2', '0.250000'],
    ['inf', '+Inf'],
    ['nan', 'NaN'],
    [Buffer.from([0x10]), '10.000000'],
  ])('the param %s is read as %s', (param, text) => {
    expect(tagged('probabilistic', param)).toEqual([{ ...ONE, probabilities: [text] }]);
  });

  test.each(['', ' 0.25', 'much', true, null, [0.25]])('the param %j makes the span be ignored', (param) => {
    expect(tagged('probabilistic', param)).toEqual([]);
  });

  test('of a key that comes twice the first counts', () => {
    const attributes = [
      ['sampler.type', 'const'],
      ['sampler.type', 'probabilistic'],
      ['sampler.param', double(0.25)],
      ['sampler.param', double(0.5)],
    ] as const;
    expect(rows(root({ attributes }))).toEqual([{ ...ONE, count: 0 }]);
  });

  test('at most ten probabilities are kept', () => {
    const spans = Array.from({ length: 30 }, (_, i) =>
      root({ attributes: { 'sampler.type': 'probabilistic', 'sampler.param': double((i % 15) / 100) } }),
    );
    const [row] = rows(...spans);
    expect(row?.count).toBe(30);
    expect(row?.probabilities).toHaveLength(10);
  });
});

test('the tally says what the roots told', () => {
  const dictionary = new Dictionary();
  const counter = new ThroughputCounter(dictionary, 5);
  const noted = { 'sampler.type': 'const', 'sampler.param': 1 };
  const spans = [
    root(),
    root({ attributes: noted }),
    root({ attributes: {} }),
    root({ parentSpanId: 'aa'.repeat(8) }),
  ];
  counter.derive(
    batchOfSpans(dictionary, [
      { service: 'shop', spans },
      { service: 'go', attributes: { 'telemetry.sdk.language': 'go' }, spans: [root({ attributes: {} })] },
    ]),
  );
  expect(counter.tally).toEqual({ tagged: 1, bounded: 1, untold: 1, unknownSdk: 1 });
});
