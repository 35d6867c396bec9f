import { expect, test } from 'vitest';
import { COMPONENTS } from '../../../src/app/components.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { spanMetricsConfig } from '../../../src/connectors/span-metrics/config.ts';
import { describe } from '../../../src/connectors/span-metrics/describe.ts';

test('nothing has to be given', () => {
  expect(describe(spanMetricsConfig.parse({}))).toEqual({
    namespace: 'traces.span.metrics',
    unit: 'ms',
    bounds: [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000],
    dimensions: [],
    excluded: new Set(),
  });
});

test('bounds are shown in the unit, without traces of its arithmetic', () => {
  const bounds = (unit: string, buckets: string[]) =>
    describe(spanMetricsConfig.parse({ histogram: { unit, explicit: { buckets } } })).bounds;
  expect(bounds('ms', ['100us', '1.1ms', '1.4s'])).toEqual([0.1, 1.1, 1400]);
  expect(bounds('s', ['100us', '1.1ms', '1.4s'])).toEqual([0.0001, 0.0011, 1.4]);
});

test('an explicit histogram without buckets has the default ones', () => {
  expect(describe(spanMetricsConfig.parse({ histogram: { explicit: null } })).bounds).toHaveLength(16);
  expect(describe(spanMetricsConfig.parse({ histogram: { explicit: {} } })).bounds).toHaveLength(16);
});

test('what the collector takes and we treat otherwise is taken', () => {
  const config = {
    metrics_flush_interval: '15s',
    resource_metrics_cache_size: 10,
    resource_metrics_key_attributes: ['service.name'],
    dimensions_cache_size: 10,
    metric_timestamp_cache_size: 0,
    events: { enabled: false, dimensions: [{ name: 'a' }, { name: 'a' }] },
    exemplars: { enabled: false, max_per_data_point: -1 },
  };
  expect(spanMetricsConfig.safeParse(config).success).toBe(true);
});

const DELTA = 'AGGREGATION_TEMPORALITY_DELTA';
const twice = [{ name: 'a' }, { name: 'a' }];

test.each([
  [{ aggregation_temporality: 'delta' }, 'would mean cumulative in the collector'],
  [{ aggregation_temporality: DELTA, metric_timestamp_cache_size: 0 }, 'expected at least 1 where'],
  [{ histogram: { explicit: {}, exponential: {} } }, 'use either explicit or exponential buckets'],
  [{ histogram: { exponential: { max_size: -1 } } }, 'expected number to be >=0'],
  [{ histogram: { unit: 'us' } }, 'expected one of "ms"|"s"'],
  [{ histogram: { dimensions: twice } }, 'duplicate dimension name "a"'],
  [{ histogram: { explicit: { buckets: ['2ms', '2ms'] } } }, 'expected bounds that ascend'],
  [{ exemplars: { enabled: true, max_per_data_point: -1 } }, 'expected at least 0'],
  [{ events: { enabled: true } }, 'events need at least one dimension'],
  [{ events: { enabled: true, dimensions: twice } }, 'duplicate dimension name "a"'],
  [{ calls_dimensions: twice }, 'duplicate dimension name "a"'],
  [{ feature_gates: ['spanmetrics.nonsense'] }, 'expected one of connector.spanmetrics.legacyMetricNames'],
  [{ metrics_expiration: '-5m' }, 'expected a duration that is not negative'],
  [{ series_expiration: '-5m' }, 'expected a duration that is not negative'],
  [{ dimensions: [{ name: 'a', glob: 'a.*' }] }, 'must set only one of name and glob'],
  [{ dimensions: [{ name: '' }] }, 'must set one of name and glob'],
  [{ dimensions: [{}] }, 'must set one of name and glob'],
  [{ dimensions: [{ glob: 'a.*', default: 'x' }] }, 'a default is not possible for the glob "a.*"'],
  [{ dimensions: [{ glob: 'a.[b' }] }, 'invalid glob "a.[b": a [ is not closed'],
  [{ dimensions: [{ name: 'a.b' }, { glob: 'a.*' }] }, '"a.b" conflicting with glob "a.*"'],
  [{ dimensions: [{ glob: '**' }] }, 'duplicate dimension name "service.name" conflicting with glob "**"'],
  [{ dimensions: twice }, 'duplicate dimension name "a"'],
  [{ dimensions: [{ name: 'span.kind' }] }, 'duplicate dimension name "span.kind"'],
  [{ dimensions: [{ name: 'collector.instance.id' }] }, 'duplicate dimension name "collector.instance.id"'],
  [{ metrics_flush_interval: '-1s' }, 'expected a duration that is not negative'],
  [{ aggregation_cardinality_limit: -1 }, 'expected number to be >=0'],
  [{ nonsense: 1 }, 'Unrecognized key'],
])('%o is refused', (config, text) => {
  const { error } = spanMetricsConfig.safeParse(config);
  expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(text)]);
});

