/** The window is cut into slots; the oldest is given up when a new one begins. */
export const SLOT_MS = 5000;
export const SLOTS = 12;
export const WINDOW_MS = SLOT_MS * SLOTS;

/** Exponential buckets of seconds, 16 to a doubling: bucket i covers (2^(i/16), 2^((i+1)/16)]. */
export interface HistogramEntries {
  readonly index: Int16Array;
  readonly count: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** What one operation did in the last minute: calls, errors and durations, by slot. Numbers may be weighted. */
export class OperationWindow {
  readonly #calls = new Float64Array(SLOTS);
  readonly #errors = new Float64Array(SLOTS);
  readonly #durations: Map<number, number>[] = Array.from({ length: SLOTS }, () => new Map());
  /** Running number of the newest slot that was written. */
  #newest = 0;

  add(slot: number, calls: number, isError: boolean, durations: HistogramEntries): void {
    this.#advance(slot);
    const at = slot % SLOTS;
    this.#calls[at] = (this.#calls[at] ?? 0) + calls;
    if (isError) this.#errors[at] = (this.#errors[at] ?? 0) + calls;
    const map = this.#durations[at] as Map<number, number>;
    for (let i = durations.from; i < durations.to; i++) {
      const bucket = durations.index[i] as number;
      map.set(bucket, (map.get(bucket) ?? 0) + (durations.count[i] as number));
    }
  }

  /** Sums over the slots that are still in the window at `slot`. */
  totals(slot: number): { readonly calls: number; readonly errors: number } {
    this.#advance(slot);
    let calls = 0;
    let errors = 0;
    for (let at = 0; at < SLOTS; at++) {
      calls += this.#calls[at] as number;
      errors += this.#errors[at] as number;
    }
    return { calls, errors };
  }

  /** Hands over every bucket of the window at `slot`; one bucket may come several times. */
  eachDuration(slot: number, take: (bucket: number, count: number) => void): void {
    this.#advance(slot);
    for (const map of this.#durations) {
      for (const [bucket, count] of map) take(bucket, count);
    }
  }

  /** Slots since the last call. */
  idleSlots(slot: number): number {
    return slot - this.#lastCall;
  }

  get #lastCall(): number {
    for (let back = 0; back < SLOTS; back++) {
      const slot = this.#newest - back;
      if (slot < 0) break;
      if ((this.#calls[slot % SLOTS] as number) > 0) return slot;
    }
    return this.#newest - SLOTS;
  }

  #advance(slot: number): void {
    const first = Math.max(this.#newest + 1, slot - SLOTS + 1);
    for (let next = first; next <= slot; next++) {
      const at = next % SLOTS;
      this.#calls[at] = 0;
      this.#errors[at] = 0;
      (this.#durations[at] as Map<number, number>).clear();
    }
    this.#newest = Math.max(this.#newest, slot);
  }
}
