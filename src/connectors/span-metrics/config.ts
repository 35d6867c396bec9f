import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { DEFAULT_DIMENSIONS } from '../../red/red-description.ts';

/** An option whose use is refused with a text, unless what is written leaves it switched off. */
function notYet<S extends z.ZodType>(schema: S, isOff: (value: z.output<S>) => boolean, what: string) {
  return schema.refine(isOff, { error: `${what} is not supported yet; leave it out` });
}

const dimension = z
  .strictObject({
    name: z.string().min(1).optional().describe('key of a span or resource attribute'),
    default: z.string().optional().describe('value where neither has it; without one the label is left out'),
    glob: notYet(
      z.string().optional(),
      (glob) => glob === undefined,
      'a dimension by glob (name the attributes one by one instead)',
    ).describe('pattern of attribute keys'),
  })
  .refine(({ name, glob }) => name !== undefined || glob !== undefined, {
    error: 'a dimension needs a name',
  });

const dimensions = z
  .array(dimension)
  .default([])
  .superRefine((list, context) => {
    const reserved = new Set<string>([...DEFAULT_DIMENSIONS, 'collector.instance.id']);
    list.forEach(({ name }, i) => {
      if (name === undefined) return;
      if (reserved.has(name)) {
        context.addIssue({
          code: 'custom',
          message: `duplicate dimension name "${name}"`,
          path: [i, 'name'],
        });
      }
      reserved.add(name);
    });
  });

const isEmpty = (list: readonly unknown[] | undefined): boolean => list === undefined || list.length === 0;

const histogram = z.strictObject({
  disable: z.boolean().default(false).describe('no duration metric'),
  unit: z.enum(['ms', 's']).default('ms').describe('unit of the duration metric'),
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
    .describe('a histogram with fixed bounds; the only kind that there is yet'),
  exponential: notYet(
    z.unknown(),
    (value) => value === undefined,
    'histogram.exponential in the metrics (ClickHouse always gets exponential histograms)',
  )
    .optional()
    .describe('an exponential histogram instead'),
  dimensions: notYet(z.array(z.unknown()).optional(), isEmpty, 'histogram.dimensions').describe(
    'dimensions of the duration metric alone',
  ),
});

const CUMULATIVE = 'AGGREGATION_TEMPORALITY_CUMULATIVE';

export const spanMetricsConfig = z.strictObject({
  namespace: z
    .string()
    .default('traces.span.metrics')
    .describe('stands in front of the metric names, with a dot; may be empty'),
  dimensions: dimensions.describe(
    'attributes that become labels besides service.name, span.name, span.kind and status.code',
  ),
  exclude_dimensions: z
    .array(z.string())
    .default([])
    .describe('default dimensions to leave out; others are ignored'),
  histogram: histogram.prefault({}).describe('the duration metric'),
  aggregation_temporality: z
    .literal(CUMULATIVE, {
      error: `expected ${CUMULATIVE}: delta metrics are not supported yet, and any other text would mean cumulative in the collector`,
    })
    .default(CUMULATIVE)
    .describe('whether counters count from the start or from the last flush'),
  aggregation_cardinality_limit: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'series with labels of their own, per ingest thread; 0 = 1,000,000. What comes later is counted in series ' +
        'named otel.metric.overflow that keep service, kind and status, so that totals stay exact',
    ),
  metrics_flush_interval: duration('60s')
    .refine((ms) => ms >= 0, { error: 'expected a duration that is not negative' })
    .describe('how often metrics are handed on')
    .meta({ instead: 'metrics are always current: a block of spans shows as soon as it is committed' }),
  metrics_expiration: notYet(duration('0s'), (ms) => ms === 0, 'metrics_expiration').describe(
    'forget resources that were not seen for so long; 0 = never',
  ),
  series_expiration: notYet(duration('0s'), (ms) => ms === 0, 'series_expiration').describe(
    'forget series that were not seen for so long; 0 = never',
  ),
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
    .min(1)
    .default(1000)
    .describe('timestamps remembered for delta metrics')
    .meta({ instead: 'not needed: only delta metrics would use it' }),
  add_resource_attributes: z
    .boolean()
    .default(false)
    .describe('keep resource attributes even where a feature gate of the collector removes them')
    .meta({ instead: 'not needed: there is no such gate; target_info always shows them' }),
  calls_dimensions: notYet(z.array(z.unknown()).optional(), isEmpty, 'calls_dimensions').describe(
    'dimensions of the calls metric alone',
  ),
  exemplars: notYet(
    z
      .strictObject({
        enabled: z.boolean().default(false).describe('keep some'),
        max_per_data_point: z.int().default(5).describe('most of them for one value'),
      })
      .optional(),
    (value) => value?.enabled !== true,
    'exemplars',
  ).describe('trace ids beside the metrics'),
  events: notYet(
    z
      .strictObject({
        enabled: z.boolean().default(false).describe('count them'),
        dimensions: z.array(z.unknown()).default([]).describe('attributes of events that become labels'),
      })
      .optional(),
    (value) => value?.enabled !== true,
    'events',
  ).describe('a metric that counts span events'),
  include_instrumentation_scope: notYet(
    z.array(z.string()).optional(),
    isEmpty,
    'include_instrumentation_scope',
  ).describe('instrumentation scopes that become labels'),
  enable_metrics_sampling_method: notYet(
    z.boolean().default(false),
    (value) => !value,
    'enable_metrics_sampling_method',
  ).describe('a label that tells extrapolated from counted spans'),
});

export type SpanMetricsConfig = z.output<typeof spanMetricsConfig>;
