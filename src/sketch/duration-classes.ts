/**
 * A first guess for "which bucket" straight from the bits of a duration: all durations whose exponent and
 * first six mantissa bits agree are one class, and per class a table knows the lowest bucket that can be it.
 * A search from there takes a step or two, however many buckets there are.
 */
const FIRST_EXPONENT = 1023; // 2^0: one nanosecond
const EXPONENTS = 65; // up to 2^64 ns, the largest a span can be long
const MANTISSA_BITS = 6;

const FIRST = FIRST_EXPONENT << MANTISSA_BITS;
export const CLASSES = EXPONENTS << MANTISSA_BITS;

/** The class of a duration in ns, given the high 32 bits of the double; 0 ns belongs to the first class. */
export function classOf(highBits: number): number {
  const found = (highBits >>> (20 - MANTISSA_BITS)) - FIRST;
  if (found < 0) return 0;
  return found < CLASSES ? found : CLASSES - 1;
}

/** Of each octave of durations: fine enough to see a p95 move, coarse enough to be kept per window and operation. */
const COARSE_BITS = 2;
export const COARSE_CLASSES = EXPONENTS << COARSE_BITS;

/** The coarse class of a duration in ns, given the high 32 bits of the double: four to an octave. */
export function coarseClassOf(highBits: number): number {
  return classOf(highBits) >>> (MANTISSA_BITS - COARSE_BITS);
}

/** The shortest duration of a coarse class (0 for the first, which has 0 ns too); the next class begins where it ends. */
export function coarseLowerNs(coarseClass: number): number {
  if (coarseClass === 0) return 0;
  const step = coarseClass & ((1 << COARSE_BITS) - 1);
  return 2 ** (coarseClass >>> COARSE_BITS) * (1 + step / (1 << COARSE_BITS));
}

/** Per class: how many of the ascending `boundsNs` lie below everything in it. */
export function firstCandidates(boundsNs: Float64Array): Uint16Array {
  const candidates = new Uint16Array(CLASSES);
  let below = 0;
  for (let index = 1; index < CLASSES; index++) {
    const step = index & ((1 << MANTISSA_BITS) - 1);
    const lowest = 2 ** (index >>> MANTISSA_BITS) * (1 + step / (1 << MANTISSA_BITS));
    while (below < boundsNs.length && (boundsNs[below] as number) < lowest) below++;
    candidates[index] = below;
  }
  return candidates;
}

const scratch = new Float64Array(1);
const scratchBits = new Uint32Array(scratch.buffer);
/** Which of the two words of a double holds sign and exponent. */
export const HIGH_WORD = (() => {
  scratch[0] = 1;
  return scratchBits[1] === 0 ? 0 : 1;
})();

/** High 32 bits of a double, for the odd value outside a column. */
export function highBitsOf(value: number): number {
  scratch[0] = value;
  return scratchBits[HIGH_WORD] as number;
}
