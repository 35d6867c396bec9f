import type { SampledRoots } from '../root-row.ts';
import type { RowWatch } from './intake.ts';
import type { OperationTable, ServiceEntry } from './operation-table.ts';
import type { BoostOptions } from './options.ts';

/** What is recent fades with this. */
const RECENT_MS = 60_000;
/** The baseline fades with so many roots. */
const BASELINE_ROOTS = 2000;
/** Roots before a baseline, and what is recent, are believed. */
const BASELINE_KNOWN = 200;
const RECENT_KNOWN = 20;
/** Deviations, and how much more than before, in shares of the roots. */
const SIGNIFICANT = 4;
const MORE_ERRORS = 0.05;
const MORE_SLOW = 0.15;
/** Duration classes above the 95th percentile from which on a root is slow: a quarter octave each. */
const SLOW_CLASSES = 2;
const SLOW_SHARE = 0.05;

/** How an operation usually is, how it is now, and what was made of it. */
interface Health {
  roots: number;
  errorShare: number;
  /** Class of the 95th percentile of its durations. */
  slowClass: number;
  recentRoots: number;
  recentErrors: number;
  recentSlow: number;
  atMs: number;
  boostedUntilMs: number;
  coolUntilMs: number;
}

/**
 * Finds operations whose errors or durations deviate from their own baseline and gives them more for a while. All
 * boosts together stay within their share.
 */
export class Boosts implements RowWatch {
  readonly #table: OperationTable;
  readonly #options: BoostOptions | undefined;
  readonly #health = new Map<number, Health>();
  readonly #touched = new Set<number>();
  readonly #boosted = new Set<number>();
  #factor = 1;

  constructor(table: OperationTable, options: BoostOptions | undefined) {
    this.#table = table;
    this.#options = options;
  }

  /** 1 without a boost. */
  factorOf(slot: number): number {
    return this.#boosted.size > 0 && this.#boosted.has(slot) ? this.#factor : 1;
  }

  row(slot: number, _service: ServiceEntry, sampled: SampledRoots, windowMs: number): void {
    if (this.#options === undefined) return;
    let health = this.#health.get(slot);
    if (health === undefined) {
      health = newHealth(windowMs);
      this.#health.set(slot, health);
    }
    this.#touched.add(slot);
    const fade = Math.exp(-Math.max(0, windowMs - health.atMs) / RECENT_MS);
    health.atMs = windowMs;
    health.recentRoots = health.recentRoots * fade + sampled.roots;
    health.recentErrors = health.recentErrors * fade + sampled.errors;
    health.recentSlow = health.recentSlow * fade + slowRoots(sampled, health.slowClass + SLOW_CLASSES);
    // A deviation must not become what is usual while it lasts.
    if (health.roots < BASELINE_KNOWN || !deviates(health)) learn(health, sampled);
  }

  /** Begins and ends boosts. */
  decide(nowMs: number): void {
    if (this.#options === undefined) return;
    for (const slot of this.#boosted) {
      const health = this.#health.get(slot);
      if (health === undefined || nowMs >= health.boostedUntilMs) this.#boosted.delete(slot);
    }
    for (const slot of this.#touched) {
      const health = this.#health.get(slot) as Health;
      if (nowMs < health.coolUntilMs || !deviates(health)) continue;
      health.boostedUntilMs = nowMs + this.#options.durationMs;
      health.coolUntilMs = health.boostedUntilMs + this.#options.coolDownMs;
      this.#boosted.add(slot);
    }
    this.#touched.clear();
    if (this.#boosted.size > 0) this.#factor = this.#affordable(this.#options);
  }

  /** What was learned of a slot is not its next operation's. */
  forget(slot: number): void {
    this.#health.delete(slot);
    this.#boosted.delete(slot);
  }

  #affordable({ factor, budgetShare }: BoostOptions): number {
    const { charge, used } = this.#table;
    let [all, boosted] = [0, 0];
    for (let slot = 1; slot < used; slot++) {
      all += charge[slot] as number;
      if (this.#boosted.has(slot)) boosted += (charge[slot] as number) / this.#factor;
    }
    if (boosted <= 0) return factor;
    return Math.max(1, Math.min(factor, 1 + (budgetShare * all) / boosted));
  }
}

function newHealth(atMs: number): Health {
  return {
    roots: 0,
    errorShare: 0,
    slowClass: 0,
    recentRoots: 0,
    recentErrors: 0,
    recentSlow: 0,
    atMs,
    boostedUntilMs: Number.NEGATIVE_INFINITY,
    coolUntilMs: Number.NEGATIVE_INFINITY,
  };
}

function deviates(health: Health): boolean {
  const { roots, errorShare, recentRoots, recentErrors, recentSlow } = health;
  if (roots < BASELINE_KNOWN || recentRoots < RECENT_KNOWN) return false;
  const errors = recentErrors - errorShare * recentRoots;
  const errorNoise = Math.sqrt(recentRoots * errorShare * (1 - errorShare) + 1);
  if (errors > SIGNIFICANT * errorNoise && errors > MORE_ERRORS * recentRoots) return true;
  const slow = recentSlow - SLOW_SHARE * recentRoots;
  const slowNoise = Math.sqrt(recentRoots * SLOW_SHARE + 1);
  return slow > SIGNIFICANT * slowNoise && recentSlow > MORE_SLOW * recentRoots;
}

function learn(health: Health, sampled: SampledRoots): void {
  const { roots, errors, durations } = sampled;
  health.roots = Math.min(BASELINE_ROOTS, health.roots + roots);
  health.errorShare += (roots / health.roots) * (errors / roots - health.errorShare);
  // The percentile is walked towards: up by 19 for each root above, down by 1 for each below, in smaller steps with time.
  const step = Math.max(0.02, 4 / Math.max(4, health.roots));
  if (health.slowClass === 0) health.slowClass = durations.classes.at(-1) ?? 0;
  for (let i = 0; i < durations.classes.length; i++) {
    const isAbove = (durations.classes[i] as number) > health.slowClass;
    const way = isAbove ? 1 - SLOW_SHARE : -SLOW_SHARE;
    health.slowClass += way * step * Math.min(20, durations.counts[i] as number);
  }
}

function slowRoots({ durations }: SampledRoots, slowClass: number): number {
  let slow = 0;
  for (let i = durations.classes.length - 1; i >= 0; i--) {
    if ((durations.classes[i] as number) <= slowClass) break;
    slow += durations.counts[i] as number;
  }
  return slow;
}
