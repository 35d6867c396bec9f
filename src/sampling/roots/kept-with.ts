import { adjustedCount, INCONSISTENT } from '../../span/adjusted-count.ts';
import { SAMPLER, type SamplerTags } from '../../span/sampler-tags.ts';
import type { SpanBatch } from '../../span/span-batch.ts';

/** How a root came to be sampled, as far as it tells. */
export const KEPT = {
  /** Nothing is told: its trace id is all there is. */
  untold: 0,
  /** With a probability that it tells. */
  tagged: 1,
  /** By a lower bound, a rate limit or a constant. */
  bounded: 2,
} as const;

/** Above it a span's claim is taken for this many: one forged span must not drown a service. */
export const MAX_ADJUSTED = 1e6;

/** What is wrong with what roots tell, since somebody has set it to 0. */
export interface OddTally {
  /** A trace state whose randomness lies below its threshold: ignored. */
  inconsistent: number;
  /** A probabilistic sampler with a param that is no probability: ignored. */
  unusable: number;
  /** More than MAX_ADJUSTED: cut down to that. */
  capped: number;
}

/**
 * Reads what a root tells of the probability that it was kept with: the threshold of its trace state
 * (`ot=th`) before `sampler.param` before `jaeger.sampler.param`.
 */
export class KeptWith {
  /** How many requests the root stands for, >= 1; of consequence for a tagged one alone. */
  adjusted = 1;
  readonly odd: OddTally = { inconsistent: 0, unusable: 0, capped: 0 };
  readonly #tags: SamplerTags;

  /** `tags` have just been read of the span that is asked for. */
  constructor(tags: SamplerTags) {
    this.#tags = tags;
  }

  /** One of KEPT. */
  read(batch: SpanBatch, span: number): number {
    const stateLength = batch.traceStateLength[span] as number;
    if (stateLength !== 0) {
      const count = adjustedCount(batch.arena, batch.traceStateAt[span] as number, stateLength);
      if (count >= 1) return this.#tagged(count);
      if (count === INCONSISTENT) this.odd.inconsistent++;
    }
    const tags = this.#tags;
    if (tags.type === SAMPLER.unrecognized) return KEPT.untold;
    if (tags.type >= SAMPLER.lowerbound) return KEPT.bounded;
    const { param } = tags;
    if (param > 0 && param <= 1) return this.#tagged(1 / param);
    this.odd.unusable++;
    return KEPT.untold;
  }

  #tagged(adjusted: number): number {
    if (adjusted > MAX_ADJUSTED) this.odd.capped++;
    this.adjusted = Math.min(adjusted, MAX_ADJUSTED);
    return KEPT.tagged;
  }
}
