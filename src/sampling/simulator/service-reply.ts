import type { VariateKind } from '../roots/trace-id-variate.ts';
import { compatibleStrategy } from '../strategies/compatible-strategy.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { boundOf } from './sdk-rules.ts';

/** How many operations an OpenTelemetry Go sampler tells apart; the others share one sampler without lower bound. */
const GO_OPERATIONS = 256;

/** What instances of a service do after a poll, by the index of the operation within the service. */
export interface ServiceReply {
  readonly probability: Float64Array;
  readonly boundHi: Float64Array;
  readonly boundLo: Float64Array;
  /** Traces per second that an instance keeps of each operation; NaN = it knows no lower bound. */
  readonly lowerBound: number;
  /** From this operation on there is none. */
  readonly lowerBoundOperations: number;
}

/** What an instance does before its first poll. */
export function initialReply(kind: VariateKind, operations: number, probability: number): ServiceReply {
  return replyOf(kind, new Float64Array(operations).fill(probability), Number.NaN, 0);
}

/**
 * What SDKs make of the strategy: exactly the reply that the servers give. Names that nobody calls are of no
 * consequence, operations that it does not name get the default.
 */
export function serviceReply(
  kind: VariateKind,
  strategy: Strategy,
  indexes: ReadonlyMap<string, number>,
  fallback: number,
): ServiceReply {
  const { operationSampling } = compatibleStrategy(strategy, fallback);
  const probability = new Float64Array(indexes.size).fill(
    operationSampling?.defaultSamplingProbability ?? fallback,
  );
  const named = operationSampling?.perOperationStrategies ?? [];
  let lastNamed = -1;
  for (const { operation, probabilisticSampling } of named) {
    const index = indexes.get(operation);
    if (index === undefined) continue;
    probability[index] = probabilisticSampling.samplingRate;
    if (index > lastNamed) lastNamed = index;
  }
  const lowerBound = operationSampling?.defaultLowerBoundTracesPerSecond ?? 0;
  return replyOf(kind, probability, lowerBound, Math.max(GO_OPERATIONS, lastNamed + 1));
}

function replyOf(
  kind: VariateKind,
  probability: Float64Array,
  lowerBound: number,
  lowerBoundOperations: number,
): ServiceReply {
  const boundHi = new Float64Array(probability.length);
  const boundLo = new Float64Array(probability.length);
  for (let i = 0; i < probability.length; i++) {
    const { hi, lo } = boundOf(kind, probability[i] as number);
    boundHi[i] = hi;
    boundLo[i] = lo;
  }
  return { probability, boundHi, boundLo, lowerBound, lowerBoundOperations };
}
