import { assert } from '../base/assert.ts';
import { classOf, firstCandidates, highBitsOf } from './duration-classes.ts';

/** Buckets between upper bounds that belong to them ("le"); one more than there are bounds. */
export interface ExplicitBuckets {
  /** Ascending, ns. */
  readonly boundsNs: Float64Array;
  /** Per duration class (see duration-classes.ts), the bucket from which to search upwards. */
  readonly candidates: Uint16Array;
}

/** Bounds that the collector's connectors have by default. */
export const DEFAULT_BUCKETS_MS = [
  2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000,
] as const;

export function explicitBuckets(boundsNs: readonly number[]): ExplicitBuckets {
  for (let i = 1; i < boundsNs.length; i++) {
    assert((boundsNs[i - 1] as number) < (boundsNs[i] as number), 'bounds ascend');
  }
  const bounds = Float64Array.from(boundsNs);
  return { boundsNs: bounds, candidates: firstCandidates(bounds) };
}

/** Index of the first bound that is not below the duration; the number of bounds when all are. */
export function bucketOf({ boundsNs, candidates }: ExplicitBuckets, durationNs: number): number {
  let bucket = candidates[classOf(highBitsOf(durationNs))] as number;
  while (bucket < boundsNs.length && durationNs > (boundsNs[bucket] as number)) bucket++;
  return bucket;
}
