import {
  type ByOperation,
  compareText,
  getOperation,
  type MutableByOperation,
  setOperation,
} from '../by-operation.ts';
import { sixDecimals } from '../roots/six-decimals.ts';
import type { Decision } from './decision.ts';
import type { AdaptiveOptions } from './options.ts';
import type { Reason } from './reasons.ts';
import { type Bucket, keepNewest, qpsLists } from './throughput.ts';
import { weightedQps } from './weights.ts';

export const MAX_PROBABILITY = 1;
/** Rounds of the past that are kept; only the one before the present is ever read. */
export const SERVICE_CACHE_SIZE = 25;
export const INCREASE_CAP = 1;
export const DEFAULT_INCREASE_CAP = 0.5;
export const FLOAT_EPSILON = 1e-10;

/** Everything that the algorithm remembers between two rounds. Never changed, only replaced. */
export interface AdaptiveState {
  /** Newest first. */
  readonly buckets: readonly Bucket[];
  /** What is served now. */
  readonly probabilities: ByOperation<number>;
  /** Newest first: per operation, what was served and whether its SDKs were taken to use it. */
  readonly serviceCache: readonly ByOperation<CacheEntry>[];
}

export interface CacheEntry {
  readonly probability: number;
  readonly usingAdaptive: boolean;
}

export const EMPTY_STATE: AdaptiveState = { buckets: [], probabilities: new Map(), serviceCache: [] };

/** The next probability of an operation that is off its target. */
export type Step = (target: number, qps: number, previous: number) => number;

type RoundOptions = Pick<
  AdaptiveOptions,
  | 'targetSamplesPerSecond'
  | 'deltaTolerance'
  | 'calculationBuckets'
  | 'initialSamplingProbability'
  | 'minSamplingProbability'
>;

/** One round over the buckets of `state`: decisions sorted by service and operation, and the next state. */
export function recompute(
  state: AdaptiveState,
  options: RoundOptions,
  step: Step = percentageIncreaseCapped(INCREASE_CAP),
): { readonly state: AdaptiveState; readonly decisions: readonly Decision[] } {
  const round: MutableByOperation<CacheEntry> = new Map();
  const probabilities: MutableByOperation<number> = new Map();
  const decisions: Decision[] = [];
  for (const [service, operations] of qpsLists(state.buckets, options.calculationBuckets)) {
    for (const [operation, qps] of operations) {
      const decision = decide(state, options, step, { service, operation, qps });
      setOperation(round, service, operation, {
        probability: decision.previous,
        usingAdaptive: decision.inputs.using,
      });
      setOperation(probabilities, service, operation, decision.probability);
      decisions.push(decision);
    }
  }
  decisions.sort((a, b) => compareText(a.service, b.service) || compareText(a.operation, b.operation));
  const serviceCache = keepNewest(state.serviceCache, round, SERVICE_CACHE_SIZE);
  return { state: { buckets: state.buckets, probabilities, serviceCache }, decisions };
}

/** At most `cap` times the old value more in one step up (0 stands for 0.5); straight down. */
export function percentageIncreaseCapped(cap: number): Step {
  const limit = cap === 0 ? DEFAULT_INCREASE_CAP : cap;
  return (target, qps, previous) => {
    const factor = target / qps;
    const next = previous * factor;
    if (factor > 1 && (next - previous) / previous > limit) return previous + previous * limit;
    return next;
  };
}

export function floatEquals(a: number, b: number): boolean {
  return Math.abs(a - b) < FLOAT_EPSILON;
}

/**
 * Whether the SDKs of an operation can be taken to sample with `probability`. `serviceCache` are the rounds
 * before the present one, newest first.
 */
export function isUsingAdaptiveSampling(
  state: Pick<AdaptiveState, 'buckets' | 'serviceCache'>,
  initialProbability: number,
  probability: number,
  service: string,
  operation: string,
): boolean {
  if (floatEquals(probability, initialProbability)) return true;
  const newest = state.buckets[0];
  const seen = newest && getOperation(newest.throughput, service, operation);
  if (seen !== undefined) return seen.probabilities.has(sixDecimals(probability));
  // Nothing was seen in the newest bucket: what held in the round before still holds.
  const before = state.serviceCache[0];
  const entry = before && getOperation(before, service, operation);
  return entry?.usingAdaptive === true && !floatEquals(entry.probability, initialProbability);
}

interface Operation {
  readonly service: string;
  readonly operation: string;
  readonly qps: readonly number[];
}

function decide(
  state: AdaptiveState,
  options: RoundOptions,
  step: Step,
  { service, operation, qps: qpsList }: Operation,
): Decision {
  const { initialSamplingProbability: initial, deltaTolerance: tolerance } = options;
  const target = options.targetSamplesPerSecond;
  const qps = weightedQps(qpsList);
  const previous = getOperation(state.probabilities, service, operation) ?? initial;
  const using = isUsingAdaptiveSampling(state, initial, previous, service, operation);

  let next: number;
  let reason: Reason;
  if (Math.abs(qps - target) / target < tolerance) {
    [next, reason] = [previous, 'within_tolerance'];
  } else if (!using) {
    [next, reason] = [previous, 'not_using'];
  } else if (floatEquals(qps, 0)) {
    [next, reason] = [previous * 2, 'no_traffic_doubled'];
  } else {
    next = step(target, qps, previous);
    reason = reasonOfStep(next, previous, previous * (target / qps));
  }
  if (next < options.minSamplingProbability) reason = 'floor';
  if (next > MAX_PROBABILITY) reason = 'ceiling';
  const probability = Math.min(MAX_PROBABILITY, Math.max(options.minSamplingProbability, next));

  const seenNow = state.buckets[0] && getOperation(state.buckets[0].throughput, service, operation);
  const seen = [...(seenNow?.probabilities ?? [])].sort();
  const inputs = { qps: qpsList, seen, using, tolerance };
  return { service, operation, probability, previous, qps, target, reason, inputs };
}

function reasonOfStep(next: number, previous: number, uncapped: number): Reason {
  if (next < previous) return 'lowered';
  return next < uncapped ? 'raised_capped' : 'raised';
}
