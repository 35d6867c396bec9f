import type { OperationStrategy, Strategy } from './strategy.ts';

/**
 * Clients refuse replies of 4 MiB and more, on HTTP and gRPC alike. Operations beyond this many bytes are left
 * to the default.
 */
const MAX_OPERATION_BYTES = 3_500_000;
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
export function compatibleStrategy(strategy: Strategy, limitFallback: number): Strategy {
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
      perOperationStrategies: fitting(unique(operations?.perOperationStrategies ?? [])),
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
function fitting(operations: OperationStrategy[]): readonly OperationStrategy[] {
  const sizes = new Map(operations.map((each) => [each, bytesOf(each)]));
  let total = 0;
  for (const size of sizes.values()) total += size;
  if (total <= MAX_OPERATION_BYTES) return operations;
  const byRate = operations.toSorted(
    (a, b) => a.probabilisticSampling.samplingRate - b.probabilisticSampling.samplingRate,
  );
  const kept = new Set<OperationStrategy>();
  let bytes = 0;
  for (const each of byRate) {
    bytes += sizes.get(each) ?? 0;
    if (bytes <= MAX_OPERATION_BYTES) kept.add(each);
  }
  return operations.filter((each) => kept.has(each));
}

function bytesOf({ operation }: OperationStrategy): number {
  return Buffer.byteLength(JSON.stringify(operation)) + OPERATION_BYTES;
}

function clamped(rate: number): number {
  return rate >= 0 ? Math.min(1, rate) : 0;
}
