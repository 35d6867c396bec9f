import type { Controller, ControlRound } from '../adaptive/controller.ts';
import type { ThroughputRow } from '../roots/throughput-rows.ts';
import type { DecidedOperation } from '../store/store.ts';
import type { StrategySnapshot } from '../strategies/snapshot.ts';
import { AdaptiveControl, type StandingDecision } from './adaptive-control.ts';
import type { AdaptiveOptions } from './options.ts';
import { type Bucket, jaegerRows } from './throughput.ts';
import { weightedQps } from './weights.ts';

export interface JaegerControllerOptions {
  /** Operations that were forgotten stay listed at the default for a while. */
  readonly listRetired: boolean;
}

/** Jaeger's algorithm as a Controller. How old the newest window is, is the driver's matter. */
export class JaegerController implements Controller<ThroughputRow> {
  readonly #options: AdaptiveOptions;
  readonly #how: JaegerControllerOptions;
  readonly #control: AdaptiveControl;
  #snapshot: StrategySnapshot;

  constructor(options: AdaptiveOptions, how: JaegerControllerOptions) {
    this.#options = options;
    this.#how = how;
    this.#control = new AdaptiveControl(options);
    this.#snapshot = this.#control.snapshot(0, false);
  }

  round({ nowMs, startMs, endMs, rows }: ControlRound<ThroughputRow>): readonly DecidedOperation[] {
    if (endMs <= startMs) return [];
    const decisions = this.#control.round(jaegerRows(rows), { startMs, endMs }, nowMs);
    this.#publish(nowMs);
    if (decisions.length === 0) return [];
    const decided = new Set(decisions.map(({ service, operation }) => `${service}\u0000${operation}`));
    return this.standing().filter(({ service, operation }) => decided.has(`${service}\u0000${operation}`));
  }

  snapshot(): StrategySnapshot {
    return this.#snapshot;
  }

  standing(): readonly DecidedOperation[] {
    return this.#control.standing().map((each) => decidedOperation(each, this.#options));
  }

  restore(stored: readonly DecidedOperation[], nowMs: number): void {
    const decisions = stored
      .filter(({ operation }) => operation !== '')
      .map(({ service, operation, probability, changedAtMs, inputs }) => ({
        service,
        operation,
        probability,
        qps: weightedQps(inputs?.qps ?? []),
        decidedAtMs: changedAtMs,
      }));
    this.#control.restore(decisions, [], nowMs);
    this.#publish(nowMs);
  }

  /** What was seen before the first round, newest first. */
  remember(buckets: readonly Bucket[]): void {
    this.#control.remember(buckets);
  }

  #publish(nowMs: number): void {
    this.#snapshot = this.#control.snapshot(nowMs, this.#how.listRetired);
  }
}

function decidedOperation(each: StandingDecision, options: AdaptiveOptions): DecidedOperation {
  const { service, operation, probability, previous, changedAtMs, target, inputs, qps } = each;
  const unknown = Number.NaN;
  return {
    service,
    operation,
    probability,
    previous,
    changedAtMs,
    rule: each.reason,
    // Jaeger takes what is sampled for all that there is to know.
    rate: qps / probability,
    rateLow: unknown,
    rateHigh: unknown,
    samples: unknown,
    overS: unknown,
    target,
    budgetShare: unknown,
    conformance: 'unknown',
    gateLow: unknown,
    gateHigh: unknown,
    lowerBound: options.minSamplesPerSecond,
    ...(inputs !== undefined && { inputs }),
  };
}
