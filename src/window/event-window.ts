/** RED rows are kept per this much event time. */
export const WINDOW_SECONDS = 10;

/**
 * 10 s = 1024 x 9,765,625 ns, and 2^32 ns = 1024 x 2^22 ns: in units of 1024 ns both are whole, so that the
 * windows before a given high word are found without rounding (exact up to the year 2262).
 */
const WINDOW_UNITS = 9_765_625;
const HIGH_WORD_UNITS = 4_194_304;
export const WINDOW_NS = 1e10;

/** Whole windows from the epoch up to high * 2^32 ns. */
export function windowsBefore(high: number): number {
  return Math.floor((high * HIGH_WORD_UNITS) / WINDOW_UNITS);
}

/** What is left of high * 2^32 ns after those windows, in ns. */
export function restNs(high: number): number {
  return (high * HIGH_WORD_UNITS - windowsBefore(high) * WINDOW_UNITS) * 1024;
}

/** Number of the window in which a span ends; times WINDOW_SECONDS it is the window's start. */
export function windowOf(startHigh: number, startLow: number, durationNs: number): number {
  return windowsBefore(startHigh) + Math.floor((restNs(startHigh) + startLow + durationNs) / WINDOW_NS);
}
