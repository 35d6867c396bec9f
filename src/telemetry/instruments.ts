import { assert } from '../base/assert.ts';
import type { Counter, Gauge, Instruments, Timer } from '../base/instruments.ts';
import { SUM_SLOT, slotOf as slotOfDuration, TIMER_SLOTS } from './durations.ts';
import { METRICS } from './metrics.ts';

/**
 * Where one thread keeps the value of one (metric, labels). Sent to the main thread once, when the
 * instrument is asked for; from then on both see the same memory and adding is one array write.
 */
export interface SlotAnnouncement {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A page of float64 values; a timer has a whole one (see durations.ts). */
  readonly page: SharedArrayBuffer;
  readonly index: number;
}

const PAGE_SLOTS = 512;

/**
 * The instruments of one thread. Only that thread writes its pages, so plain writes suffice; an aligned
 * float64 is never seen half written on the 64-bit platforms that Node runs on.
 */
export function createInstruments(announce: (slot: SlotAnnouncement) => void): Instruments {
  const slots = new Map<string, Slot>();
  const timers = new Map<string, TimerPage>();
  let page = new SharedArrayBuffer(PAGE_SLOTS * 8);
  let used = 0;

  function keyOf(
    kind: 'counter' | 'gauge' | 'timer',
    name: string,
    labels: Readonly<Record<string, string>>,
  ): string {
    const row = METRICS[name];
    assert(row !== undefined, `metric ${name} is not declared in telemetry/metrics.ts`);
    assert(row.kind === kind, `metric ${name} is declared as a ${row.kind}`);
    const names = Object.keys(labels);
    assert(
      names.length === row.labels.length && row.labels.every((label) => label in labels),
      `metric ${name} has the labels [${row.labels.join()}], not [${names.join()}]`,
    );
    return JSON.stringify([name, ...row.labels.map((label) => labels[label])]);
  }

  function slotOf(kind: 'counter' | 'gauge', name: string, labels: Readonly<Record<string, string>>): Slot {
    const key = keyOf(kind, name, labels);
    const known = slots.get(key);
    if (known !== undefined) return known;
    if (used === PAGE_SLOTS) {
      page = new SharedArrayBuffer(PAGE_SLOTS * 8);
      used = 0;
    }
    const slot = new Slot(new Float64Array(page), used);
    slots.set(key, slot);
    announce({ name, labels, page, index: used++ });
    return slot;
  }

  function timerOf(name: string, labels: Readonly<Record<string, string>>): Timer {
    const key = keyOf('timer', name, labels);
    const known = timers.get(key);
    if (known !== undefined) return known;
    const own = new SharedArrayBuffer(TIMER_SLOTS * 8);
    const timer = new TimerPage(new Float64Array(own));
    timers.set(key, timer);
    announce({ name, labels, page: own, index: 0 });
    return timer;
  }

  return {
    counter: (name, labels = {}) => slotOf('counter', name, labels),
    gauge: (name, labels = {}) => slotOf('gauge', name, labels),
    timer: (name, labels = {}) => timerOf(name, labels),
  };
}

class Slot implements Counter, Gauge {
  readonly #values: Float64Array;
  readonly #index: number;

  constructor(values: Float64Array, index: number) {
    this.#values = values;
    this.#index = index;
  }

  add(n: number): void {
    this.#values[this.#index] = (this.#values[this.#index] as number) + n;
  }

  set(value: number): void {
    this.#values[this.#index] = value;
  }
}

class TimerPage implements Timer {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  record(seconds: number): void {
    const slot = slotOfDuration(seconds);
    this.#slots[slot] = (this.#slots[slot] as number) + 1;
    this.#slots[SUM_SLOT] = (this.#slots[SUM_SLOT] as number) + seconds;
  }
}
