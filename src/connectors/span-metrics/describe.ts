import {
  DEFAULT_DIMENSIONS,
  type DefaultDimension,
  type DurationUnit,
  NS_PER_UNIT,
  type RedDescription,
} from '../../red/red-description.ts';
import { DEFAULT_BUCKETS_MS } from '../../sketch/explicit-buckets.ts';
import type { SpanMetricsConfig } from './config.ts';
import { COLLECTOR_INSTANCE_ID } from './dimension-options.ts';
import { type DimensionPlan, type EventPlan, planDimensions, planEventDimensions } from './dimension-plan.ts';

const DEFAULT_NAMESPACE = 'traces.span.metrics';
/** As those of the collector's histogram. */
const DEFAULT_MAX_SIZE = 160;
const MAX_SIZE = { least: 2, most: 16_384 };

/**
 * What the metrics of a connector with this configuration are called and how they are cut.
 * @param instanceId of this process, new at every start
 */
export function describe(config: SpanMetricsConfig, instanceId = ''): RedDescription {
  const { feature_gates: gates } = config;
  const unit = unitOf(config);
  const plan = dimensionPlan(config);
  const events = eventPlan(config);
  const {
    exclude_dimensions: excluded,
    metrics_expiration: resourceMs,
    series_expiration: seriesMs,
  } = config;
  const hasInstanceId =
    gates.includes('connector.spanmetrics.includeCollectorInstanceID') &&
    !excluded.includes(COLLECTOR_INSTANCE_ID);
  const isResourceHidden =
    gates.includes('connector.spanmetrics.excludeResourceMetrics') && !config.add_resource_attributes;
  return {
    namespace: namespaceOf(config),
    unit,
    bounds: boundsNs(config)?.map((ns) => ns / NS_PER_UNIT[unit]),
    ...exponentialOf(config),
    dimensions: plan.names,
    ...(plan.onlyCalls.size > 0 ? { onlyCalls: plan.onlyCalls } : {}),
    ...(plan.onlyDuration.size > 0 ? { onlyDuration: plan.onlyDuration } : {}),
    ...(plan.showsExtra === undefined ? {} : { showsExtra: plan.showsExtra }),
    ...(events === undefined ? {} : { eventDimensions: events.names }),
    excluded: excludedOf(config),
    ...exemplarsOf(config),
    ...(resourceMs + seriesMs > 0
      ? {
          expiration: {
            ...(resourceMs > 0 ? { resourceMs } : {}),
            ...(seriesMs > 0 ? { seriesMs } : {}),
          },
        }
      : {}),
    ...(config.aggregation_temporality === 'AGGREGATION_TEMPORALITY_DELTA' ? { isDelta: true } : {}),
    ...(usesOtelPrefix(config) ? { otelStatusCode: true } : {}),
    ...(isResourceHidden ? { withoutResource: true } : {}),
    ...(hasInstanceId ? { collectorInstanceId: instanceId } : {}),
  };
}

/** Bounds of the explicit histogram; undefined when there is none. */
export function boundsNs({ histogram }: SpanMetricsConfig): number[] | undefined {
  if (histogram.disable || histogram.exponential) return undefined;
  return (histogram.explicit?.buckets ?? DEFAULT_BUCKETS_MS).map((ms) => Math.round(ms * NS_PER_UNIT.ms));
}

/** Default dimensions by which spans are not told apart. */
export function excludedOf(config: SpanMetricsConfig): ReadonlySet<DefaultDimension> {
  const names = new Set(config.exclude_dimensions);
  const statusCode = usesOtelPrefix(config) ? 'otel.status_code' : 'status.code';
  return new Set(DEFAULT_DIMENSIONS.filter((one) => names.has(one === 'status.code' ? statusCode : one)));
}

export function dimensionPlan(config: SpanMetricsConfig): DimensionPlan {
  return planDimensions({
    both: config.dimensions,
    calls: config.calls_dimensions,
    duration: config.histogram.disable ? [] : config.histogram.dimensions,
    scopes: config.include_instrumentation_scope,
    samplingMethod: config.enable_metrics_sampling_method,
  });
}

/** Undefined where events are not counted. */
export function eventPlan(config: SpanMetricsConfig): EventPlan | undefined {
  if (!config.events.enabled) return undefined;
  const common = {
    both: config.dimensions,
    scopes: config.include_instrumentation_scope,
    samplingMethod: config.enable_metrics_sampling_method,
  };
  return planEventDimensions(common, config.events.dimensions);
}

function unitOf({ histogram, feature_gates: gates }: SpanMetricsConfig): DurationUnit {
  return (
    histogram.unit ?? (gates.includes('connector.spanmetrics.useSecondAsDefaultMetricsUnit') ? 's' : 'ms')
  );
}

function namespaceOf({ namespace, feature_gates: gates }: SpanMetricsConfig): string {
  const isLegacy = gates.includes('connector.spanmetrics.legacyMetricNames');
  return isLegacy && namespace === DEFAULT_NAMESPACE ? '' : namespace;
}

function usesOtelPrefix({ feature_gates: gates }: SpanMetricsConfig): boolean {
  return gates.includes('spanmetrics.statusCodeConvention.useOtelPrefix');
}

function exponentialOf({ histogram }: SpanMetricsConfig): Pick<RedDescription, 'exponential'> {
  if (histogram.disable || !histogram.exponential) return {};
  const size = histogram.exponential.max_size || DEFAULT_MAX_SIZE;
  return { exponential: { maxSize: Math.min(Math.max(size, MAX_SIZE.least), MAX_SIZE.most) } };
}

function exemplarsOf({ exemplars, metrics_flush_interval: windowMs }: SpanMetricsConfig) {
  if (!exemplars.enabled) return {};
  return { exemplars: { maxPerDataPoint: exemplars.max_per_data_point, windowMs } };
}
