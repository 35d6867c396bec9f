import { BOUNDS_NS, CANDIDATES, MIN_INDEX, ZERO_INDEX } from '../sketch/exponential.ts';

/** An index as a small number that sorts alike: 0 for zero durations, then one per bucket. */
const CODE_BITS = 11;
const CODES = 1 << CODE_BITS;

/** Exponential histograms of many rows at once: (row, bucket) -> count, by open addressing. */
export class HistTable {
  entries = 0;
  /** row << CODE_BITS | code. */
  #keys = new Uint32Array(4096);
  #counts = new Float64Array(4096);
  /** Entry + `#base` + 1; what is not above the base is of an earlier block. */
  #slots = new Uint32Array(16_384);
  #base = 0;

  /** Forgets everything in no time: older entries no longer lie above the base. */
  clear(): void {
    this.#base += this.entries;
    this.entries = 0;
    if (this.#base > 0x7fff_ffff) {
      this.#slots.fill(0);
      this.#base = 0;
    }
  }

  /** `durationClass` as sketch/duration-classes.ts has it. */
  add(row: number, durationNs: number, durationClass: number, weight: number): void {
    let code = 0;
    if (durationNs !== 0) {
      code = CANDIDATES[durationClass] as number;
      while (durationNs > (BOUNDS_NS[code] as number)) code++;
    }
    this.#count(row * CODES + code, weight);
  }

  #count(key: number, weight: number): void {
    const slots = this.#slots;
    const base = this.#base;
    const mask = slots.length - 1;
    let hash = Math.imul(key, 0x9e3779b1);
    hash ^= hash >>> 16;
    let slot = hash & mask;
    for (;;) {
      const entry = (slots[slot] as number) - base - 1;
      if (entry < 0) break;
      if (this.#keys[entry] === key) {
        this.#counts[entry] = (this.#counts[entry] as number) + weight;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.#insert(key, weight, slot);
  }

  /** What was counted in a row goes to `target[row]`. */
  fold(target: Uint32Array): void {
    const entries = this.entries;
    const keys = this.#keys.slice(0, entries);
    const counts = this.#counts.slice(0, entries);
    this.clear();
    for (let entry = 0; entry < entries; entry++) {
      const key = keys[entry] as number;
      const row = target[key >>> CODE_BITS] as number;
      this.#count(row * CODES + (key & (CODES - 1)), counts[entry] as number);
    }
  }

  /** Everything, by row and then by index. */
  sorted(rows: number): { at: Uint32Array; index: Int16Array; count: Float64Array } {
    const { entries } = this;
    const byCode = this.#orderedBy(CODES, (entry) => (this.#keys[entry] as number) & (CODES - 1), undefined);
    const order = this.#orderedBy(rows, (entry) => (this.#keys[entry] as number) >>> CODE_BITS, byCode);
    const at = new Uint32Array(rows + 1);
    const index = new Int16Array(entries);
    const count = new Float64Array(entries);
    for (let i = 0; i < entries; i++) {
      const entry = order[i] as number;
      const key = this.#keys[entry] as number;
      const code = key & (CODES - 1);
      const row = key >>> CODE_BITS;
      at[row + 1] = i + 1;
      index[i] = code === 0 ? ZERO_INDEX : MIN_INDEX + code - 1;
      count[i] = this.#counts[entry] as number;
    }
    for (let row = 1; row <= rows; row++) {
      if ((at[row] as number) < (at[row - 1] as number)) at[row] = at[row - 1] as number;
    }
    return { at, index, count };
  }

  /** One stable pass of a counting sort over `before` (all entries as they came, when undefined). */
  #orderedBy(
    values: number,
    groupOf: (entry: number) => number,
    before: Uint32Array | undefined,
  ): Uint32Array {
    const { entries } = this;
    const starts = new Uint32Array(values + 1);
    for (let entry = 0; entry < entries; entry++) {
      const after = groupOf(entry) + 1;
      starts[after] = (starts[after] as number) + 1;
    }
    for (let value = 1; value <= values; value++) {
      starts[value] = (starts[value] as number) + (starts[value - 1] as number);
    }
    const order = new Uint32Array(entries);
    for (let i = 0; i < entries; i++) {
      const entry = before === undefined ? i : (before[i] as number);
      const value = groupOf(entry);
      const to = starts[value] as number;
      order[to] = entry;
      starts[value] = to + 1;
    }
    return order;
  }

  #insert(key: number, weight: number, slot: number): void {
    const entry = this.entries++;
    if (entry === this.#keys.length) {
      const keys = new Uint32Array(entry * 2);
      keys.set(this.#keys);
      this.#keys = keys;
      const counts = new Float64Array(entry * 2);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    this.#keys[entry] = key;
    this.#counts[entry] = weight;
    this.#slots[slot] = this.#base + entry + 1;
    if (this.entries * 2 > this.#slots.length) this.#rehash();
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    this.#base = 0;
    for (let entry = 0; entry < this.entries; entry++) {
      let hash = Math.imul(this.#keys[entry] as number, 0x9e3779b1);
      hash ^= hash >>> 16;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}
