import type { Conformance } from './controller.ts';

/** Octaves below the gate that are told apart, in variate classes, and one bin for all that is smaller. */
const BINS = 25;
const SMALLEST = BINS - 1;
const EXPECTED = Array.from({ length: BINS }, (_, bin) =>
  bin === SMALLEST ? 2 ** (-SMALLEST / 8) : 2 ** (-bin / 8) * (1 - 2 ** (-1 / 8)),
);
const UPPER_OCTAVE = 8;

/** Roots above the gate are summed up, less this share of all roots; the sum decides. */
const STRAY_SHARE = 0.005;
const NAMED_AT = 4;
/** So that one that follows again is cleared within 2,000 roots. */
const MOST_EXCESS = 10;

/** Looks at the distribution happen at 100 roots and each time they have doubled: chance gets few tries. */
const FIRST_LOOK = 100;
const AGED_AT = 1600;
/** Deviations (chance 3e-6), and how far the share of the upper half must be from one half to matter. */
const TOO_FEW = 4.5;
const FEWER_THAN = 0.42;
/** Of a chi-squared with 24 degrees of freedom; chance 5e-7. */
const NOT_UNIFORM = 75;
const FOLLOWS_FROM = 50;

/** What the roots of one service have shown about how it samples. */
export class ConformanceState {
  /** The cumulated excess over the gate; see `evidence`. */
  #excess = 0;
  #isMore = false;
  readonly #bins = new Float64Array(BINS);
  #below = 0;
  #nextLook = FIRST_LOOK;
  #shape: 'unknown' | 'follows' | 'samples_less' | 'not_uniform' = 'unknown';
  #verdict: Conformance = 'unknown';

  get verdict(): Conformance {
    return this.#verdict;
  }

  /** Takes over what another process has concluded, until there is enough to conclude anew. */
  restore(verdict: Conformance): void {
    if (verdict === 'samples_more') {
      this.#isMore = true;
      this.#excess = NAMED_AT;
    } else this.#shape = verdict;
    this.#conclude();
  }

  /** `above` of `roots` lie above all that can be in force and are not explained by a lower bound. */
  excess(above: number, roots: number): void {
    const next = this.#excess + above - STRAY_SHARE * roots;
    this.#excess = Math.max(0, Math.min(MOST_EXCESS, next));
    if (this.#excess >= NAMED_AT) this.#isMore = true;
    else if (this.#excess === 0) this.#isMore = false;
    this.#conclude();
  }

  /** Roots below the gate: `count` in the class that is `classesBelow` under it. */
  below(classesBelow: number, count: number): void {
    const bin = Math.min(SMALLEST, classesBelow);
    this.#bins[bin] = (this.#bins[bin] as number) + count;
    this.#below += count;
  }

  /** Draws conclusions where there is enough that is new. */
  judge(): void {
    if (this.#below >= this.#nextLook) this.#look();
    else if (this.#shape === 'unknown' && this.#below >= FOLLOWS_FROM) this.#shape = 'follows';
    this.#conclude();
  }

  #look(): void {
    const n = this.#below;
    let [upper, distance] = [0, 0];
    for (let bin = 0; bin < BINS; bin++) {
      const found = this.#bins[bin] as number;
      const expected = n * (EXPECTED[bin] as number);
      if (bin < UPPER_OCTAVE) upper += found;
      distance += (found - expected) ** 2 / expected;
    }
    const tooFew = (n / 2 - upper) / Math.sqrt(n / 4);
    if (tooFew > TOO_FEW && upper / n < FEWER_THAN) this.#shape = 'samples_less';
    else this.#shape = distance > NOT_UNIFORM ? 'not_uniform' : 'follows';
    this.#nextLook = n * 2;
    if (n < AGED_AT) return;
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = (this.#bins[bin] as number) / 2;
    this.#below /= 2;
    this.#nextLook = this.#below * 2;
  }

  #conclude(): void {
    this.#verdict = this.#isMore ? 'samples_more' : this.#shape;
  }
}
