import { type ByOperation, getOperation, type MutableByOperation, setOperation } from '../by-operation.ts';
import type { JaegerRow } from '../roots/throughput-rows.ts';
import { adaptiveSnapshot, type StrategySnapshot } from '../strategies/snapshot.ts';
import type { Decision } from './decision.ts';
import type { AdaptiveOptions } from './options.ts';
import type { Reason } from './reasons.ts';
import { type AdaptiveState, EMPTY_STATE, recompute } from './recompute.ts';
import { type Bucket, keepNewest, mergeThroughput } from './throughput.ts';

/** A decision as it stands, for people to read. */
export interface StandingDecision {
  readonly service: string;
  readonly operation: string;
  readonly probability: number;
  readonly previous: number;
  readonly qps: number;
  readonly target: number;
  /** `stored`: taken over from an earlier process, not recomputed since. */
  readonly reason: Reason | 'stored';
  /** Since when this probability is served, Unix ms; for a stored one, when it was last confirmed. */
  readonly changedAtMs: number;
  readonly inputs: Decision['inputs'] | undefined;
}

/** What a restart needs of a Decision. */
export interface StoredDecision {
  readonly service: string;
  readonly operation: string;
  readonly probability: number;
  readonly qps: number;
  /** Unix ms. */
  readonly decidedAtMs: number;
}

/** How long an operation that left the buckets stays listed, at the default: longer than any SDK's poll. */
const RETIRED_MS = 3_600_000;
const MAX_RETIRED = 20_000;

/**
 * The controller between two rounds: Jaeger's state, and what Jaeger lacks. Stored probabilities survive a
 * restart until there has been time for throughput to show up. Driven by time as an argument.
 */
export class AdaptiveControl {
  readonly #options: AdaptiveOptions;
  #state: AdaptiveState = EMPTY_STATE;
  #standing: MutableByOperation<StandingDecision> = new Map();
  /** Taken over from the store, until they are recomputed or `#storedUntilMs` is over. */
  #stored: readonly StandingDecision[] = [];
  #storedUntilMs = 0;
  /** Until when (Unix ms) an operation without probability stays listed. */
  readonly #retired: { service: string; operation: string; untilMs: number }[] = [];

  constructor(options: AdaptiveOptions) {
    this.#options = options;
  }

  get operations(): number {
    let operations = 0;
    for (const each of this.#standing.values()) operations += each.size;
    return operations;
  }

  standing(): readonly StandingDecision[] {
    return [...this.#standing.values()].flatMap((operations) => [...operations.values()]);
  }

  /** Begins where an earlier process ended. */
  restore(stored: readonly StoredDecision[], buckets: readonly Bucket[], nowMs: number): void {
    const { calculationDelayMs, calculationIntervalMs, aggregationBuckets } = this.#options;
    const target = this.#options.targetSamplesPerSecond;
    this.#stored = stored.map(({ service, operation, probability, qps, decidedAtMs }) => ({
      service,
      operation,
      probability,
      previous: probability,
      qps,
      target,
      reason: 'stored' as const,
      changedAtMs: decidedAtMs,
      inputs: undefined,
    }));
    // As long as an operation would be remembered that falls silent now.
    this.#storedUntilMs = nowMs + calculationDelayMs + calculationIntervalMs * aggregationBuckets;
    const standing: MutableByOperation<StandingDecision> = new Map();
    for (const each of this.#stored) setOperation(standing, each.service, each.operation, each);
    this.#standing = standing;
    this.#state = { ...EMPTY_STATE, buckets, probabilities: probabilitiesOf(standing) };
  }

  /** What was seen before, newest first, in place of what is remembered. */
  remember(buckets: readonly Bucket[]): void {
    this.#state = { ...this.#state, buckets };
  }

  /** Takes in the throughput of one interval and decides anew. */
  round(rows: readonly JaegerRow[], interval: Interval, nowMs: number): readonly Decision[] {
    const bucket = {
      intervalMs: interval.endMs - interval.startMs,
      endMs: interval.endMs,
      throughput: mergeThroughput(rows),
    };
    const buckets = keepNewest(this.#state.buckets, bucket, this.#options.aggregationBuckets);
    const { state, decisions } = recompute({ ...this.#state, buckets }, this.#options);
    const standing: MutableByOperation<StandingDecision> = new Map();
    for (const decision of decisions) {
      const { service, operation, probability } = decision;
      const before = getOperation(this.#standing, service, operation);
      const changedAtMs = before?.probability === probability ? before.changedAtMs : nowMs;
      setOperation(standing, service, operation, { ...decision, changedAtMs });
    }
    if (nowMs >= this.#storedUntilMs) this.#stored = [];
    for (const each of this.#stored) {
      if (getOperation(standing, each.service, each.operation) !== undefined) continue;
      // Once it has been decided on, an operation that falls silent is forgotten like any other.
      if (getOperation(this.#standing, each.service, each.operation)?.reason !== 'stored') continue;
      setOperation(standing, each.service, each.operation, each);
    }
    this.#retire(standing, nowMs);
    this.#standing = standing;
    this.#state = { ...state, probabilities: probabilitiesOf(standing) };
    return decisions;
  }

  /** What is to be served. */
  snapshot(nowMs: number, listRetired: boolean): StrategySnapshot {
    const retired: MutableByOperation<number> = new Map();
    if (listRetired) {
      for (const { service, operation, untilMs } of this.#retired) {
        setOperation(retired, service, operation, untilMs);
      }
    }
    return adaptiveSnapshot(nowMs, this.#state.probabilities, this.#options, retired);
  }

  #retire(next: ByOperation<StandingDecision>, nowMs: number): void {
    const retired = this.#retired;
    while (retired[0] !== undefined && retired[0].untilMs <= nowMs) retired.shift();
    for (const [service, operations] of this.#standing) {
      for (const operation of operations.keys()) {
        if (getOperation(next, service, operation) !== undefined) continue;
        retired.push({ service, operation, untilMs: nowMs + RETIRED_MS });
      }
    }
    if (retired.length > MAX_RETIRED) retired.splice(0, retired.length - MAX_RETIRED);
  }
}

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

function probabilitiesOf(standing: ByOperation<StandingDecision>): ByOperation<number> {
  const probabilities = new Map<string, ReadonlyMap<string, number>>();
  for (const [service, operations] of standing) {
    const own = new Map<string, number>();
    for (const [operation, { probability }] of operations) own.set(operation, probability);
    probabilities.set(service, own);
  }
  return probabilities;
}
