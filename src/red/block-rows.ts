import type { SeriesRegistry } from './series-registry.ts';

/** Numbers of a row, side by side in one cache line: spans, calls, duration sum, duration max. */
export const NUMBERS = 4;
/** identity, name+kind+status, tuple, window, row. */
const STRIDE = 5;
/** No identity has this id: entries that stand for a whole overflow series. */
const OVERFLOW_ENTRY = 0xffffffff;

/**
 * The rows of one block while it is aggregated. An open-addressing table finds the row of a key; slots hold
 * entry + base + 1, and a new block only moves the base up, so that nothing is ever cleared.
 */
export class BlockRows {
  rows = 0;
  /** Rows of overflow series. */
  overflowRows: number[] = [];
  /** Per row. */
  series = new Uint32Array(1024);
  window = new Float64Array(1024);
  numbers = new Float64Array(1024 * NUMBERS);
  buckets: Float64Array;
  readonly #bucketCount: number;
  readonly #registry: SeriesRegistry;
  #entries = 0;
  #keys = new Uint32Array(1024 * STRIDE);
  #slots = new Uint32Array(4096);
  #base = 0;

  constructor(registry: SeriesRegistry, bucketCount: number) {
    this.#registry = registry;
    this.#bucketCount = bucketCount;
    this.buckets = new Float64Array(1024 * bucketCount);
  }

  clear(): void {
    this.numbers.fill(0, 0, this.rows * NUMBERS);
    this.buckets.fill(0, 0, this.rows * this.#bucketCount);
    this.rows = 0;
    this.overflowRows = [];
    this.#base += this.#entries;
    this.#entries = 0;
    if (this.#base > 0x7fff_ffff) {
      this.#slots.fill(0);
      this.#base = 0;
    }
  }

  /** The row of a key, made on first sight. May move the columns elsewhere. */
  rowOf(identity: number, nameKindStatus: number, tuple: number, window: number): number {
    const keys = this.#keys;
    const slots = this.#slots;
    const first = this.#base + 1;
    const mask = slots.length - 1;
    let slot = hashKey(identity, nameKindStatus, tuple, window) & mask;
    for (;;) {
      const entry = (slots[slot] as number) - first;
      if (entry < 0) break;
      const at = entry * STRIDE;
      if (
        keys[at] === identity &&
        keys[at + 1] === nameKindStatus &&
        keys[at + 3] === window &&
        keys[at + 2] === tuple
      ) {
        return keys[at + 4] as number;
      }
      slot = (slot + 1) & mask;
    }
    return this.#missing(identity, nameKindStatus, tuple, window);
  }

  #missing(identity: number, nameKindStatus: number, tuple: number, window: number): number {
    if (identity === OVERFLOW_ENTRY) {
      const row = this.#row();
      this.overflowRows.push(row);
      return this.#enter(identity, nameKindStatus, tuple, window, row);
    }
    const series = this.#registry.idOf(identity, nameKindStatus, tuple);
    // Several keys share an overflow series: they meet in the one row of that series and window.
    const row = this.#registry.isOverflow(series)
      ? this.rowOf(OVERFLOW_ENTRY, series, 0, window)
      : this.#row();
    this.series[row] = series;
    this.window[row] = window;
    return this.#enter(identity, nameKindStatus, tuple, window, row);
  }

  #enter(identity: number, nameKindStatus: number, tuple: number, window: number, row: number): number {
    const entry = this.#entries++;
    if ((entry + 1) * STRIDE > this.#keys.length) {
      const keys = new Uint32Array(this.#keys.length * 2);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    const at = entry * STRIDE;
    this.#keys[at] = identity;
    this.#keys[at + 1] = nameKindStatus;
    this.#keys[at + 2] = tuple;
    this.#keys[at + 3] = window;
    this.#keys[at + 4] = row;
    if (this.#entries * 4 > this.#slots.length) this.#rehash();
    else this.#slot(entry);
    return row;
  }

  #row(): number {
    const row = this.rows++;
    if (row === this.series.length) {
      this.series = grownU32(this.series);
      this.window = grownF64(this.window);
      this.numbers = grownF64(this.numbers);
      this.buckets = grownF64(this.buckets);
    }
    return row;
  }

  #slot(entry: number): void {
    const at = entry * STRIDE;
    const keys = this.#keys;
    const hash = hashKey(
      keys[at] as number,
      keys[at + 1] as number,
      keys[at + 2] as number,
      keys[at + 3] as number,
    );
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while ((this.#slots[slot] as number) > this.#base) slot = (slot + 1) & mask;
    this.#slots[slot] = this.#base + entry + 1;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    this.#base = 0;
    for (let entry = 0; entry < this.#entries; entry++) this.#slot(entry);
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

function grownU32(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}

function grownF64(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
