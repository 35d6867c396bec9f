import { expect, test } from 'vitest';
import { describe } from '../../../src/connectors/span-metrics/component.ts';
import { spanMetricsConfig } from '../../../src/connectors/span-metrics/config.ts';

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
    metric_timestamp_cache_size: 10,
    add_resource_attributes: true,
    metrics_expiration: '0s',
    exemplars: { enabled: false },
    events: { enabled: false },
    calls_dimensions: [],
  };
  expect(spanMetricsConfig.safeParse(config).success).toBe(true);
});

test.each([
  [{ aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA' }, 'delta metrics are not supported yet'],
  [{ aggregation_temporality: 'delta' }, 'would mean cumulative in the collector'],
  [{ histogram: { exponential: {} } }, 'histogram.exponential in the metrics'],
  [{ histogram: { exponential: null } }, 'histogram.exponential in the metrics'],
  [{ histogram: { dimensions: [{ name: 'a' }] } }, 'histogram.dimensions is not supported yet'],
  [{ histogram: { explicit: { buckets: ['2ms', '2ms'] } } }, 'expected bounds that ascend'],
  [{ exemplars: { enabled: true } }, 'exemplars is not supported yet'],
  [{ events: { enabled: true, dimensions: [{ name: 'a' }] } }, 'events is not supported yet'],
  [{ calls_dimensions: [{ name: 'a' }] }, 'calls_dimensions is not supported yet'],
  [{ include_instrumentation_scope: ['express'] }, 'include_instrumentation_scope is not supported yet'],
  [{ enable_metrics_sampling_method: true }, 'enable_metrics_sampling_method is not supported yet'],
  [{ metrics_expiration: '5m' }, 'metrics_expiration is not supported yet'],
  [{ series_expiration: '5m' }, 'series_expiration is not supported yet'],
  [{ dimensions: [{ glob: 'a.*' }] }, 'a dimension by glob'],
  [{ dimensions: [{}] }, 'a dimension needs a name'],
  [{ dimensions: [{ name: 'a' }, { name: 'a' }] }, 'duplicate dimension name "a"'],
  [{ dimensions: [{ name: 'span.kind' }] }, 'duplicate dimension name "span.kind"'],
  [{ metrics_flush_interval: '-1s' }, 'expected a duration that is not negative'],
  [{ aggregation_cardinality_limit: -1 }, 'expected number to be >=0'],
  [{ nonsense: 1 }, 'Unrecognized key'],
])('%o is refused', (config, text) => {
  const { error } = spanMetricsConfig.safeParse(config);
  expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(text)]);
});
