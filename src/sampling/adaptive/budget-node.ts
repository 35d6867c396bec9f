/** What is measured is averaged over about so many samples, within these times. */
const AVERAGED_SAMPLES = 1500;
const SHORTEST_S = 15;
const LONGEST_S = 180;
/** How fast the correction follows. */
const FOLLOWS_S = 30;
/** Samples that a plan is worth before anything was measured. */
const PLAN_SAMPLES = 100;
const LARGEST = 2;

/**
 * Keeps what a budget really costs at what it may cost. Plans err in one direction (the mean of 1/estimate is above
 * 1/mean, operations with few samples are planned for more than they have, new ones are not planned for at all), so
 * windows are compared with what was planned for them before, and the budget that is shared out is corrected slowly.
 */
export class BudgetNode {
  #measured = 0;
  #beside = 0;
  #seconds = 0;
  #planned = 0;
  #correction = 1;

  /** Times the budget is what is to be shared out. */
  get correction(): number {
    return this.#correction;
  }

  /** Traces per second that nothing of this decides on: lower bounds, services that do not follow. */
  get besidePerSecond(): number {
    return this.#seconds > 0 ? this.#beside / this.#seconds : 0;
  }

  /** A stretch of time: samples that there were, that the plans of before said, and that came besides. */
  measure(samples: number, planned: number, beside: number, seconds: number): void {
    const averagedS = (AVERAGED_SAMPLES * seconds) / Math.max(samples, planned, 1e-9);
    const keep = Math.exp(-seconds / Math.max(SHORTEST_S, Math.min(LONGEST_S, averagedS)));
    this.#measured = this.#measured * keep + samples;
    this.#planned = this.#planned * keep + planned;
    this.#beside = this.#beside * keep + beside;
    this.#seconds = this.#seconds * keep + seconds;
  }

  /** `total`: traces per second (or what the budget counts) that the probabilities now in force come to by plan. */
  follow(total: number, budget: number, seconds: number): void {
    const bias = (this.#measured + PLAN_SAMPLES) / (this.#planned + PLAN_SAMPLES);
    const expected = total * bias;
    if (!(expected > 0)) return;
    const step = (budget / expected) ** Math.min(1, seconds / FOLLOWS_S);
    this.#correction = Math.max(1 / LARGEST, Math.min(LARGEST, this.#correction * step));
  }

  /** Nothing is short: there is nothing to correct. */
  relax(): void {
    this.#correction = 1;
  }
}
