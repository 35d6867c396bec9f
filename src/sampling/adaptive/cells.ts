/** How many of the oldest cells of a level become one of the next level, and when. */
const MERGED = 4;
const FULL = 8;
const LEVELS = 4;

/** A stretch of time: for every operation, samples counted and exposure (see rate-estimate.ts). */
export interface Cell {
  lengthS: number;
  readonly samples: Float32Array;
  readonly exposure: Float32Array;
}

/**
 * The past of all operations on one grid of time, finer where it is newer: with windows of 5 s it holds 20 to 40 s in
 * windows, then 80 to 160 s in cells of 20 s, then cells of 80 s and of 320 s, 30 to 55 minutes in all. One array per
 * cell over all operations, so that time passes for 100,000 of them in a few fills and sums.
 */
export class Cells {
  readonly #windowS: number;
  #capacity: number;
  /** Newest first. */
  readonly #levels: Cell[][] = Array.from({ length: LEVELS }, () => []);
  readonly #spare: Cell[] = [];
  #all: readonly Cell[];

  constructor(windowS: number, capacity: number) {
    this.#windowS = windowS;
    this.#capacity = capacity;
    this.#levels[0]?.push(this.#fresh(0));
    this.#all = this.#levels.flat();
  }

  /** Newest first. */
  get all(): readonly Cell[] {
    return this.#all;
  }

  get newest(): Cell {
    return this.#all[0] as Cell;
  }

  /** Begins the next window. */
  advance(): void {
    this.#levels[0]?.unshift(this.#fresh(this.#windowS));
    for (let level = 0; level < LEVELS; level++) {
      const cells = this.#levels[level] as Cell[];
      if (cells.length <= FULL) break;
      const oldest = cells.splice(cells.length - MERGED, MERGED);
      const older = this.#levels[level + 1];
      if (older !== undefined) older.unshift(merged(oldest));
      this.#spare.push(...(older === undefined ? oldest : oldest.slice(1)));
    }
    this.#all = this.#levels.flat();
  }

  clear(slot: number): void {
    for (const { samples, exposure } of this.#all) {
      samples[slot] = 0;
      exposure[slot] = 0;
    }
  }

  /** Gives `to` the exposure of `from`, without its samples. */
  inheritExposure(from: number, to: number): void {
    for (const { samples, exposure } of this.#all) {
      samples[to] = 0;
      exposure[to] = exposure[from] as number;
    }
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    this.#spare.length = 0;
    for (const cells of this.#levels) {
      for (let at = 0; at < cells.length; at++) {
        const { lengthS, samples, exposure } = cells[at] as Cell;
        const wider = this.#fresh(lengthS);
        wider.samples.set(samples);
        wider.exposure.set(exposure);
        cells[at] = wider;
      }
    }
    this.#all = this.#levels.flat();
  }

  #fresh(lengthS: number): Cell {
    const spare = this.#spare.pop();
    if (spare === undefined) {
      const capacity = this.#capacity;
      return { lengthS, samples: new Float32Array(capacity), exposure: new Float32Array(capacity) };
    }
    spare.lengthS = lengthS;
    spare.samples.fill(0);
    spare.exposure.fill(0);
    return spare;
  }
}

/** Into the first of them. */
function merged(cells: readonly Cell[]): Cell {
  const [into, ...others] = cells as [Cell, ...Cell[]];
  for (const other of others) {
    into.lengthS += other.lengthS;
    add(into.samples, other.samples);
    add(into.exposure, other.exposure);
  }
  return into;
}

function add(into: Float32Array, from: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (from[i] as number);
}
