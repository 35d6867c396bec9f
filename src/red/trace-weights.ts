import { NONE } from '../span/span-batch.ts';

/** Row and the four words of a trace id, side by side, for they are read together. */
const STRIDE = 5;

/**
 * Weights summed by row and trace, of the spans that stand for more than themselves: what is known of a row's
 * error. A trace is kept or dropped as a whole, so its spans err together: of a trace with n spans in a row, of
 * weights w with S = sum of w, the row's variance has S * (S - n). Derived in docs/adr/008-weights.md.
 *
 * Spans of weight 1 are certain: they add nothing to it, nor to what they have in common with others.
 */
export class TraceWeights {
  #entries = 0;
  #keys = new Uint32Array(256 * STRIDE);
  /** Sum of weights and number of spans, per entry. */
  #sums = new Float64Array(256 * 2);
  /** Entry + `#base` + 1; what is not above the base is of an earlier block. */
  #slots = new Uint32Array(1024);
  #base = 0;

  clear(): void {
    this.#base += this.#entries;
    this.#entries = 0;
    if (this.#base > 0x7fff_ffff) {
      this.#slots.fill(0);
      this.#base = 0;
    }
  }

  /** `idAt`: where the 16 bytes of the trace's id are; a span without one is a trace of its own. `weight` is of all `spans`. */
  add(row: number, view: DataView, idAt: number, weight: number, spans = 1): void {
    if ((this.#entries + 1) * STRIDE > this.#keys.length) this.#grow();
    const keys = this.#keys;
    const own = this.#entries * STRIDE;
    const isKnown = idAt !== NONE;
    keys[own] = row;
    keys[own + 1] = isKnown ? view.getUint32(idAt, true) : 0;
    keys[own + 2] = isKnown ? view.getUint32(idAt + 4, true) : 0;
    keys[own + 3] = isKnown ? view.getUint32(idAt + 8, true) : 0;
    keys[own + 4] = isKnown ? view.getUint32(idAt + 12, true) : this.#entries;
    const slots = this.#slots;
    const first = this.#base + 1;
    const mask = slots.length - 1;
    let slot = hashOf(keys, own) & mask;
    for (;;) {
      const entry = (slots[slot] as number) - first;
      if (entry < 0) break;
      const at = entry * STRIDE;
      if (
        keys[at + 4] === keys[own + 4] &&
        keys[at + 3] === keys[own + 3] &&
        keys[at + 2] === keys[own + 2] &&
        keys[at + 1] === keys[own + 1] &&
        keys[at] === row
      ) {
        this.#sums[entry * 2] = (this.#sums[entry * 2] as number) + weight;
        this.#sums[entry * 2 + 1] = (this.#sums[entry * 2 + 1] as number) + spans;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.#sums[this.#entries * 2] = weight;
    this.#sums[this.#entries * 2 + 1] = spans;
    this.#entries++;
    slots[slot] = this.#base + this.#entries;
    if (this.#entries * 2 > slots.length) this.#rehash();
  }

  /** What was added to a row goes to `target[row]`. */
  fold(target: Uint32Array): void {
    const entries = this.#entries;
    const keys = this.#keys.slice(0, entries * STRIDE);
    const sums = this.#sums.slice(0, entries * 2);
    const ids = new DataView(keys.buffer);
    this.clear();
    for (let entry = 0; entry < entries; entry++) {
      const row = target[keys[entry * STRIDE] as number] as number;
      // Words of a typed array lie as the machine has them; read back in the same way they are the same.
      this.add(row, ids, (entry * STRIDE + 1) * 4, sums[entry * 2] as number, sums[entry * 2 + 1] as number);
    }
  }

  /** Of each of `rows` rows the variance, and the root of the largest part that a trace has in it. */
  byRow(rows: number): { readonly squares: Float64Array; readonly largest: Float64Array } {
    const squares = new Float64Array(rows);
    const largest = new Float64Array(rows);
    for (let entry = 0; entry < this.#entries; entry++) {
      const row = this.#keys[entry * STRIDE] as number;
      const sum = this.#sums[entry * 2] as number;
      const square = sum * (sum - (this.#sums[entry * 2 + 1] as number));
      squares[row] = (squares[row] as number) + square;
      if (square > (largest[row] as number)) largest[row] = square;
    }
    for (let row = 0; row < rows; row++) largest[row] = Math.sqrt(largest[row] as number);
    return { squares, largest };
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const sums = new Float64Array(this.#sums.length * 2);
    sums.set(this.#sums);
    this.#sums = sums;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    this.#base = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      let slot = hashOf(this.#keys, entry * STRIDE) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** Ids are the sender's, and not always random: every word counts. */
function hashOf(keys: Uint32Array, at: number): number {
  let hash =
    Math.imul((keys[at] as number) ^ (keys[at + 4] as number), 0x9e3779b1) ^
    Math.imul(keys[at + 3] as number, 0x85ebca6b);
  hash =
    Math.imul(hash ^ (hash >>> 15) ^ (keys[at + 2] as number), 0xc2b2ae35) ^
    Math.imul(keys[at + 1] as number, 0x27d4eb2f);
  return hash ^ (hash >>> 15);
}
