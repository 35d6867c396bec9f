import { AdaptiveController } from '../../../sampling/adaptive/adaptive-controller.ts';
import type { Controller } from '../../../sampling/adaptive/controller.ts';
import {
  type AdaptiveControlOptions,
  type Budget,
  DEFAULT_ADAPTIVE_CONTROL_OPTIONS,
  type Override,
} from '../../../sampling/adaptive/options.ts';
import { JaegerController } from '../../../sampling/jaeger/jaeger-controller.ts';
import type { AdaptiveOptions } from '../../../sampling/jaeger/options.ts';
import type { ThroughputRow } from '../../../sampling/roots/throughput-rows.ts';
import { type AdaptiveConfig, roundTimes } from './adaptive-config.ts';

export interface ControllerSurroundings {
  /** Operations in one reply. */
  readonly maxOperations: number;
  /** Jaeger's algorithm alone: operations that were forgotten stay listed at the default for a while. */
  readonly listRetired: boolean;
}

/** What the `adaptive` block asks for. */
export function createController(
  config: AdaptiveConfig,
  around: ControllerSurroundings,
): Controller<ThroughputRow> {
  if (config.algorithm === 'jaeger') {
    return new JaegerController(jaegerOptions(config), around);
  }
  return new AdaptiveController(controlOptions(config, around));
}

export function controlOptions(
  config: AdaptiveConfig,
  { maxOperations }: Pick<ControllerSurroundings, 'maxOperations'>,
): AdaptiveControlOptions {
  const { boost } = config;
  return {
    ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS,
    mode: config.mode,
    targetSamplesPerSecond: config.target_samples_per_second,
    initialSamplingProbability: config.initial_sampling_probability,
    minSamplingProbability: config.min_sampling_probability,
    minSamplesPerSecond: config.min_samples_per_second,
    windowMs: config.window,
    budget: config.budget && budgetOf(config.budget),
    serviceBudgets: config.service_budgets.map((each) => ({
      service: each.service,
      weight: each.weight,
      ...budgetOf(each),
    })),
    floorTracesPerSecond: config.floor_traces_per_second,
    overrides: config.overrides.map(overrideOf),
    boost: boost.enabled
      ? {
          factor: boost.factor,
          durationMs: boost.duration,
          coolDownMs: boost.cool_down,
          budgetShare: boost.budget_share,
        }
      : undefined,
    maxOperationsPerReply: maxOperations,
    maxOperations: config.max_operations,
  };
}

/** Whether somebody has to find out what traces cost. */
export function countsCosts({ budget, service_budgets: services }: AdaptiveConfig): boolean {
  return [budget, ...services].some(
    (each) => each?.spans_per_second !== undefined || each?.bytes_per_second !== undefined,
  );
}

export function jaegerOptions(config: AdaptiveConfig): AdaptiveOptions {
  const { intervalMs, delayMs } = roundTimes(config);
  return {
    targetSamplesPerSecond: config.target_samples_per_second,
    deltaTolerance: config.delta_tolerance,
    calculationIntervalMs: intervalMs,
    aggregationBuckets: config.aggregation_buckets,
    calculationBuckets: config.calculation_buckets,
    calculationDelayMs: delayMs,
    initialSamplingProbability: config.initial_sampling_probability,
    minSamplingProbability: config.min_sampling_probability,
    minSamplesPerSecond: config.min_samples_per_second,
  };
}

function budgetOf(options: NonNullable<AdaptiveConfig['budget']>): Budget {
  return {
    tracesPerSecond: options.traces_per_second,
    spansPerSecond: options.spans_per_second,
    bytesPerSecond: options.bytes_per_second,
  };
}

function overrideOf(options: AdaptiveConfig['overrides'][number]): Override {
  const { until } = options;
  return {
    service: options.service,
    operation: options.operation,
    targetTracesPerSecond: options.target_samples_per_second,
    minProbability: options.min_probability,
    maxProbability: options.max_probability,
    fixedProbability: options.probability,
    never: options.never,
    untilMs: until === undefined ? undefined : new Date(until).getTime(),
    weight: options.weight,
  };
}
