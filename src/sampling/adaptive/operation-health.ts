import type { SampledRoots } from '../roots/root-row.ts';

/** What is recent fades with this. */
const RECENT_MS = 60_000;
/** The baseline fades with so many roots. */
const BASELINE_ROOTS = 2000;
/** Roots before a baseline, and what is recent, are believed. */
const BASELINE_KNOWN = 400;
const RECENT_KNOWN = 20;
/** Deviations, and how much more than before, in shares of the roots. */
const SIGNIFICANT = 4;
const MORE_ERRORS = 0.05;
const MORE_SLOW = 0.15;
/** Duration classes above the 95th percentile from which on a root is slow: a quarter octave each. */
const SLOW_CLASSES = 2;
const SLOW_SHARE = 0.05;

/** How each operation usually is, by its errors and the 95th percentile of its durations, and how it is now. */
export class OperationHealth {
  #roots = new Float32Array(0);
  #errorShare = new Float32Array(0);
  #slowClass = new Float32Array(0);
  #recentRoots = new Float32Array(0);
  #recentErrors = new Float32Array(0);
  #recentSlow = new Float32Array(0);
  #atMs = new Float64Array(0);

  /** Learns what a window has, and tells whether what is recent deviates from what is usual. */
  deviates(slot: number, sampled: SampledRoots, windowMs: number): boolean {
    if (slot >= this.#roots.length) this.#grow(Math.max(1024, slot * 2));
    const sinceMs = windowMs - (this.#atMs[slot] as number);
    const fade = sinceMs <= 0 ? 1 : Math.exp(-sinceMs / RECENT_MS);
    this.#atMs[slot] = windowMs;
    // What a baseline is made of says nothing against it, and until then nothing is known to be slow.
    const isKnown = (this.#roots[slot] as number) >= BASELINE_KNOWN;
    if (isKnown) this.#remember(slot, sampled, fade);
    // A deviation must not become what is usual while it lasts.
    const isDeviating = isKnown && this.#isUnusual(slot);
    if (!isDeviating) this.#learn(slot, sampled);
    return isDeviating;
  }

  #remember(slot: number, sampled: SampledRoots, fade: number): void {
    this.#recentRoots[slot] = (this.#recentRoots[slot] as number) * fade + sampled.roots;
    this.#recentErrors[slot] = (this.#recentErrors[slot] as number) * fade + sampled.errors;
    const slow = slowRoots(sampled, (this.#slowClass[slot] as number) + SLOW_CLASSES);
    this.#recentSlow[slot] = (this.#recentSlow[slot] as number) * fade + slow;
  }

  forget(slot: number): void {
    if (slot >= this.#roots.length) return;
    for (const column of this.#columns()) column[slot] = 0;
    this.#atMs[slot] = 0;
  }

  #isUnusual(slot: number): boolean {
    const recent = this.#recentRoots[slot] as number;
    if (recent < RECENT_KNOWN) return false;
    const share = this.#errorShare[slot] as number;
    const errors = (this.#recentErrors[slot] as number) - share * recent;
    const errorNoise = Math.sqrt(recent * share * (1 - share) + 1);
    if (errors > SIGNIFICANT * errorNoise && errors > MORE_ERRORS * recent) return true;
    const slow = (this.#recentSlow[slot] as number) - SLOW_SHARE * recent;
    return slow > SIGNIFICANT * Math.sqrt(recent * SLOW_SHARE + 1) && slow > MORE_SLOW * recent;
  }

  #learn(slot: number, { roots, errors, durations }: SampledRoots): void {
    const known = Math.min(BASELINE_ROOTS, (this.#roots[slot] as number) + roots);
    const share = this.#errorShare[slot] as number;
    this.#roots[slot] = known;
    this.#errorShare[slot] = share + (roots / known) * (errors / roots - share);
    // The percentile is walked to: 19 steps up for a root above, 1 down for one below, in smaller steps with time.
    const step = Math.max(0.1, 30 / Math.max(30, known));
    const { classes, counts } = durations;
    let slowClass = this.#slowClass[slot] as number;
    if (slowClass === 0) slowClass = classes[classes.length - 1] ?? 0;
    for (let i = 0; i < classes.length; i++) {
      const way = (classes[i] as number) > slowClass ? 1 - SLOW_SHARE : -SLOW_SHARE;
      slowClass += way * step * Math.min(20, counts[i] as number);
    }
    this.#slowClass[slot] = slowClass;
  }

  #grow(capacity: number): void {
    const wide = (column: Float32Array) => {
      const wider = new Float32Array(capacity);
      wider.set(column);
      return wider;
    };
    this.#roots = wide(this.#roots);
    this.#errorShare = wide(this.#errorShare);
    this.#slowClass = wide(this.#slowClass);
    this.#recentRoots = wide(this.#recentRoots);
    this.#recentErrors = wide(this.#recentErrors);
    this.#recentSlow = wide(this.#recentSlow);
    const atMs = new Float64Array(capacity);
    atMs.set(this.#atMs);
    this.#atMs = atMs;
  }

  #columns(): Float32Array[] {
    return [
      this.#roots,
      this.#errorShare,
      this.#slowClass,
      this.#recentRoots,
      this.#recentErrors,
      this.#recentSlow,
    ];
  }
}

function slowRoots({ durations: { classes, counts } }: SampledRoots, slowClass: number): number {
  let slow = 0;
  for (let i = classes.length - 1; i >= 0; i--) {
    if ((classes[i] as number) <= slowClass) break;
    slow += counts[i] as number;
  }
  return slow;
}
