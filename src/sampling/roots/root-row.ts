/**
 * What one window saw of the sampled root spans of one operation, as it is stored: numbers add up, classes add up, so
 * rows of any number of blocks merge. A function of the spans alone: what was served at the time is not in it.
 */
export interface RootRow {
  /** Window start, Unix seconds, by the root span's end. */
  readonly windowS: number;
  readonly service: string;
  /** The span's name; SHARED_OPERATION where the name itself is one of too many. */
  readonly operation: string;
  readonly sampled: SampledRoots;
}

export interface SampledRoots {
  /** All sampled root spans, whatever sampled them. */
  readonly roots: number;
  /** Of these, the ones that tell the probability they were kept with (`ot=th`, `sampler.param`, `jaeger.sampler.param`). */
  readonly tagged: number;
  /** Sum of 1/p over the tagged ones: an unbiased count of all requests of tagged SDKs. */
  readonly adjusted: number;
  /** Sum of 1/p^2 over the tagged ones: the variance of `adjusted` as an estimate of a Poisson mean. */
  readonly adjustedSquares: number;
  /** Of `roots`, those that a tag says a lower bound, a rate limit or a constant kept: they tell nothing about how many there were. */
  readonly bounded: number;
  /**
   * The other roots (neither tagged nor bounded) by class of their trace id's variate u, ascending by class: see
   * variate-classes.ts. Roots of an SDK whose rule is not known have no variate and are only in `roots`.
   */
  readonly variates: Classes;
  /** Roots with status error. */
  readonly errors: number;
  /** Roots by class of duration, ascending: see duration classes of sketch/. */
  readonly durations: Classes;
}

/** Sparse counts: `counts[i]` of class `classes[i]`, ascending, no zeros. */
export interface Classes {
  readonly classes: readonly number[];
  readonly counts: readonly number[];
}

export const NO_CLASSES: Classes = { classes: [], counts: [] };

export const NO_ROOTS: SampledRoots = {
  roots: 0,
  tagged: 0,
  adjusted: 0,
  adjustedSquares: 0,
  bounded: 0,
  variates: NO_CLASSES,
  errors: 0,
  durations: NO_CLASSES,
};
