import type { DecidedOperation, StoredDecisions } from '../store/store.ts';
import type { StrategySnapshot } from './snapshot.ts';
import type { Strategy } from './strategy.ts';

/**
 * What is stored, with the probabilities of what is served where the two differ: a controller that died may have
 * published what it could not store any more. What the store does not know is there as it is served.
 */
export function withServed(
  latest: Pick<StoredDecisions, 'mode' | 'decisions'> | undefined,
  served: StrategySnapshot | undefined,
  nowMs: number,
): readonly DecidedOperation[] {
  const stored = latest === undefined ? [] : servedOf(latest);
  if (served === undefined) return stored;
  const rates = ratesOf(served);
  const decisions = stored.map((each) => {
    const key = keyOf(each.service, each.operation);
    const rate = rates.get(key);
    rates.delete(key);
    const isSame = rate === undefined || rate.probability === each.probability;
    if (isSame) return each;
    const { probability } = rate;
    return {
      ...each,
      probability,
      previous: each.probability,
      changedAtMs: Math.max(each.changedAtMs, served.madeAtMs),
      gateLow: Math.min(each.gateLow, each.probability, probability),
      gateHigh: Math.max(each.gateHigh, each.probability, probability),
    };
  });
  for (const { service, operation, probability, lowerBound } of rates.values()) {
    decisions.push(
      servedDecision({ service, operation, probability, lowerBound }, Math.min(nowMs, served.madeAtMs)),
    );
  }
  return decisions;
}

/** What was only observed was never served: what had been before went on. */
function servedOf({
  mode,
  decisions,
}: Pick<StoredDecisions, 'mode' | 'decisions'>): readonly DecidedOperation[] {
  if (mode === 'control') return decisions;
  return decisions.map((each) => ({ ...each, probability: each.previous }));
}

interface Rate {
  readonly service: string;
  readonly operation: string;
  readonly probability: number;
  readonly lowerBound: number;
}

function ratesOf({ fallback, services }: StrategySnapshot): Map<string, Rate> {
  const rates = new Map<string, Rate>();
  const add = (service: string, strategy: Strategy): void => {
    const { operationSampling: all } = strategy;
    const lowerBound = all?.defaultLowerBoundTracesPerSecond ?? Number.NaN;
    const probability = all?.defaultSamplingProbability ?? strategy.probabilisticSampling?.samplingRate;
    if (probability !== undefined) {
      rates.set(keyOf(service, ''), { service, operation: '', probability, lowerBound });
    }
    for (const { operation, probabilisticSampling } of all?.perOperationStrategies ?? []) {
      const { samplingRate } = probabilisticSampling;
      rates.set(keyOf(service, operation), { service, operation, probability: samplingRate, lowerBound });
    }
  };
  add('', fallback);
  for (const [service, strategy] of services) add(service, strategy);
  return rates;
}

function servedDecision({ probability, ...rate }: Rate, changedAtMs: number): DecidedOperation {
  const unknown = Number.NaN;
  return {
    ...rate,
    probability,
    previous: probability,
    changedAtMs,
    rule: 'stored',
    rate: unknown,
    rateLow: unknown,
    rateHigh: unknown,
    samples: 0,
    overS: 0,
    target: unknown,
    budgetShare: unknown,
    conformance: 'unknown',
    gateLow: probability,
    gateHigh: probability,
  };
}

function keyOf(service: string, operation: string): string {
  return `${service}\u0000${operation}`;
}
