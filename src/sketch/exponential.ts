import { classOf, firstCandidates, highBitsOf } from './duration-classes.ts';

/**
 * Exponential histogram of durations in seconds at scale 4 (16 buckets per doubling, 4.4 % wide): bucket i
 * covers (2^(i/16), 2^((i+1)/16)]. Two histograms merge by adding counts of equal indexes.
 */
export const SCALE = 4;

/** Where spans of zero length are counted: so low that 2^(i/16) is 0 for every reader. */
export const ZERO_INDEX = -32_768;

/** Index of 1 ns, the shortest that is not zero, and of the longest that 64 bits of ns can say. */
export const MIN_INDEX = -479;
export const MAX_INDEX = 545;

/** 2^(j/16), written down so that no engine's rounding of a power decides where a span is counted. */
const ROOTS = [
  1,
  1.0442737824274138,
  1.0905077326652577,
  1.1387886347566916,
  1.189207115002721,
  1.241857812073484,
  1.2968395546510096,
  1.3542555469368927,
  Math.SQRT2,
  1.4768261459394993,
  1.5422108254079407,
  1.6104903319492543,
  1.681792830507429,
  1.7562521603732995,
  1.8340080864093424,
  1.9152065613971474,
] as const;

/** 2^(index/16) seconds: what bucket `index` begins after and bucket `index - 1` ends at. */
export function boundSeconds(index: number): number {
  if (index === ZERO_INDEX) return 0;
  return (ROOTS[index & 15] as number) * 2 ** (index >> 4);
}

/** Bounds in ns of MIN_INDEX .. MAX_INDEX + 1, for a search with `CANDIDATES`. */
export const BOUNDS_NS = Float64Array.from(
  { length: MAX_INDEX - MIN_INDEX + 2 },
  (_, i) => boundSeconds(MIN_INDEX + i) * 1e9,
);
export const CANDIDATES = firstCandidates(BOUNDS_NS);

/** The bucket of a duration in ns. */
export function exponentialIndex(durationNs: number): number {
  if (durationNs === 0) return ZERO_INDEX;
  let bound = CANDIDATES[classOf(highBitsOf(durationNs))] as number;
  while (durationNs > (BOUNDS_NS[bound] as number)) bound++;
  return MIN_INDEX + bound - 1;
}
