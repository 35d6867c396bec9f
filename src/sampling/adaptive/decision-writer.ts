import type { Allocation } from './allocation.ts';
import type { ConformanceWatch } from './conformance-watch.ts';
import type { ControlDecision } from './controller.ts';
import type { OperationTable } from './operation-table.ts';
import { rateAbove, rateBelow } from './rate-estimate.ts';
import { ruleOf } from './rules.ts';
import { noView } from './served-history.ts';

/** Of a 95 % interval. */
const DEVIATIONS = 1.96;

/** Puts a row of the table into the words of a decision. */
export class DecisionWriter {
  readonly #table: OperationTable;
  readonly #conformance: ConformanceWatch;
  readonly #allocation: Allocation;
  readonly #view = noView();

  readonly #isObserved: boolean;

  /** `isObserved`: what is planned is not served. */
  constructor(
    table: OperationTable,
    conformance: ConformanceWatch,
    allocation: Allocation,
    isObserved: boolean,
  ) {
    this.#table = table;
    this.#isObserved = isObserved;
    this.#conformance = conformance;
    this.#allocation = allocation;
  }

  write(slot: number): ControlDecision {
    const table = this.#table;
    const service = table.serviceList[table.service[slot] as number];
    const dispersion = table.dispersion[slot] as number;
    const samples = (table.samples[slot] as number) / dispersion;
    const exposure = (table.exposure[slot] as number) / dispersion;
    const rate = table.rate[slot] as number;
    // The interval is of the window's mean; a trend moves it along.
    const ahead = samples > 0 && exposure > 0 ? rate / (samples / exposure) : 1;
    const probability = table.planned[slot] as number;
    const served = this.#isObserved ? (table.served[slot] as number) : probability;
    const gates = this.#gatesOf(slot);
    const isKnown = exposure > 0;
    const target = Math.min(table.target[slot] as number, Math.max(rate, table.charge[slot] as number));
    return {
      service: service?.name ?? '',
      operation: table.names[slot] as string,
      probability,
      previous: this.#isObserved ? served : (table.previous[slot] as number),
      changedAtMs: table.changedAtMs[slot] as number,
      rule: ruleOf(table.rule[slot] as number),
      rate: isKnown && rate > 0 ? rate : Number.NaN,
      rateLow: isKnown ? ahead * rateBelow(samples, exposure, DEVIATIONS) : Number.NaN,
      rateHigh: isKnown ? ahead * rateAbove(samples, exposure, DEVIATIONS) : Number.NaN,
      samples,
      overS: table.overS[slot] as number,
      target: Number.isFinite(table.target[slot] as number) ? (table.target[slot] as number) : target,
      budgetShare: this.#allocation.fractionOf(slot),
      conformance: service === undefined ? 'unknown' : this.#conformance.of(service),
      // What was in force at the last window, and what is served since then.
      gateLow: Math.min(gates.lowest, served),
      gateHigh: Math.max(gates.highest, served),
      lowerBound: service?.lowerBound ?? Number.NaN,
    };
  }

  /** As of the last window; before there was one, as they were taken over. */
  #gatesOf(slot: number): { readonly lowest: number; readonly highest: number } {
    const { low, high, changedAtMs, history } = this.#table;
    if ((low[slot] as number) > 0) return { lowest: low[slot] as number, highest: high[slot] as number };
    const changedMs = changedAtMs[slot] as number;
    history.look(slot, changedMs - 1, changedMs - 1, changedMs, this.#view);
    return this.#view;
  }
}
