/** The window is cut into slots; the oldest is given up when a new one begins. */
export const SLOT_MS = 5000;
/** What figures of "now" are made of. */
export const SLOTS = 12;
export const WINDOW_MS = SLOT_MS * SLOTS;
/** What plots show. */
export const PLOT_SLOTS = 60;

/** Exponential buckets of seconds, 16 to a doubling: bucket i covers (2^(i/16), 2^((i+1)/16)]. */
export interface HistogramEntries {
  readonly index: Int16Array;
  readonly count: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** Takes the count of a bucket. */
export type TakeDuration = (bucket: number, count: number) => void;

/** Calls, errors and durations by slot, of the last minute or longer. Numbers may be weighted. */
export class OperationWindow {
  readonly slots: number;
  readonly #calls: Float64Array;
  readonly #errors: Float64Array;
  readonly #durations: (Map<number, number> | undefined)[];
  /** Running number of the newest slot that was written. */
  #newest = 0;

  constructor(slots = SLOTS) {
    this.slots = slots;
    this.#calls = new Float64Array(slots);
    this.#errors = new Float64Array(slots);
    this.#durations = Array.from({ length: slots }, () => undefined);
  }

  add(slot: number, calls: number, isError: boolean, durations: HistogramEntries): void {
    this.#advance(slot);
    const at = slot % this.slots;
    this.#calls[at] = (this.#calls[at] ?? 0) + calls;
    if (isError) this.#errors[at] = (this.#errors[at] ?? 0) + calls;
    const map = this.#durations[at] ?? new Map<number, number>();
    this.#durations[at] = map;
    for (let i = durations.from; i < durations.to; i++) {
      const bucket = durations.index[i] as number;
      map.set(bucket, (map.get(bucket) ?? 0) + (durations.count[i] as number));
    }
  }

  /** Sums over the last minute at `slot`. */
  totals(slot: number): { readonly calls: number; readonly errors: number } {
    this.#advance(slot);
    let calls = 0;
    let errors = 0;
    for (let back = 0; back < SLOTS; back++) {
      const at = placeOf(slot - back, this.slots);
      calls += this.#calls[at] as number;
      errors += this.#errors[at] as number;
    }
    return { calls, errors };
  }

  /** Of one slot, which the window must reach at `now`. */
  of(slot: number, now: number): { readonly calls: number; readonly errors: number } {
    this.#advance(now);
    const at = placeOf(slot, this.slots);
    return { calls: this.#calls[at] as number, errors: this.#errors[at] as number };
  }

  /** Hands over every bucket of the last minute at `slot`; one bucket may come several times. */
  eachDuration(slot: number, take: TakeDuration): void {
    for (let back = 0; back < SLOTS; back++) this.eachDurationOf(slot - back, slot, take);
  }

  /** Hands over every bucket of one slot, which the window must reach at `now`. */
  eachDurationOf(slot: number, now: number, take: TakeDuration): void {
    this.#advance(now);
    for (const [bucket, count] of this.#durations[placeOf(slot, this.slots)] ?? []) take(bucket, count);
  }

  /** Slots since the last call. */
  idleSlots(slot: number): number {
    return slot - this.#lastCall;
  }

  get #lastCall(): number {
    for (let back = 0; back < this.slots; back++) {
      const slot = this.#newest - back;
      if (slot < 0) break;
      if ((this.#calls[slot % this.slots] as number) > 0) return slot;
    }
    return this.#newest - this.slots;
  }

  #advance(slot: number): void {
    const first = Math.max(this.#newest + 1, slot - this.slots + 1);
    for (let next = first; next <= slot; next++) {
      const at = next % this.slots;
      this.#calls[at] = 0;
      this.#errors[at] = 0;
      this.#durations[at]?.clear();
    }
    this.#newest = Math.max(this.#newest, slot);
  }
}

/** Also of a slot before the first. */
function placeOf(slot: number, slots: number): number {
  return ((slot % slots) + slots) % slots;
}
