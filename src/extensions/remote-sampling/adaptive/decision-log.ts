import type { DecisionRound, SamplingStore } from '../../../sampling/store/store.ts';

/** Rounds that wait for the store; beyond it the oldest are given up. */
const MOST_WAITING = 200;

/** Has every round stored, once and in order: what could not be stored waits for the next. */
export class DecisionLog {
  readonly #store: Pick<SamplingStore, 'insertDecisions'>;
  readonly #waiting: DecisionRound[] = [];

  constructor(store: Pick<SamplingStore, 'insertDecisions'>) {
    this.#store = store;
  }

  /** Rejects while something waits that the store does not take. */
  async save(round: DecisionRound): Promise<void> {
    if (round.decisions.length > 0) this.#waiting.push(round);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.splice(0, this.#waiting.length - MOST_WAITING);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      await this.#store.insertDecisions(next);
      this.#waiting.shift();
    }
  }
}
