/**
 * A variate u in [0, 1] is stored as its class: class c holds u in [2^(-(c+1)/8), 2^(-c/8)), so that all u below a
 * gate that lies on a class's bound can be counted later, whatever the gate is. u = 1 is in class 0.
 */
export const CLASSES_PER_OCTAVE = 8;
/** Below 2^-40 (1e-12) nobody samples: all smaller variates are in the last class. */
export const LAST_CLASS = 40 * CLASSES_PER_OCTAVE - 1;

/** `BOUNDS[c]` = 2^(-c/8): all u of the classes >= c lie below it. */
const BOUNDS = Float64Array.from({ length: LAST_CLASS + 2 }, (_, c) => 2 ** (-c / CLASSES_PER_OCTAVE));

/** The class of u in [0, 1]. */
export function variateClass(u: number): number {
  if (u >= 1) return 0;
  if (u < (BOUNDS[LAST_CLASS] as number)) return LAST_CLASS;
  // The logarithm may be off by one where u lies on a bound; the table decides.
  let c = Math.min(LAST_CLASS, Math.max(0, Math.floor(-Math.log2(u) * CLASSES_PER_OCTAVE)));
  while (u >= (BOUNDS[c] as number)) c--;
  while (c < LAST_CLASS && u < (BOUNDS[c + 1] as number)) c++;
  return c;
}

/** The first class that lies whole below the gate `q`: of the roots in it and above, all had u < q. */
export function firstClassBelow(q: number): number {
  let c = Math.max(0, Math.floor(-Math.log2(q) * CLASSES_PER_OCTAVE));
  while (c > 0 && (BOUNDS[c - 1] as number) <= q) c--;
  while (c <= LAST_CLASS && (BOUNDS[c] as number) > q) c++;
  return c;
}

/** The largest bound that is not above `q`, which is what a count from firstClassBelow(q) on was gated by. */
export function gateBelow(q: number): number {
  return BOUNDS[Math.min(firstClassBelow(q), LAST_CLASS)] as number;
}
