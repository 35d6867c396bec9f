const ENTRIES = 8;

/** What pollers can go by; one object for all looks. */
export interface ServedView {
  lowest: number;
  highest: number;
  mean: number;
  /** When what was in force at the beginning was replaced: until then the bounds stay. Infinity: it still is. */
  nextChangeMs: number;
}

export function noView(): ServedView {
  return { lowest: 0, highest: 0, mean: 0, nextChangeMs: 0 };
}

/**
 * What has been served to each operation and since when, as far back as a poller may still go by it. A few entries per
 * operation in typed arrays; when they are full the two oldest become one that spans both of their values.
 */
export class ServedHistory {
  #sinceMs: Float64Array;
  #low: Float64Array;
  #high: Float64Array;
  #length: Uint8Array;

  constructor(capacity: number) {
    this.#sinceMs = new Float64Array(capacity * ENTRIES);
    this.#low = new Float64Array(capacity * ENTRIES);
    this.#high = new Float64Array(capacity * ENTRIES);
    this.#length = new Uint8Array(capacity);
  }

  grow(capacity: number): void {
    const wider = new ServedHistory(capacity);
    wider.#sinceMs.set(this.#sinceMs);
    wider.#low.set(this.#low);
    wider.#high.set(this.#high);
    wider.#length.set(this.#length);
    this.#sinceMs = wider.#sinceMs;
    this.#low = wider.#low;
    this.#high = wider.#high;
    this.#length = wider.#length;
  }

  /** Since ever, something in [low, high]. */
  begin(slot: number, low: number, high: number): void {
    this.#length[slot] = 1;
    this.#set(slot * ENTRIES, Number.NEGATIVE_INFINITY, low, high);
  }

  copy(from: number, to: number): void {
    const [at, end] = [from * ENTRIES, (from + 1) * ENTRIES];
    for (const column of [this.#sinceMs, this.#low, this.#high]) column.copyWithin(to * ENTRIES, at, end);
    this.#length[to] = this.#length[from] as number;
  }

  /** From `atMs` on `probability`; what ended before `forgetMs` is of no consequence any more. */
  push(slot: number, atMs: number, probability: number, forgetMs: number): void {
    const first = slot * ENTRIES;
    let length = this.#length[slot] as number;
    let ended = 0;
    while (ended + 1 < length && (this.#sinceMs[first + ended + 1] as number) <= forgetMs) ended++;
    if (ended > 0) length = this.#dropOldest(first, length, ended);
    if (length === ENTRIES) {
      const low = Math.min(this.#low[first] as number, this.#low[first + 1] as number);
      const high = Math.max(this.#high[first] as number, this.#high[first + 1] as number);
      this.#set(first + 1, this.#sinceMs[first] as number, low, high);
      length = this.#dropOldest(first, length, 1);
    }
    this.#set(first + length, atMs, probability, probability);
    this.#length[slot] = length + 1;
  }

  /**
   * What was served at any time since `fromMs`, into `view`; with the mean over [meanFromMs, meanUntilMs), which is what
   * pollers with random phases go by at the end of it.
   */
  look(slot: number, fromMs: number, meanFromMs: number, meanUntilMs: number, view: ServedView): void {
    const first = slot * ENTRIES;
    let [lowest, highest, nextChangeMs] = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY];
    let [sum, untilMs] = [0, meanUntilMs];
    for (let at = first + (this.#length[slot] as number) - 1; at >= first; at--) {
      const sinceMs = this.#sinceMs[at] as number;
      const low = this.#low[at] as number;
      const high = this.#high[at] as number;
      if (low < lowest) lowest = low;
      if (high > highest) highest = high;
      const meanSinceMs = Math.max(meanFromMs, sinceMs);
      if (meanSinceMs < untilMs) {
        sum += ((untilMs - meanSinceMs) * (low + high)) / 2;
        untilMs = meanSinceMs;
      }
      if (sinceMs <= fromMs) break;
      nextChangeMs = sinceMs;
    }
    view.lowest = lowest;
    view.highest = highest;
    view.nextChangeMs = nextChangeMs;
    view.mean = sum / (meanUntilMs - meanFromMs);
  }

  #set(at: number, sinceMs: number, low: number, high: number): void {
    this.#sinceMs[at] = sinceMs;
    this.#low[at] = low;
    this.#high[at] = high;
  }

  #dropOldest(first: number, length: number, dropped: number): number {
    for (const column of [this.#sinceMs, this.#low, this.#high]) {
      column.copyWithin(first, first + dropped, first + length);
    }
    return length - dropped;
  }
}
