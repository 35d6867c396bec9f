import type { OperationTable } from './operation-table.ts';
import { MANY_SAMPLES, SILENT } from './probability-law.ts';
import { estimateRate, noEstimate, type RateQuestion, rateAbove, rateBelow } from './rate-estimate.ts';

/** An operation without new roots is looked at in one of so many rounds. */
const TURNS = 4;
/** Deviations below the estimate. */
const SURE = 2;
/** A trend is not followed further ahead than this. */
const FURTHEST_AHEAD_S = 120;
/** Beyond so many operations each window is looked at less often, which costs a little accuracy and saves a third of a round. */
const MANY_OPERATIONS = 20_000;
const LOOKS = { few: 1, many: 1.25 } as const;

/** Brings the estimates of all operations that have something new up to date. */
export class Estimates {
  readonly #table: OperationTable;
  readonly #estimate = noEstimate();
  readonly #question: RateQuestion;
  #turn = 0;

  constructor(table: OperationTable) {
    this.#table = table;
    this.#question = { cells: table.cells.all, slot: 0, dispersion: 1, aheadS: 0, looks: LOOKS.few };
  }

  /** `dataAgeMs`: how long before now the newest window ended. */
  update(dataAgeMs: number): void {
    const table = this.#table;
    this.#turn = (this.#turn + 1) % TURNS;
    this.#question.cells = table.cells.all;
    this.#question.looks = table.used > MANY_OPERATIONS ? LOOKS.many : LOOKS.few;
    for (let slot = 1; slot < table.used; slot++) {
      const index = table.service[slot] as number;
      if (index < 0) continue;
      const hasFresh = (table.fresh[slot] as number) > 0;
      if (!hasFresh && slot % TURNS !== this.#turn) continue;
      // No root for longer than chance explains: what was known before stands.
      const isSilent = (table.surely[slot] as number) * (table.gap[slot] as number) > SILENT;
      if (!isSilent) {
        const slowestMs = table.serviceList[index]?.slowestMs ?? 0;
        const aheadS = Math.min(FURTHEST_AHEAD_S, (dataAgeMs + slowestMs / 2) / 1000);
        this.#look(slot, aheadS);
      }
      this.#plan(slot, isSilent);
    }
  }

  /** After a round: what comes next is new again. */
  settle(): void {
    this.#table.fresh.fill(0, 0, this.#table.used);
  }

  #look(slot: number, aheadS: number): void {
    const table = this.#table;
    const estimate = this.#estimate;
    const question = this.#question;
    question.slot = slot;
    question.dispersion = table.dispersion[slot] as number;
    question.aheadS = aheadS;
    estimateRate(question, estimate);
    table.samples[slot] = estimate.samples;
    table.exposure[slot] = estimate.exposure;
    table.overS[slot] = estimate.overS;
    table.rate[slot] = estimate.rate;
    const dispersion = table.dispersion[slot] as number;
    const { samples, exposure } = estimate;
    const isKnown = samples >= 1 && exposure > 0;
    table.surely[slot] = isKnown ? rateBelow(samples / dispersion, exposure / dispersion, SURE) : 0;
  }

  /** With few samples the budget reckons with as much traffic as there may well be. */
  #plan(slot: number, isSilent: boolean): void {
    const table = this.#table;
    const rate = table.rate[slot] as number;
    const gap = table.gap[slot] as number;
    if (isSilent) {
      table.plan[slot] = Math.min(rate, rateAbove(0, gap, 1));
      return;
    }
    const dispersion = table.dispersion[slot] as number;
    const samples = (table.samples[slot] as number) / dispersion;
    const exposure = (table.exposure[slot] as number) / dispersion;
    table.plan[slot] = samples >= MANY_SAMPLES ? rate : exposure > 0 ? rateAbove(samples, exposure, 1) : 0;
  }
}
