import type { SampledRoots } from '../roots/root-row.ts';
import type { RowWatch } from './intake.ts';
import { OperationHealth } from './operation-health.ts';
import type { OperationTable, ServiceEntry } from './operation-table.ts';
import type { BoostOptions } from './options.ts';

/**
 * Gives operations whose errors or durations deviate from their own baseline more for a while. All boosts together stay
 * within their share.
 */
export class Boosts implements RowWatch {
  readonly #table: OperationTable;
  readonly #options: BoostOptions | undefined;
  readonly #health = new OperationHealth();
  readonly #deviating: number[] = [];
  /** By slot, Unix ms. */
  readonly #boostedUntilMs = new Map<number, number>();
  readonly #coolUntilMs = new Map<number, number>();
  #factor = 1;

  constructor(table: OperationTable, options: BoostOptions | undefined) {
    this.#table = table;
    this.#options = options;
  }

  /** 1 without a boost. */
  factorOf(slot: number): number {
    return this.#boostedUntilMs.size > 0 && this.#boostedUntilMs.has(slot) ? this.#factor : 1;
  }

  row(slot: number, _service: ServiceEntry, sampled: SampledRoots, windowMs: number): void {
    if (this.#options === undefined) return;
    if (this.#health.deviates(slot, sampled, windowMs)) this.#deviating.push(slot);
  }

  /** Begins and ends boosts. */
  decide(nowMs: number): void {
    if (this.#options === undefined) return;
    const { durationMs, coolDownMs } = this.#options;
    for (const [slot, untilMs] of this.#boostedUntilMs)
      if (nowMs >= untilMs) this.#boostedUntilMs.delete(slot);
    for (const [slot, untilMs] of this.#coolUntilMs) if (nowMs >= untilMs) this.#coolUntilMs.delete(slot);
    for (const slot of this.#deviating) {
      if (this.#coolUntilMs.has(slot)) continue;
      this.#boostedUntilMs.set(slot, nowMs + durationMs);
      this.#coolUntilMs.set(slot, nowMs + durationMs + coolDownMs);
    }
    this.#deviating.length = 0;
    if (this.#boostedUntilMs.size > 0) this.#factor = this.#affordable(this.#options);
  }

  /** What was learned of a slot is not its next operation's. */
  forget(slot: number): void {
    this.#health.forget(slot);
    this.#boostedUntilMs.delete(slot);
    this.#coolUntilMs.delete(slot);
  }

  #affordable({ factor, budgetShare }: BoostOptions): number {
    const { charge, used } = this.#table;
    let all = 0;
    let boosted = 0;
    for (let slot = 1; slot < used; slot++) all += charge[slot] as number;
    for (const slot of this.#boostedUntilMs.keys()) boosted += charge[slot] as number;
    boosted /= this.#factor;
    all -= boosted * (this.#factor - 1);
    if (boosted <= 0) return factor;
    return Math.max(1, Math.min(factor, 1 + (budgetShare * all) / boosted));
  }
}
