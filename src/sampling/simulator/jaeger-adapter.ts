import type { ControlDecision, Controller, ControlRound } from '../adaptive/controller.ts';
import { AdaptiveControl } from '../adaptive-control.ts';
import type { AdaptiveOptions } from '../options.ts';
import type { StrategySnapshot } from '../snapshot.ts';
import { jaegerRows } from '../throughput.ts';
import type { ThroughputRow } from '../throughput-rows.ts';

/** Jaeger's algorithm behind the contract of controllers: it gathers windows until its own interval is over. */
export class JaegerAdapter implements Controller<ThroughputRow> {
  readonly #options: AdaptiveOptions;
  readonly #control: AdaptiveControl;
  #rows: ThroughputRow[] = [];
  #untilMs = Number.NaN;
  #nextMs = Number.NaN;
  #snapshot: StrategySnapshot;

  constructor(options: AdaptiveOptions) {
    this.#options = options;
    this.#control = new AdaptiveControl(options);
    this.#snapshot = this.#control.snapshot(0, false);
  }

  round({ nowMs, startMs, rows }: ControlRound<ThroughputRow>): readonly ControlDecision[] {
    const { calculationDelayMs, calculationIntervalMs } = this.#options;
    this.#rows.push(...jaegerRows(rows));
    if (Number.isNaN(this.#nextMs)) {
      this.#nextMs = nowMs + calculationIntervalMs;
      this.#untilMs = Math.min(startMs, nowMs - calculationDelayMs);
    }
    if (nowMs < this.#nextMs) return [];
    this.#nextMs += calculationIntervalMs;
    const endMs = nowMs - calculationDelayMs;
    const due = this.#rows.filter(({ windowS }) => windowS * 1000 < endMs);
    this.#rows = this.#rows.filter(({ windowS }) => windowS * 1000 >= endMs);
    this.#control.round(due, { startMs: this.#untilMs, endMs }, nowMs);
    this.#untilMs = endMs;
    this.#snapshot = this.#control.snapshot(nowMs, false);
    return this.standing();
  }

  snapshot(): StrategySnapshot {
    return this.#snapshot;
  }

  standing(): readonly ControlDecision[] {
    return this.#control.standing().map((each) => ({
      service: each.service,
      operation: each.operation,
      probability: each.probability,
      previous: each.previous,
      changedAtMs: each.changedAtMs,
      rule: each.reason as ControlDecision['rule'],
      rate: each.qps / each.probability,
      rateLow: Number.NaN,
      rateHigh: Number.NaN,
      samples: Number.NaN,
      overS: Number.NaN,
      target: each.target,
      budgetShare: Number.NaN,
      conformance: 'unknown',
      gateLow: Number.NaN,
      lowerBound: this.#options.minSamplesPerSecond,
      gateHigh: Number.NaN,
    }));
  }

  restore(stored: readonly ControlDecision[], nowMs: number): void {
    const decisions = stored.map(({ service, operation, probability, rate, changedAtMs }) => ({
      service,
      operation,
      probability,
      qps: rate * probability,
      decidedAtMs: changedAtMs,
    }));
    this.#control.restore(decisions, [], nowMs);
    this.#snapshot = this.#control.snapshot(nowMs, false);
  }
}
