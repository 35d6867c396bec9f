import { build, type Histogram } from 'hdr-histogram-js';
import { SLOTS } from './operation-window.ts';

export interface Latencies {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const MAX_US = 60_000_000;

/** How long something of our own took over the last minute, in HDR histograms of a slot each. */
export class LatencyWindow {
  readonly #slots: { slot: number; readonly histogram: Histogram }[] = Array.from({ length: SLOTS }, () => ({
    slot: -1,
    histogram: emptyHistogram(),
  }));
  readonly #all = emptyHistogram();

  record(slot: number, ms: number): void {
    const one = this.#slots[slot % SLOTS];
    if (one === undefined) return;
    if (one.slot !== slot) {
      one.histogram.reset();
      one.slot = slot;
    }
    one.histogram.recordValue(Math.min(MAX_US, Math.max(0, Math.round(ms * 1000))));
  }

  /** null where nothing was recorded. */
  read(slot: number): Latencies | null {
    this.#all.reset();
    for (const one of this.#slots) if (one.slot > slot - SLOTS) this.#all.add(one.histogram);
    if (this.#all.totalCount === 0) return null;
    const at = (percentile: number): number => this.#all.getValueAtPercentile(percentile) / 1000;
    return { p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), maxMs: this.#all.maxValue / 1000 };
  }
}

function emptyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 2,
  });
}
