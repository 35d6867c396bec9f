import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { cardinality } from './cardinality.ts';
import { checkDimensions, dimensionList, dimensions } from './dimension-options.ts';
import { featureGates } from './feature-gates.ts';

const notNegative = 'expected a duration that is not negative';

const histogram = z
  .strictObject({
    disable: z.boolean().default(false).describe('no duration metric'),
    unit: z
      .enum(['ms', 's'])
      .optional()
      .describe('unit of the duration metric (default ms; with the feature gate of that name s)'),
    explicit: z
      .strictObject({
        buckets: z
          .array(duration())
          .min(1)
          .refine((list) => list.every((bound, i) => i === 0 || (list[i - 1] as number) < bound), {
            error: 'expected bounds that ascend',
          })
          .optional()
          .describe(
            'upper bounds (default 2ms 4ms 6ms 8ms 10ms 50ms 100ms 200ms 400ms 800ms 1s 1.4s 2s 5s 10s 15s)',
          ),
      })
      .nullable()
      .optional()
      .describe('a histogram with fixed bounds, which is what there is when neither kind is asked for'),
    exponential: z
      .strictObject({
        max_size: z
          .int()
          .min(0)
          .default(160)
          .describe('most buckets of a series; beyond that neighbours are joined'),
      })
      .nullable()
      .optional()
      .describe('a native histogram instead: Prometheus takes it by its protobuf format alone'),
    dimensions: dimensions.describe('dimensions of the duration metric alone, besides the common ones'),
  })
  .superRefine(({ explicit, exponential }, context) => {
    if (!explicit || !exponential) return;
    const message = 'use either explicit or exponential buckets';
    context.addIssue({ code: 'custom', message, path: ['exponential'] });
  });

const exemplars = z
  .strictObject({
    enabled: z.boolean().default(false).describe('keep some'),
    max_per_data_point: z
      .int()
      .default(5)
      .describe('most of them for one value between two flushes; the first ones are kept'),
  })
  .refine(({ enabled, max_per_data_point: max }) => !enabled || max >= 0, {
    error: 'expected at least 0',
    path: ['max_per_data_point'],
  });

const events = z
  .strictObject({
    enabled: z.boolean().default(false).describe('count them'),
    dimensions: dimensionList.describe(
      'attributes that become labels of the events metric besides the common ones; looked for in the span, the ' +
        'event and the resource, in this order',
    ),
  })
  .superRefine(({ enabled, dimensions: list }, context) => {
    if (!enabled) return;
    if (list.length > 0) checkDimensions(list, context, 'dimensions');
    else {
      const message = 'events need at least one dimension';
      context.addIssue({ code: 'custom', message, path: ['dimensions'] });
    }
  });

const CUMULATIVE = 'AGGREGATION_TEMPORALITY_CUMULATIVE';
const DELTA = 'AGGREGATION_TEMPORALITY_DELTA';

export const spanMetricsConfig = z
  .strictObject({
    namespace: z
      .string()
      .default('traces.span.metrics')
      .describe('stands in front of the metric names, with a dot; may be empty'),
    dimensions: dimensions.describe(
      'attributes that become labels besides service.name, span.name, span.kind and status.code',
    ),
    calls_dimensions: dimensions.describe('dimensions of the calls metric alone, besides the common ones'),
    exclude_dimensions: z
      .array(z.string())
      .default([])
      .describe('default dimensions to leave out; others are ignored'),
    histogram: histogram.prefault({}).describe('the duration metric'),
    exemplars: exemplars.prefault({}).describe('trace ids beside the metrics; shown in OpenMetrics'),
    events: events.prefault({}).describe('a metric that counts span events'),
    include_instrumentation_scope: z
      .array(z.string())
      .default([])
      .describe(
        'names of instrumentation scopes to be told: as labels span.instrumentation.scope.name and .version',
      ),
    enable_metrics_sampling_method: z
      .boolean()
      .default(false)
      .describe(
        'a label sampling.method: extrapolated where a span tells its sampling probability, else counted',
      ),
    feature_gates: featureGates,
    aggregation_temporality: z
      .enum([CUMULATIVE, DELTA], {
        error: `expected ${CUMULATIVE} or ${DELTA}: any other text would mean cumulative in the collector, without a word`,
      })
      .default(CUMULATIVE)
      .describe(
        'whether metrics are handed on whole or as what was added. ClickHouse always stores what was added, and ' +
          '/metrics always shows totals, as those of the collector do; with delta the metric_expiration of the ' +
          'prometheus exporter applies to every series by itself',
      ),
    aggregation_cardinality_limit: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'series with labels of their own, per ingest thread; 0 = 1,000,000. What comes later is counted in series ' +
          'named otel.metric.overflow that keep service, kind and status, so that totals stay exact',
      ),
    cardinality,
    span_names: z
      .enum(['as_is', 'dry_run', 'templates'])
      .default('as_is')
      .describe(
        'templates: ids, UUIDs, numbers, addresses in span names become {id}, {email} or {ip}, in metrics only; ' +
          'dry_run: names stay, and spanweir_span_metrics_templated_series_demand tells how many series there would be',
      ),
    metrics_flush_interval: duration('60s')
      .refine((ms) => ms >= 0, { error: notNegative })
      .describe('how long an exemplar stays')
      .meta({
        instead:
          'metrics are always current: a block of spans shows as soon as it is committed; only exemplars are cleared that often',
      }),
    metrics_expiration: duration('0s')
      .refine((ms) => ms >= 0, { error: notNegative })
      .describe('forget the series of a resource that had no span for so long; 0 = never'),
    series_expiration: duration('0s')
      .refine((ms) => ms >= 0, { error: notNegative })
      .describe('forget series that had no span for so long; 0 = never'),
    add_resource_attributes: z
      .boolean()
      .default(false)
      .describe('show the resource even with the feature gate connector.spanmetrics.excludeResourceMetrics'),
    resource_metrics_cache_size: z
      .int()
      .min(1)
      .default(1000)
      .describe('resources remembered; the collector resets the counters of those that it forgets')
      .meta({ instead: 'not needed: counters are kept per series and never reset by other resources' }),
    resource_metrics_key_attributes: z
      .array(z.string())
      .default([])
      .describe('resource attributes that tell resources apart')
      .meta({
        instead:
          'not needed: resources are told apart by service.name, service.namespace and service.instance.id',
      }),
    dimensions_cache_size: z
      .int()
      .default(1000)
      .describe('ignored by the collector, too')
      .meta({ instead: 'not needed: there is no such cache; see aggregation_cardinality_limit' }),
    metric_timestamp_cache_size: z
      .int()
      .default(1000)
      .describe('timestamps remembered for delta metrics')
      .meta({ instead: 'not needed: nothing that is forgotten resets a series' }),
  })
  .superRefine((config, context) => {
    if (config.aggregation_temporality !== DELTA || config.metric_timestamp_cache_size > 0) return;
    const message = 'expected at least 1 where aggregation_temporality is delta';
    context.addIssue({ code: 'custom', message, path: ['metric_timestamp_cache_size'] });
  });

export type SpanMetricsConfig = z.output<typeof spanMetricsConfig>;
