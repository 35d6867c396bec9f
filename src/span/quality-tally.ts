import type { Interner } from './interner.ts';
import { QUALITY, type SpanBatch } from './span-batch.ts';

/** What can be odd about a span that is counted all the same, each under the word that tells it in metrics. */
export const REPAIRS = [
  ['end_before_start', QUALITY.negativeDuration],
  ['too_late', QUALITY.tooLate],
  ['too_early', QUALITY.clampedTime],
  ['invalid_id', QUALITY.invalidId],
  ['weight_capped', QUALITY.cappedWeight],
  ['invalid_weight', QUALITY.inconsistentWeight],
  ['unknown_rate', QUALITY.unknownRate],
] as const;

export type Repair = (typeof REPAIRS)[number][0] | 'invalid_utf8';

const IS_ODD = REPAIRS.reduce((bits, [, bit]) => bits | bit, 0);
const COMBINATIONS = 256;

/** Counts the repairs of a batch: one pass over a column of bytes, whatever there is. */
export class QualityTally {
  readonly #names: Interner;
  readonly #counts = new Uint32Array(COMBINATIONS);

  constructor(names: Interner) {
    this.#names = names;
  }

  /** Calls back with each repair that there is, and of how many spans. */
  of(batch: SpanBatch, told: (repair: Repair, spans: number) => void): void {
    const { quality, spans } = batch;
    const counts = this.#counts;
    counts.fill(0);
    for (let i = 0; i < spans; i++) {
      const bits = quality[i] as number;
      counts[bits] = (counts[bits] as number) + 1;
    }
    for (const [repair, bit] of REPAIRS) {
      let sum = 0;
      for (let bits = 1; bits < COMBINATIONS; bits++) {
        // What is too late is clamped as well, but only once a reason.
        const shown = (bits & QUALITY.tooLate) === 0 ? bits : bits & ~QUALITY.clampedTime;
        if ((shown & bit & IS_ODD) !== 0) sum += counts[bits] as number;
      }
      if (sum > 0) told(repair, sum);
    }
    const invalid = this.#invalidNames(batch);
    if (invalid > 0) told('invalid_utf8', invalid);
  }

  #invalidNames({ nameId, spans }: SpanBatch): number {
    const { invalid } = this.#names;
    if (invalid.size === 0) return 0;
    let sum = 0;
    for (let i = 0; i < spans; i++) if (invalid.has(nameId[i] as number)) sum++;
    return sum;
  }
}
