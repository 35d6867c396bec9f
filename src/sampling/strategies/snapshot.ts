import { type ByOperation, compareText } from '../by-operation.ts';
import type { AdaptiveOptions } from '../jaeger/options.ts';
import type { Strategy } from './strategy.ts';

/** Everything that is served at one time. Replaced whole, never changed. */
export interface StrategySnapshot {
  /** Counts up with every change that is published; 0 where nobody counts (a file, a controller's own view). */
  readonly version: number;
  /** Unix ms. */
  readonly madeAtMs: number;
  /** For a service that is not in `services`. */
  readonly fallback: Strategy;
  readonly services: ReadonlyMap<string, Strategy>;
}

export function strategyFor(snapshot: StrategySnapshot, service: string): Strategy {
  return snapshot.services.get(service) ?? snapshot.fallback;
}

/**
 * What the adaptive probabilities come to, in Jaeger's shape, operations sorted. `retired` operations have no
 * probability of their own any more but stay listed at the default: some clients keep the last value of
 * an operation that leaves the list.
 */
export function adaptiveSnapshot(
  madeAtMs: number,
  probabilities: ByOperation<number>,
  options: Pick<AdaptiveOptions, 'initialSamplingProbability' | 'minSamplesPerSecond'>,
  retired: ByOperation<number> = new Map(),
): StrategySnapshot {
  const services = new Map<string, Strategy>();
  const names = new Set([...probabilities.keys(), ...retired.keys()]);
  for (const service of [...names].sort(compareText)) {
    const rates = new Map<string, number>();
    for (const operation of retired.get(service)?.keys() ?? []) {
      rates.set(operation, options.initialSamplingProbability);
    }
    for (const [operation, probability] of probabilities.get(service) ?? [])
      rates.set(operation, probability);
    services.set(service, adaptiveStrategy(rates, options));
  }
  return { version: 0, madeAtMs, fallback: adaptiveStrategy(new Map(), options), services };
}

function adaptiveStrategy(
  rates: ReadonlyMap<string, number>,
  options: Pick<AdaptiveOptions, 'initialSamplingProbability' | 'minSamplesPerSecond'>,
): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: options.initialSamplingProbability,
      defaultLowerBoundTracesPerSecond: options.minSamplesPerSecond,
      perOperationStrategies: [...rates]
        .sort(([a], [b]) => compareText(a, b))
        .map(([operation, samplingRate]) => ({ operation, probabilisticSampling: { samplingRate } })),
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}
