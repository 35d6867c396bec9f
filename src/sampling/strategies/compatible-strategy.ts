import type { OperationStrategy, Strategy } from './strategy.ts';

/** What a reply may hold; operations beyond it are left to the default. */
export interface ReplyLimits {
  readonly maxOperations: number;
  /** Of all operations, as JSON. */
  readonly maxOperationBytes: number;
}

/** Clients refuse 4 MiB and more; what is sent every minute to every instance stays far below: under 1 MiB. */
export const DEFAULT_REPLY_LIMITS: ReplyLimits = { maxOperations: 250, maxOperationBytes: 1_000_000 };

/** What an operation costs in JSON besides its name. */
const OPERATION_BYTES = 96;

/**
 * The same decisions in the one shape that the Go, Java, JS and Rust samplers all take: a named PROBABILISTIC
 * type, both `probabilisticSampling` and `operationSampling` always there and telling the same default, rates
 * within [0, 1], every operation named and once.
 *
 * A rate limit has no form that all of them know. Nothing is known here about the traffic that it would meet,
 * so it becomes `limitFallback` (the configured default probability: the limit was set against a flood,
 * and 1 would open the gates), except that a limit of 0 stays "never".
 */
export function compatibleStrategy(
  strategy: Strategy,
  limitFallback: number,
  limits: ReplyLimits = DEFAULT_REPLY_LIMITS,
): Strategy {
  const operations = strategy.operationSampling;
  const rate = clamped(
    operations?.defaultSamplingProbability ??
      strategy.probabilisticSampling?.samplingRate ??
      (strategy.rateLimitingSampling?.maxTracesPerSecond === 0 ? 0 : limitFallback),
  );
  return {
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: rate },
    operationSampling: {
      defaultSamplingProbability: rate,
      defaultLowerBoundTracesPerSecond: operations?.defaultLowerBoundTracesPerSecond ?? 0,
      perOperationStrategies: fitting(unique(operations?.perOperationStrategies ?? []), limits),
      defaultUpperBoundTracesPerSecond: operations?.defaultUpperBoundTracesPerSecond ?? 0,
    },
  };
}

/** Named operations once each; of two with one name the last counts, as it does with every client. */
function unique(operations: readonly OperationStrategy[]): OperationStrategy[] {
  const byName = new Map<string, number>();
  for (const { operation, probabilisticSampling } of operations) {
    if (operation !== '') byName.set(operation, clamped(probabilisticSampling.samplingRate));
  }
  return [...byName].map(([operation, samplingRate]) => ({
    operation,
    probabilisticSampling: { samplingRate },
  }));
}

/** Where not all fit, the lowest rates stay: an operation that lost one of those would flood. */
function fitting(
  operations: OperationStrategy[],
  { maxOperations, maxOperationBytes }: ReplyLimits,
): readonly OperationStrategy[] {
  let total = 0;
  for (const each of operations) total += bytesOf(each);
  if (operations.length <= maxOperations && total <= maxOperationBytes) return operations;
  const byRate = operations.toSorted(
    (a, b) => a.probabilisticSampling.samplingRate - b.probabilisticSampling.samplingRate,
  );
  const kept = new Set<OperationStrategy>();
  let bytes = 0;
  for (const each of byRate) {
    bytes += bytesOf(each);
    if (bytes > maxOperationBytes || kept.size === maxOperations) break;
    kept.add(each);
  }
  return operations.filter((each) => kept.has(each));
}

function bytesOf({ operation }: OperationStrategy): number {
  return Buffer.byteLength(JSON.stringify(operation)) + OPERATION_BYTES;
}

function clamped(rate: number): number {
  return rate >= 0 ? Math.min(1, rate) : 0;
}
