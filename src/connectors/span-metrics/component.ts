import type { Component } from '../../base/component.ts';
import type { ConnectorType, ConnectorWants } from '../../flow/component-type.ts';
import type { LaneContext, RedConnector } from '../../flow/lane.ts';
import { DEFAULT_SERIES_LIMIT, RedAggregator } from '../../red/red-aggregator.ts';
import {
  DEFAULT_DIMENSIONS,
  type DefaultDimension,
  NS_PER_UNIT,
  type RedDescribed,
  type RedDescription,
} from '../../red/red-description.ts';
import { type SpanMetricsConfig, spanMetricsConfig } from './config.ts';

const DEFAULT_BUCKETS_MS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];

export const spanMetricsConnector: ConnectorType<SpanMetricsConfig> = {
  kind: 'connector',
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  description: 'Calls and durations per service, span name, kind and status (RED metrics).',
  config: spanMetricsConfig,
  createLane,
  createMain: (config, { id }): Component & RedDescribed => ({
    id,
    red: describe(config),
    start: async () => {},
    stop: async () => {},
  }),
};

/** What the metrics of a connector with this configuration are called and how they are cut. */
export function describe(config: SpanMetricsConfig): RedDescription {
  const excluded = new Set(config.exclude_dimensions);
  return {
    namespace: config.namespace,
    unit: config.histogram.unit,
    bounds: boundsNs(config)?.map((ns) => ns / NS_PER_UNIT[config.histogram.unit]),
    dimensions: config.dimensions.map(({ name }) => name ?? ''),
    excluded: new Set<DefaultDimension>(DEFAULT_DIMENSIONS.filter((name) => excluded.has(name))),
  };
}

function boundsNs({ histogram }: SpanMetricsConfig): number[] | undefined {
  if (histogram.disable) return undefined;
  return (histogram.explicit?.buckets ?? DEFAULT_BUCKETS_MS).map((ms) => Math.round(ms * NS_PER_UNIT.ms));
}

function createLane(config: SpanMetricsConfig, context: LaneContext, wants: ConnectorWants): RedConnector {
  const { bounds, dimensions, excluded } = describe(config);
  const aggregator = new RedAggregator(context.dictionary, {
    boundsNs: boundsNs(config),
    dimensions: config.dimensions.map(({ name, default: value }) => ({ name: name ?? '', default: value })),
    excluded,
    seriesLimit: config.aggregation_cardinality_limit || DEFAULT_SERIES_LIMIT,
    histograms: wants.histograms,
  });
  const labels = { connector: context.id };
  const skipped = context.instruments.counter('spanweir_span_metrics_no_service_total', labels);
  const overflowed = context.instruments.counter('spanweir_span_metrics_overflow_total', labels);
  return {
    series: aggregator.series,
    bounds: bounds ?? [],
    dimensions,
    derive(batch) {
      const { skippedNoService, overflowedSpans } = aggregator;
      const rows = aggregator.aggregate(batch);
      skipped.add(aggregator.skippedNoService - skippedNoService);
      overflowed.add(aggregator.overflowedSpans - overflowedSpans);
      return rows;
    },
  };
}
