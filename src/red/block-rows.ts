/** Numbers of a row, side by side in one cache line: spans, calls, duration sum, duration max. */
export const NUMBERS = 4;
/** What a row is of, as ids: identity, name+kind+status, tuple, window. */
export const ROW_KEY = 4;

/**
 * The rows of one block while it is aggregated. An open-addressing table finds the row of a key; slots hold
 * row + base + 1, and a new block only moves the base up, so that nothing is ever cleared.
 */
export class BlockRows {
  rows = 0;
  /** ROW_KEY numbers a row. */
  keys = new Uint32Array(1024 * ROW_KEY);
  numbers = new Float64Array(1024 * NUMBERS);
  buckets: Float64Array;
  readonly #bucketCount: number;
  /** Rows that were made since the block began: more than `rows` once some were folded together. */
  #made = 0;
  #slots = new Uint32Array(4096);
  #base = 0;

  constructor(bucketCount: number) {
    this.#bucketCount = bucketCount;
    this.buckets = new Float64Array(1024 * bucketCount);
  }

  clear(): void {
    this.numbers.fill(0, 0, this.#made * NUMBERS);
    this.buckets.fill(0, 0, this.#made * this.#bucketCount);
    this.#base += this.#made;
    this.#made = 0;
    this.rows = 0;
    if (this.#base > 0x7fff_ffff) {
      this.#slots.fill(0);
      this.#base = 0;
    }
  }

  /** The row of a key, made on first sight. May move the columns elsewhere. */
  rowOf(identity: number, nameKindStatus: number, tuple: number, window: number): number {
    const keys = this.keys;
    const slots = this.#slots;
    const first = this.#base + 1;
    const mask = slots.length - 1;
    let slot = hashKey(identity, nameKindStatus, tuple, window) & mask;
    for (;;) {
      const row = (slots[slot] as number) - first;
      if (row < 0) break;
      const at = row * ROW_KEY;
      if (
        keys[at] === identity &&
        keys[at + 1] === nameKindStatus &&
        keys[at + 3] === window &&
        keys[at + 2] === tuple
      ) {
        return row;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(identity, nameKindStatus, tuple, window);
  }

  /**
   * Folds rows together, at the end of a block: `target[row]` <= row is where each goes, and `keys` has the keys of
   * what is left.
   */
  fold(target: Uint32Array, keys: Uint32Array<ArrayBuffer>): void {
    const { numbers, buckets } = this;
    const width = this.#bucketCount;
    for (let row = 0; row < this.rows; row++) {
      const to = target[row] as number;
      if (to === row) continue;
      for (let i = 0; i < NUMBERS; i++) {
        const value = numbers[row * NUMBERS + i] as number;
        const there = numbers[to * NUMBERS + i] as number;
        numbers[to * NUMBERS + i] = i === NUMBERS - 1 ? Math.max(there, value) : there + value;
        numbers[row * NUMBERS + i] = 0;
      }
      for (let i = 0; i < width; i++) {
        buckets[to * width + i] = (buckets[to * width + i] as number) + (buckets[row * width + i] as number);
        buckets[row * width + i] = 0;
      }
    }
    this.rows = keys.length / ROW_KEY;
    this.keys.set(keys);
  }

  #add(identity: number, nameKindStatus: number, tuple: number, window: number): number {
    const row = this.rows++;
    this.#made = this.rows;
    if (this.rows * ROW_KEY > this.keys.length) {
      const keys = new Uint32Array(this.keys.length * 2);
      keys.set(this.keys);
      this.keys = keys;
      this.numbers = grown(this.numbers);
      this.buckets = grown(this.buckets);
    }
    const at = row * ROW_KEY;
    this.keys[at] = identity;
    this.keys[at + 1] = nameKindStatus;
    this.keys[at + 2] = tuple;
    this.keys[at + 3] = window;
    if (this.rows * 4 > this.#slots.length) this.#rehash();
    else this.#slot(row);
    return row;
  }

  #slot(row: number): void {
    const at = row * ROW_KEY;
    const keys = this.keys;
    const hash = hashKey(
      keys[at] as number,
      keys[at + 1] as number,
      keys[at + 2] as number,
      keys[at + 3] as number,
    );
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while ((this.#slots[slot] as number) > this.#base) slot = (slot + 1) & mask;
    this.#slots[slot] = this.#base + row + 1;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    this.#base = 0;
    for (let row = 0; row < this.rows; row++) this.#slot(row);
  }
}

function hashKey(identity: number, nameKindStatus: number, tuple: number, window: number): number {
  const hash =
    Math.imul(identity, 0x9e3779b1) ^
    Math.imul(nameKindStatus, 0x85ebca6b) ^
    Math.imul(tuple, 0xc2b2ae35) ^
    Math.imul(window, 0x27d4eb2f);
  return hash ^ (hash >>> 15);
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
