import { assert } from '../base/assert.ts';
import { TIMER_SLOTS } from './durations.ts';
import type { SlotAnnouncement } from './instruments.ts';
import { METRICS } from './metrics.ts';

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TimerSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Of all threads, as durations.ts has them. */
  readonly slots: Float64Array;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** What ended threads have counted. */
  past: number;
  /** The same of a timer. */
  pastSlots: Float64Array | undefined;
  readonly sources: Map<string, { readonly values: Float64Array; readonly index: number }>;
}

/** The main thread's view of every thread's slots: one value per (metric, labels) over all of them. */
export class MetricsHub {
  readonly #metrics = new Map<string, Map<string, Series>>();

  /** `source` names the thread: a thread that is started again under the same name continues its counters. */
  accept(source: string, slot: SlotAnnouncement): void {
    const row = METRICS[slot.name];
    assert(row !== undefined, `metric ${slot.name} is not declared in telemetry/metrics.ts`);
    const series = this.#metrics.get(slot.name) ?? new Map<string, Series>();
    this.#metrics.set(slot.name, series);
    const key = JSON.stringify(row.labels.map((label) => slot.labels[label]));
    const one = series.get(key) ?? { labels: slot.labels, past: 0, pastSlots: undefined, sources: new Map() };
    series.set(key, one);
    one.sources.set(source, { values: new Float64Array(slot.page), index: slot.index });
  }

  /** The thread has ended: its counters are kept, its gauges are gone. */
  retire(source: string): void {
    for (const [name, series] of this.#metrics) {
      const kind = METRICS[name]?.kind;
      for (const [key, one] of series) {
        const slot = one.sources.get(source);
        if (slot === undefined) continue;
        one.sources.delete(source);
        if (kind === 'timer') one.pastSlots = addedTo(one.pastSlots, slot.values);
        else if (kind === 'counter') one.past += slot.values[slot.index] as number;
        else if (one.sources.size === 0) series.delete(key);
      }
    }
  }

  timers(name: string): TimerSample[] {
    return [...(this.#metrics.get(name)?.values() ?? [])].map(({ labels, pastSlots, sources }) => {
      let slots: Float64Array | undefined = pastSlots?.slice();
      for (const { values } of sources.values()) slots = addedTo(slots, values);
      return { labels, slots: slots ?? new Float64Array(TIMER_SLOTS) };
    });
  }

  samples(name: string): MetricSample[] {
    const largest = METRICS[name]?.merge === 'max';
    const samples: MetricSample[] = [];
    for (const { labels, past, sources } of this.#metrics.get(name)?.values() ?? []) {
      let value = largest ? Number.NEGATIVE_INFINITY : past;
      for (const slot of sources.values()) {
        const part = slot.values[slot.index] as number;
        value = largest ? Math.max(value, part) : value + part;
      }
      samples.push({ labels, value });
    }
    return samples;
  }
}

function addedTo(sum: Float64Array | undefined, more: Float64Array): Float64Array {
  if (sum === undefined) return Float64Array.from(more);
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
  return sum;
}
