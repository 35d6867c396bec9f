import { type StrategySnapshot, strategyFor } from '../strategies/snapshot.ts';

interface Named {
  readonly service: string;
  readonly operation: string;
}

/** The largest factor, up or down, between what two snapshots serve to any of the operations; 1 = they agree. */
export function largestJump(
  operations: readonly Named[],
  before: StrategySnapshot,
  after: StrategySnapshot,
): number {
  let largest = 1;
  for (const named of operations) {
    const old = servedIn(before, named);
    const now = servedIn(after, named);
    if (old !== now) largest = Math.max(largest, now / old, old / now);
  }
  return largest;
}

function servedIn(snapshot: StrategySnapshot, { service, operation }: Named): number {
  const { operationSampling, probabilisticSampling } = strategyFor(snapshot, service);
  const own = operationSampling?.perOperationStrategies.find((one) => one.operation === operation);
  return (
    own?.probabilisticSampling.samplingRate ??
    operationSampling?.defaultSamplingProbability ??
    probabilisticSampling?.samplingRate ??
    0
  );
}
