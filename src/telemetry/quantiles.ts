import { build } from 'hdr-histogram-js';
import type { Clock } from '../base/clock.ts';
import { microsecondsOf, SUM_SLOT, TIMER_SLOTS } from './durations.ts';

export const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

/** Quantiles are of about so long. */
const WINDOW_MS = 60_000;
/** Snapshots are this far apart at least. */
const STEP_MS = 10_000;

export interface TimerReading {
  /** Seconds, in the order of QUANTILES; undefined = nothing was timed lately. */
  readonly quantiles: readonly number[] | undefined;
  readonly count: number;
  readonly sum: number;
}

interface Snapshot {
  readonly atMs: number;
  readonly counts: Float64Array;
}

/**
 * Reads quantiles of the last minute out of counts that only grow: what was counted since a reading of a minute
 * ago, or since the one before where readings are rarer.
 */
export class QuantileReader {
  readonly #clock: Clock;
  /** Oldest first. */
  #snapshots: Snapshot[] = [];
  readonly #histogram = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 ** 33,
    numberOfSignificantValueDigits: 2,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param slots as `durations.ts` has them */
  read(slots: Float64Array): TimerReading {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#before(nowMs);
    this.#histogram.reset();
    let count = 0;
    for (let slot = 1; slot < TIMER_SLOTS; slot++) {
      const all = slots[slot] as number;
      count += all;
      const recent = all - (before?.counts[slot] ?? 0);
      if (recent > 0) this.#histogram.recordValueWithCount(Math.round(microsecondsOf(slot)), recent);
    }
    const last = this.#snapshots.at(-1);
    if (last === undefined || nowMs - last.atMs >= STEP_MS) {
      this.#snapshots.push({ atMs: nowMs, counts: slots.slice() });
    }
    const quantiles =
      this.#histogram.totalCount === 0
        ? undefined
        : QUANTILES.map((q) => this.#histogram.getValueAtPercentile(q * 100) / 1e6);
    return { quantiles, count, sum: slots[SUM_SLOT] as number };
  }

  /** The youngest snapshot of a minute ago or longer; older ones are forgotten. */
  #before(nowMs: number): Snapshot | undefined {
    const old = this.#snapshots.filter(({ atMs }) => nowMs - atMs >= WINDOW_MS).at(-1);
    if (old !== undefined) this.#snapshots = this.#snapshots.slice(this.#snapshots.indexOf(old));
    return old;
  }
}
