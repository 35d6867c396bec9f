import type { RootRow } from '../roots/root-row.ts';
import type { StrategySnapshot } from '../strategies/snapshot.ts';
import { Allocation } from './allocation.ts';
import { Boosts } from './boosts.ts';
import { ConformanceWatch } from './conformance-watch.ts';
import type { ControlDecision, Controller, ControlRound, TraceCost } from './controller.ts';
import { DecisionWriter } from './decision-writer.ts';
import { Defaults } from './defaults.ts';
import { Estimates } from './estimates.ts';
import { Intake } from './intake.ts';
import { Listing } from './listing.ts';
import { FALLBACK, type OperationTable } from './operation-table.ts';
import type { AdaptiveControlOptions } from './options.ts';
import { Probabilities } from './probabilities.ts';
import { Registry } from './registry.ts';
import { Replies } from './replies.ts';
import { restoreTable } from './restore.ts';

/** The default algorithm of adaptive sampling: docs/adr/005-adaptive-control.md. */
export class AdaptiveController implements Controller<RootRow> {
  readonly #options: AdaptiveControlOptions;
  readonly #registry: Registry;
  readonly #table: OperationTable;
  readonly #conformance: ConformanceWatch;
  readonly #boosts: Boosts;
  readonly #intake: Intake;
  readonly #estimates: Estimates;
  readonly #allocation: Allocation;
  readonly #probabilities: Probabilities;
  readonly #defaults: Defaults;
  readonly #listing: Listing;
  readonly #replies: Replies;
  readonly #decisions: DecisionWriter;

  constructor(options: AdaptiveControlOptions) {
    this.#options = options;
    this.#registry = new Registry(options);
    this.#table = this.#registry.table;
    this.#conformance = new ConformanceWatch(this.#table);
    this.#boosts = new Boosts(this.#table, options.boost);
    this.#intake = new Intake(this.#registry, options.windowMs, [this.#conformance, this.#boosts]);
    this.#estimates = new Estimates(this.#table);
    this.#allocation = new Allocation(this.#table, options, (slot) => this.#boosts.factorOf(slot));
    this.#probabilities = new Probabilities(this.#table, options, this.#conformance, this.#boosts);
    this.#defaults = new Defaults(this.#table, options);
    this.#listing = new Listing(this.#registry, options, (slot) => this.#forget(slot));
    this.#replies = new Replies(this.#table, options.minSamplesPerSecond);
    this.#decisions = new DecisionWriter(
      this.#table,
      this.#conformance,
      this.#allocation,
      options.mode === 'observe',
    );
  }

  round(round: ControlRound): readonly ControlDecision[] {
    const { nowMs, startMs, endMs } = round;
    // Without a complete window nothing is known about what was decided last: any step now would be one too many.
    if (endMs <= startMs) return [];
    const seconds = (endMs - startMs) / 1000;
    this.#registry.overrule(nowMs, round.pins);
    this.#registry.meet(round.pollers, nowMs, (service) => this.#allocation.lowerBoundOf(service));
    this.#takeIn(round);
    if (round.costs !== undefined) this.#takeCosts(round.costs);
    this.#allocation.measure(seconds);
    this.#estimates.update(nowMs - endMs);
    this.#conformance.judge();
    this.#boosts.decide(nowMs);
    this.#allocation.allocate(seconds);
    this.#probabilities.update(nowMs);
    this.#defaults.update();
    this.#listing.update(nowMs);
    this.#registry.forgetServices(nowMs, (service) => {
      this.#forget(service.defaultSlot);
      this.#replies.forget(service.name);
    });
    const decided = this.#serve(nowMs, endMs);
    this.#estimates.settle();
    this.#replies.publish(nowMs);
    return decided;
  }

  snapshot(): StrategySnapshot {
    return this.#replies.snapshot;
  }

  standing(): readonly ControlDecision[] {
    const all: ControlDecision[] = [];
    for (let slot = 0; slot < this.#table.used; slot++) {
      if (slot === FALLBACK || (this.#table.service[slot] as number) >= 0)
        all.push(this.#decisions.write(slot));
    }
    return all;
  }

  restore(stored: readonly ControlDecision[], nowMs: number): void {
    restoreTable(this.#registry, stored, nowMs, this.#options.minSamplesPerSecond);
    for (const { service, operation, conformance } of stored) {
      const entry = this.#table.services.get(service);
      if (entry !== undefined && operation === '') this.#conformance.restore(entry, conformance);
    }
    this.#replies.publish(nowMs);
  }

  /** Windows in order of time, each with its rows. */
  #takeIn({ rows, startMs, endMs, nowMs }: ControlRound): void {
    const { windowMs } = this.#options;
    const firstMs = Math.floor(startMs / windowMs) * windowMs;
    if (firstMs + windowMs >= endMs) {
      this.#intake.window(firstMs, rows, nowMs);
      return;
    }
    const byWindow = new Map<number, RootRow[]>();
    for (const row of rows) {
      const at = Math.floor((row.windowS * 1000) / windowMs) * windowMs;
      const window = byWindow.get(at);
      if (window === undefined) byWindow.set(at, [row]);
      else window.push(row);
    }
    for (let at = firstMs; at < endMs; at += windowMs) this.#intake.window(at, byWindow.get(at) ?? [], nowMs);
  }

  #forget(slot: number): void {
    this.#boosts.forget(slot);
    this.#conformance.forget(slot);
  }

  #takeCosts(costs: ReadonlyMap<string, ReadonlyMap<string, TraceCost>>): void {
    for (const [name, operations] of costs) {
      const service = this.#table.services.get(name);
      if (service === undefined) continue;
      for (const [operation, { spans, bytes }] of operations) {
        const slot = operation === '' ? service.defaultSlot : service.byName.get(operation);
        if (slot === undefined) continue;
        this.#table.costSpans[slot] = spans;
        this.#table.costBytes[slot] = bytes;
      }
    }
  }

  /** What is planned becomes what is served, unless it is only observed; the decisions worth telling. */
  #serve(nowMs: number, endMs: number): readonly ControlDecision[] {
    const table = this.#table;
    const isObserved = this.#options.mode === 'observe';
    const decided: ControlDecision[] = [];
    for (let slot = 0; slot < table.used; slot++) {
      const index = table.service[slot] as number;
      if (index < 0 && slot !== FALLBACK) continue;
      const planned = table.planned[slot] as number;
      const toldBefore = table.told[slot] as number;
      if (planned === toldBefore) continue;
      table.told[slot] = planned;
      table.previous[slot] = table.served[slot] as number;
      if (!isObserved && planned !== table.served[slot]) {
        table.served[slot] = planned;
        table.changedAtMs[slot] = nowMs;
        const service = table.serviceList[index];
        const forgetMs = endMs - (service?.horizonMs ?? this.#options.unknownPollIntervalMs);
        table.history.push(slot, nowMs, planned, forgetMs);
        table.gateUntilMs[slot] = Number.NEGATIVE_INFINITY;
        if (service !== undefined) service.isDirty = true;
      }
      decided.push(this.#decisions.write(slot));
    }
    return decided;
  }
}
