import fc from 'fast-check';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../../src/sampling/strategies/strategy.ts';

export function perOperation(rates: Readonly<Record<string, number>>, fallback = 0.001): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: fallback,
      defaultLowerBoundTracesPerSecond: 0.5,
      perOperationStrategies: Object.entries(rates).map(([operation, samplingRate]) => ({
        operation,
        probabilisticSampling: { samplingRate },
      })),
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

export function snapshotOf(services: Readonly<Record<string, Strategy>>, version = 0): StrategySnapshot {
  return { version, madeAtMs: 0, fallback: perOperation({}), services: new Map(Object.entries(services)) };
}

const rate = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => (Object.is(x, -0) ? 0 : x));

/** Strategies of every shape. */
export const strategies: fc.Arbitrary<Strategy> = fc.oneof(
  rate.map((samplingRate) => ({
    strategyType: 'PROBABILISTIC' as const,
    probabilisticSampling: { samplingRate },
  })),
  fc.nat(1000).map((maxTracesPerSecond) => ({
    strategyType: 'RATE_LIMITING' as const,
    rateLimitingSampling: { maxTracesPerSecond },
  })),
  fc.dictionary(fc.string({ unit: 'binary' }), rate).map((rates) => perOperation(rates, 0.25)),
  fc.dictionary(fc.string(), rate).map((rates) => ({
    ...perOperation(rates),
    probabilisticSampling: { samplingRate: 0.5 },
  })),
);

export const snapshots: fc.Arbitrary<StrategySnapshot> = fc
  .record({
    fallback: strategies,
    services: fc.dictionary(
      fc.oneof(fc.constantFrom('shop', 'a/b', 'part/1/x', ''), fc.string()),
      strategies,
    ),
  })
  .map(({ fallback, services }) => ({
    version: 0,
    madeAtMs: 0,
    fallback,
    services: new Map(Object.entries(services)),
  }));
