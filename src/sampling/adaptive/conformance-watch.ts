import type { SampledRoots } from '../roots/root-row.ts';
import { ConformanceState } from './conformance-state.ts';
import type { Conformance } from './controller.ts';
import type { RowWatch } from './intake.ts';
import type { OperationTable, ServiceEntry } from './operation-table.ts';

/** Tokens that the lower bounds of all instances have for one operation. */
interface LowerBoundCredit {
  tokens: number;
  atMs: number;
  instances: number;
}

/** With larger probabilities, few tokens show, and chance has more of a say in how many. */
const MOST_HIDDEN = 0.5;

/** A tag's probability is taken for the served one within this. */
const TAG_TOLERANCE = 1.02;

/**
 * Judges each service from the variates of its roots: above all that can be in force there must be none but what a lower
 * bound kept, and under the gate they must be spread evenly.
 */
export class ConformanceWatch implements RowWatch {
  readonly #table: OperationTable;
  readonly #states = new WeakMap<ServiceEntry, ConformanceState>();
  /** By slot, of services with SDKs that honour a lower bound. */
  readonly #credits = new Map<number, LowerBoundCredit>();
  readonly #touched = new Set<ConformanceState>();

  constructor(table: OperationTable) {
    this.#table = table;
  }

  of(service: ServiceEntry): Conformance {
    return this.#states.get(service)?.verdict ?? 'unknown';
  }

  /** Whether its roots do not tell its traffic: fewer than it says, or not at random. */
  hides(service: ServiceEntry): boolean {
    const verdict = this.of(service);
    return verdict === 'samples_less' || verdict === 'not_uniform';
  }

  row(slot: number, service: ServiceEntry, sampled: SampledRoots, windowMs: number): void {
    const state = this.#stateOf(service);
    this.#touched.add(state);
    const highest = this.#table.high[slot] as number;
    const { classes, counts } = sampled.variates;
    const lastAbove = this.#table.lastAbove[slot] as number;
    const firstBelow = this.#table.gateClass[slot] as number;
    let [roots, above] = [0, 0];
    for (let i = 0; i < classes.length; i++) {
      const count = counts[i] as number;
      const at = classes[i] as number;
      roots += count;
      if (at <= lastAbove) above += count;
      if (at >= firstBelow) state.below(at - firstBelow, count);
    }
    if (sampled.tagged > 0 && sampled.tagged > highest * TAG_TOLERANCE * sampled.adjusted) {
      above += sampled.tagged;
    }
    if (above > 0 && service.hasLowerBound) above = this.#beyondLowerBound(slot, service, above, windowMs);
    state.excess(above, roots + sampled.tagged);
  }

  restore(service: ServiceEntry, verdict: Conformance): void {
    this.#stateOf(service).restore(verdict);
  }

  #stateOf(service: ServiceEntry): ConformanceState {
    let state = this.#states.get(service);
    if (state === undefined) {
      state = new ConformanceState();
      this.#states.set(service, state);
    }
    return state;
  }

  forget(slot: number): void {
    this.#credits.delete(slot);
  }

  judge(): void {
    for (const state of this.#touched) state.judge();
    this.#touched.clear();
  }

  /**
   * Those of `above` that no lower bound can have kept. Each instance has one token for each operation, and gets
   * another one so many times a second; the next request takes it, and if the probability does not keep it the lower
   * bound does. Tokens tend to come all at once, since all were taken at once when the instances began.
   */
  #beyondLowerBound(slot: number, service: ServiceEntry, above: number, windowMs: number): number {
    const instances = Math.max(1, service.instances ?? 1);
    let credit = this.#credits.get(slot);
    if (credit === undefined) {
      credit = { tokens: instances, atMs: windowMs, instances };
      this.#credits.set(slot, credit);
    }
    const perSecond = service.lowerBoundInForce * instances;
    const refill = (Math.max(0, windowMs - credit.atMs) / 1000) * perSecond;
    const joined = Math.max(0, instances - credit.instances);
    const tokens = Math.min(instances, credit.tokens + refill) + joined;
    // Of the tokens that are taken, the share that shows.
    const shown = 1 - Math.min(MOST_HIDDEN, this.#table.low[slot] as number);
    const explained = Math.min(above, tokens * shown);
    credit.tokens = tokens - explained / shown;
    credit.atMs = windowMs;
    credit.instances = instances;
    return above - explained;
  }
}
