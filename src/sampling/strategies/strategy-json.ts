import { SpanweirError } from '../../base/errors.ts';
import type { Strategy, StrategyType } from './strategy.ts';

const TYPE_NUMBER: Readonly<Record<StrategyType, number>> = { PROBABILISTIC: 0, RATE_LIMITING: 1 };

/** How the strategy type is written: its name, or (before Jaeger 2.16, and at an agent's `/`) its number. */
export type EnumForm = 'name' | 'number';

/**
 * The reply as Jaeger's HTTP endpoint writes it: fields in the order of the message, zeros written, an absent
 * part left out, no white space. @throws SpanweirError BAD_DATA where there is nothing to encode.
 */
export function strategyJson(strategy: Strategy | null, form: EnumForm = 'name'): string {
  if (strategy === null) {
    throw new SpanweirError('BAD_DATA', 'SamplingStrategyResponseToJSON failed: there is no strategy');
  }
  const { strategyType, probabilisticSampling, rateLimitingSampling, operationSampling } = strategy;
  return JSON.stringify({
    strategyType: form === 'name' ? strategyType : typeNumber(strategyType),
    probabilisticSampling: probabilisticSampling && { samplingRate: probabilisticSampling.samplingRate },
    rateLimitingSampling: rateLimitingSampling && {
      maxTracesPerSecond: rateLimitingSampling.maxTracesPerSecond,
    },
    operationSampling: operationSampling && {
      defaultSamplingProbability: operationSampling.defaultSamplingProbability,
      defaultLowerBoundTracesPerSecond: operationSampling.defaultLowerBoundTracesPerSecond,
      perOperationStrategies: operationSampling.perOperationStrategies.map((each) => ({
        operation: each.operation,
        probabilisticSampling: { samplingRate: each.probabilisticSampling.samplingRate },
      })),
      defaultUpperBoundTracesPerSecond: operationSampling.defaultUpperBoundTracesPerSecond,
    },
  });
}

/** @throws SpanweirError BAD_DATA for a type that Jaeger does not know. */
export function typeNumber(type: StrategyType): number {
  const number = TYPE_NUMBER[type];
  if (number === undefined) {
    throw new SpanweirError('BAD_DATA', 'could not convert sampling strategy type');
  }
  return number;
}