test('an error names the line of the configuration, whichever of its names the connector has', () => {
  for (const name of ['span_metrics', 'spanmetrics']) {
    const yaml = [
      'receivers: {nop: }',
      'exporters: {nop: }',
      'connectors:',
      `  ${name}:`,
      '    dimensions:',
      '      - name: http.route',
      '      - glob: http.*',
      'service:',
      '  pipelines:',
      `    traces: {receivers: [nop], exporters: [${name}]}`,
      `    metrics: {receivers: [${name}], exporters: [nop]}`,
    ].join('\n');
    const read = { variables: {}, readFile: () => yaml };
    expect(loadConfig({ configs: ['a.yaml'], sets: [] }, COMPONENTS, read)).toEqual({
      problems: [
        `a.yaml:7:15: connectors.${name}.dimensions[1].glob: duplicate dimension name "http.route" conflicting ` +
          'with glob "http.*"',
      ],
    });
  }
});

const described = (config: object) => describe(spanMetricsConfig.parse(config), 'instance-1');

test('feature gates are told as the collector takes them, and a later one overrules an earlier one', () => {
  const gates = [
    'connector.spanmetrics.legacyMetricNames',
    '+connector.spanmetrics.includeCollectorInstanceID',
    'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
    'spanmetrics.statusCodeConvention.useOtelPrefix',
    'connector.spanmetrics.excludeResourceMetrics',
  ];
  expect(described({ feature_gates: gates })).toMatchObject({
    namespace: '',
    unit: 's',
    collectorInstanceId: 'instance-1',
    otelStatusCode: true,
    withoutResource: true,
  });
  const off = gates.map((gate) => `-${gate.replace('+', '')}`);
  expect(described({ feature_gates: [...gates, ...off] })).toEqual(described({}));
});

test('what is said outright comes before a feature gate', () => {
  const config = {
    feature_gates: [
      'connector.spanmetrics.legacyMetricNames',
      'connector.spanmetrics.includeCollectorInstanceID',
      'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
      'spanmetrics.statusCodeConvention.useOtelPrefix',
      'connector.spanmetrics.excludeResourceMetrics',
    ],
    namespace: 'mine',
    histogram: { unit: 'ms' },
    add_resource_attributes: true,
    exclude_dimensions: ['collector.instance.id', 'otel.status_code'],
  };
  const red = described(config);
  expect([red.namespace, red.unit, red.withoutResource, red.collectorInstanceId]).toEqual([
    'mine',
    'ms',
    undefined,
    undefined,
  ]);
  expect([...red.excluded]).toEqual(['status.code']);
});

test('an exponential histogram has the size that was asked for, within what is possible', () => {
  const size = (exponential: object) => described({ histogram: { exponential } }).exponential?.maxSize;
  expect([size({}), size({ max_size: 0 }), size({ max_size: 10 }), size({ max_size: 1 })]).toEqual([
    160, 160, 10, 2,
  ]);
  expect(described({ histogram: { exponential: {} } }).bounds).toBeUndefined();
  expect(described({ histogram: { exponential: {}, disable: true } }).exponential).toBeUndefined();
});

test('dimensions of one metric are marked as such', () => {
  const red = described({
    dimensions: [{ name: 'a' }, { name: 'b', default: '1' }, { glob: 'x.*' }],
    calls_dimensions: [{ name: 'c' }, { name: 'b', default: '2' }, { glob: 'c.*' }],
    histogram: { dimensions: [{ name: 'd' }, { name: 'a' }, { glob: 'd.*' }, { name: 'x.named' }] },
    events: { enabled: true, dimensions: [{ name: 'e' }, { name: 'a' }] },
    include_instrumentation_scope: ['express'],
    enable_metrics_sampling_method: true,
  });
  const scope = ['span.instrumentation.scope.name', 'span.instrumentation.scope.version', 'sampling.method'];
  expect(red.dimensions).toEqual(['a', 'b', 'c', 'b', 'd', 'x.named', ...scope]);
  expect([...(red.onlyCalls ?? [])]).toEqual([1, 2]);
  expect([...(red.onlyDuration ?? [])]).toEqual([3, 4, 5]);
  expect(red.eventDimensions).toEqual(['a', 'b', 'e', ...scope]);
  const shown = (name: string) => [red.showsExtra?.('calls', name), red.showsExtra?.('duration', name)];
  expect(['x.y', 'c.y', 'd.y', 'x.named'].map(shown)).toEqual([
    [true, true],
    [true, false],
    [false, true],
    [true, false],
  ]);
});

test('what an exporter has to know of time is handed on', () => {
  const red = described({
    exemplars: { enabled: true },
    metrics_flush_interval: '15s',
    metrics_expiration: '5m',
    series_expiration: '1m',
    aggregation_temporality: DELTA,
  });
  expect(red).toMatchObject({
    exemplars: { maxPerDataPoint: 5, windowMs: 15_000 },
    expiration: { resourceMs: 300_000, seriesMs: 60_000 },
    isDelta: true,
  });
});
