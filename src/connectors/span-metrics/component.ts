import { randomUUID } from 'node:crypto';
import type { Component } from '../../base/component.ts';
import type { ConnectorType, ConnectorWants } from '../../flow/component-type.ts';
import type { LaneContext, RedConnector } from '../../flow/lane.ts';
import type { BlockLimits, FoldedLabel } from '../../red/block-guard.ts';
import { Culprits } from '../../red/culprits.ts';
import { EventCounter } from '../../red/event-counter.ts';
import { ExemplarPicker } from '../../red/exemplar-picker.ts';
import { DEFAULT_SERIES_LIMIT, RedAggregator, seriesMask } from '../../red/red-aggregator.ts';
import type { RedDescribed } from '../../red/red-description.ts';
import type { RedRows } from '../../red/red-rows.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { type SpanMetricsConfig, spanMetricsConfig } from './config.ts';
import { boundsNs, describe, dimensionPlan, eventPlan, excludedOf } from './describe.ts';

export const spanMetricsConnector: ConnectorType<SpanMetricsConfig> = {
  kind: 'connector',
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  description: 'Calls and durations per service, span name, kind and status (RED metrics).',
  config: spanMetricsConfig,
  createLane,
  createMain: (config, { id }): Component & RedDescribed => ({
    id,
    red: describe(config, INSTANCE_ID),
    start: async () => {},
    stop: async () => {},
  }),
};

/** Of this process, as the collector has one. */
const INSTANCE_ID = randomUUID();

function createLane(config: SpanMetricsConfig, context: LaneContext, wants: ConnectorWants): RedConnector {
  const { bounds, dimensions: names, exponential } = describe(config);
  const { dimensions, globs } = dimensionPlan(config);
  const { exemplars } = config;
  const monotonicMs = (): number => context.clock.monotonicMs();
  const aggregator = new RedAggregator(context.dictionary, {
    ...labelsOf(config),
    dimensions,
    globs,
    boundsNs: boundsNs(config),
    excluded: excludedOf(config),
    seriesLimit: seriesLimit(config),
    seriesPerService: config.cardinality.series_per_service || seriesLimit(config),
    blockLimits: blockLimits(config),
    dimensionNames: names,
    spanNames: config.span_names,
    histograms: wants.histograms || exponential !== undefined,
    rowOfSpan: exemplars.enabled,
    monotonicMs,
  });
  const picker = exemplars.enabled
    ? new ExemplarPicker(exemplars.max_per_data_point, aggregator.series)
    : undefined;
  const events = eventCounter(config, context.dictionary, monotonicMs);
  const labels = { connector: context.id };
  const skipped = context.instruments.counter('spanweir_span_metrics_no_service_total', labels);
  const overflowed = context.instruments.counter('spanweir_span_metrics_overflow_total', labels);
  const demand = context.instruments.gauge('spanweir_span_metrics_series_demand', labels);
  const templated =
    config.span_names === 'dry_run'
      ? context.instruments.gauge('spanweir_span_metrics_templated_series_demand', labels)
      : undefined;
  const tell = culpritTeller(context);
  return {
    series: aggregator.series,
    eventSeries: events?.series,
    bounds: bounds ?? [],
    dimensions: names,
    derive(batch) {
      const { skippedNoService, overflowedSpans } = aggregator;
      const rows = aggregator.aggregate(batch);
      skipped.add(aggregator.skippedNoService - skippedNoService);
      overflowed.add(aggregator.overflowedSpans - overflowedSpans);
      demand.set(aggregator.demand.series());
      if (aggregator.templatedDemand !== undefined) templated?.set(aggregator.templatedDemand.series());
      if (aggregator.folded.length > 0) tell(aggregator.folded);
      return withMore(rows, batch);
    },
  };

  function withMore(rows: RedRows, batch: SpanBatch): RedRows {
    const { rowOfSpan } = aggregator;
    const picked = rowOfSpan && picker?.pick(batch, rows, rowOfSpan);
    return {
      ...rows,
      ...(picked === undefined ? {} : { exemplars: picked }),
      ...(events === undefined ? {} : { events: events.count(batch) }),
    };
  }
}

/** Names who has too many values of a label: always in a metric, and in the log once. */
function culpritTeller({ id, instruments, log }: LaneContext): (folded: readonly FoldedLabel[]) => void {
  const culprits = new Culprits();
  return (folded) => {
    for (const { isNew, label, service, spans } of culprits.note(folded)) {
      const name = 'spanweir_span_metrics_folded_spans_total';
      instruments.counter(name, { connector: id, service, label }).add(spans);
      if (!isNew) continue;
      log.warn(
        { connector: id, service, label, spans },
        'a label has too many values: rare ones are counted together',
      );
    }
  };
}

function labelsOf(config: SpanMetricsConfig): { scopes: readonly string[]; samplingMethod: boolean } {
  return {
    scopes: config.include_instrumentation_scope,
    samplingMethod: config.enable_metrics_sampling_method,
  };
}

function blockLimits({ cardinality: limits }: SpanMetricsConfig): BlockLimits {
  return {
    namesPerService: limits.names_per_service,
    valuesPerDimension: limits.values_per_dimension,
    seriesPerService: limits.series_per_service,
    series: limits.series,
  };
}

function seriesLimit({ aggregation_cardinality_limit: limit }: SpanMetricsConfig): number {
  return limit === 0 ? DEFAULT_SERIES_LIMIT : limit;
}

/** Its series show nothing under the names of the spans' dimensions: `eventDimensions` has all that they show. */
function eventCounter(
  config: SpanMetricsConfig,
  dictionary: Dictionary,
  monotonicMs: () => number,
): EventCounter | undefined {
  const plan = eventPlan(config);
  if (plan === undefined) return undefined;
  const hidden = dimensionPlan(config).names.map(() => null);
  return new EventCounter(dictionary, {
    ...labelsOf(config),
    dimensions: plan.dimensions,
    globs: plan.globs,
    seriesLimit: seriesLimit(config),
    monotonicMs,
    mask: seriesMask(excludedOf(config)),
    templates: config.span_names === 'templates',
    shown: (values) => [...hidden, ...values],
  });
}
