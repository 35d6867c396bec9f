/** Buckets of 1/16 doubling from 1 us to more than an hour. */
const PER_DOUBLING = 16;
const BUCKETS = 32 * PER_DOUBLING;
const SHORTEST_US = 1;

/** A timer's values in shared memory: the sum of all seconds, and a count for each bucket. */
export const TIMER_SLOTS = 1 + BUCKETS;
export const SUM_SLOT = 0;

/** The slot that counts a duration. */
export function slotOf(seconds: number): number {
  const us = seconds * 1e6;
  if (!(us > SHORTEST_US)) return 1;
  return 1 + Math.min(BUCKETS - 1, Math.floor(Math.log2(us) * PER_DOUBLING));
}

/** What a slot's durations are shown as: the middle of its bucket, in us. */
export function microsecondsOf(slot: number): number {
  return 2 ** ((slot - 0.5) / PER_DOUBLING);
}
