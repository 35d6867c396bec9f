import { SpanweirError } from '../../../base/errors.ts';
import type { OperationSampling, Strategy } from '../../../sampling/strategies/strategy.ts';

/**
 * A strategy as records of the control topic hold it: short names, operations as pairs. What is absent in the strategy
 * is absent here.
 */
export interface StrategyRecord {
  readonly type: Strategy['strategyType'];
  readonly rate?: number;
  readonly perSecond?: number;
  readonly byOperation?: {
    readonly default: number;
    readonly lowerBound: number;
    readonly upperBound: number;
    readonly operations: readonly OperationRecord[];
  };
}

/** Operation, probability. */
export type OperationRecord = readonly [string, number];

/** @throws SpanweirError BAD_DATA for a number that JSON has no word for. */
export function toRecord(strategy: Strategy): StrategyRecord {
  const { probabilisticSampling, rateLimitingSampling, operationSampling } = strategy;
  const record: StrategyRecord = {
    type: strategy.strategyType,
    ...(probabilisticSampling && { rate: probabilisticSampling.samplingRate }),
    ...(rateLimitingSampling && { perSecond: rateLimitingSampling.maxTracesPerSecond }),
    ...(operationSampling && {
      byOperation: {
        default: operationSampling.defaultSamplingProbability,
        lowerBound: operationSampling.defaultLowerBoundTracesPerSecond,
        upperBound: operationSampling.defaultUpperBoundTracesPerSecond,
        operations: operationSampling.perOperationStrategies.map(
          ({ operation, probabilisticSampling: { samplingRate } }) => [operation, samplingRate] as const,
        ),
      },
    }),
  };
  if (numbersOf(record).every(Number.isFinite)) return record;
  throw new SpanweirError('BAD_DATA', 'a strategy has a number that is none');
}

/** @throws SpanweirError BAD_DATA for what is no strategy. */
export function toStrategy(record: unknown): Strategy {
  if (!isRecord(record)) throw new SpanweirError('BAD_DATA', 'a record holds no strategy');
  const { type, rate, perSecond, byOperation } = record;
  return {
    strategyType: type,
    ...(rate !== undefined && { probabilisticSampling: { samplingRate: rate } }),
    ...(perSecond !== undefined && { rateLimitingSampling: { maxTracesPerSecond: perSecond } }),
    ...(byOperation !== undefined && { operationSampling: operationSampling(byOperation) }),
  };
}

function operationSampling(record: NonNullable<StrategyRecord['byOperation']>): OperationSampling {
  return {
    defaultSamplingProbability: record.default,
    defaultLowerBoundTracesPerSecond: record.lowerBound,
    perOperationStrategies: record.operations.map(([operation, samplingRate]) => ({
      operation,
      probabilisticSampling: { samplingRate },
    })),
    defaultUpperBoundTracesPerSecond: record.upperBound,
  };
}

function isRecord(value: unknown): value is StrategyRecord {
  const record = value as Partial<StrategyRecord> | null;
  if (typeof record !== 'object' || record === null) return false;
  const { type, byOperation } = record;
  if (type !== 'PROBABILISTIC' && type !== 'RATE_LIMITING') return false;
  const isWhole =
    byOperation === undefined ||
    (typeof byOperation === 'object' &&
      Array.isArray(byOperation.operations) &&
      byOperation.operations.every((one) => Array.isArray(one) && typeof one[0] === 'string'));
  return isWhole && numbersOf(record as StrategyRecord).every((one) => Number.isFinite(one));
}

/** All that should be numbers. */
function numbersOf({ rate, perSecond, byOperation }: StrategyRecord): readonly unknown[] {
  const numbers: unknown[] = [];
  if (rate !== undefined) numbers.push(rate);
  if (perSecond !== undefined) numbers.push(perSecond);
  if (byOperation !== undefined) {
    numbers.push(byOperation.default, byOperation.lowerBound, byOperation.upperBound);
    for (const [, probability] of byOperation.operations) numbers.push(probability);
  }
  return numbers;
}
