const ENTRIES = 8;

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

  /** The smallest that was served at any time since `fromMs`. */
  lowest(slot: number, fromMs: number): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (let at = this.#lastOf(slot); at >= slot * ENTRIES; at--) {
      lowest = Math.min(lowest, this.#low[at] as number);
      if ((this.#sinceMs[at] as number) <= fromMs) break;
    }
    return lowest;
  }

  /** The largest that was served at any time since `fromMs`. */
  highest(slot: number, fromMs: number): number {
    let highest = 0;
    for (let at = this.#lastOf(slot); at >= slot * ENTRIES; at--) {
      highest = Math.max(highest, this.#high[at] as number);
      if ((this.#sinceMs[at] as number) <= fromMs) break;
    }
    return highest;
  }

  /** The mean of what was served in [fromMs, untilMs): what a poller with a random phase goes by at the end of it. */
  mean(slot: number, fromMs: number, untilMs: number): number {
    let sum = 0;
    let until = untilMs;
    for (let at = this.#lastOf(slot); at >= slot * ENTRIES; at--) {
      const since = Math.max(fromMs, this.#sinceMs[at] as number);
      if (since < until) {
        sum += (until - since) * (((this.#low[at] as number) + (this.#high[at] as number)) / 2);
        until = since;
      }
      if (until <= fromMs) break;
    }
    return sum / (untilMs - fromMs);
  }

  /** When what was in force at `fromMs` was replaced: until then `lowest` and `highest` stay. Infinity: it still is. */
  nextChangeMs(slot: number, fromMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (let at = this.#lastOf(slot); at >= slot * ENTRIES; at--) {
      const since = this.#sinceMs[at] as number;
      if (since <= fromMs) break;
      next = since;
    }
    return next;
  }

  #lastOf(slot: number): number {
    return slot * ENTRIES + (this.#length[slot] as number) - 1;
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
