import { NONE } from './span-batch.ts';

/** The four words of a trace id. */
const STRIDE = 4;

/** Weights by trace id: open addressing, emptied in no time. */
export class WeightOfTrace {
  size = 0;
  #keys = new Uint32Array(256 * STRIDE);
  #weights = new Float64Array(256);
  /** Entry + `#base` + 1; what is not above the base is of an earlier batch. */
  #slots = new Uint32Array(1024);
  #base = 0;

  clear(): void {
    this.#base += this.size;
    this.size = 0;
    if (this.#base > 0x7fff_ffff) {
      this.#slots.fill(0);
      this.#base = 0;
    }
  }

  /** `idAt`: where the 16 bytes of the id are. Of a trace that is put twice the first weight counts. */
  put(view: DataView, idAt: number, weight: number): void {
    if (idAt === NONE) return;
    const slot = this.#slotOf(view, idAt);
    if ((this.#slots[slot] as number) > this.#base) return;
    const entry = this.size++;
    if (this.size > this.#weights.length) this.#grow();
    for (let i = 0; i < STRIDE; i++) this.#keys[entry * STRIDE + i] = view.getUint32(idAt + i * 4, true);
    this.#weights[entry] = weight;
    this.#slots[slot] = this.#base + this.size;
    if (this.size * 2 > this.#slots.length) this.#rehash();
  }

  /** -1: not known. */
  get(view: DataView, idAt: number): number {
    if (idAt === NONE) return -1;
    const entry = (this.#slots[this.#slotOf(view, idAt)] as number) - this.#base - 1;
    return entry < 0 ? -1 : (this.#weights[entry] as number);
  }

  /** Where the trace is, or a free slot. */
  #slotOf(view: DataView, idAt: number): number {
    const a = view.getUint32(idAt, true);
    const b = view.getUint32(idAt + 4, true);
    const c = view.getUint32(idAt + 8, true);
    const d = view.getUint32(idAt + 12, true);
    const keys = this.#keys;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(a, b, c, d) & mask;
    for (;;) {
      const entry = (slots[slot] as number) - this.#base - 1;
      if (entry < 0) return slot;
      const at = entry * STRIDE;
      if (keys[at + 3] === d && keys[at + 2] === c && keys[at + 1] === b && keys[at] === a) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const weights = new Float64Array(this.#weights.length * 2);
    weights.set(this.#weights);
    this.#weights = weights;
  }

  #rehash(): void {
    const keys = this.#keys;
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    this.#base = 0;
    for (let entry = 0; entry < this.size; entry++) {
      const at = entry * STRIDE;
      const hash = hashOf(
        keys[at] as number,
        keys[at + 1] as number,
        keys[at + 2] as number,
        keys[at + 3] as number,
      );
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** Ids are the sender's, and not always random: every word counts. */
function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(d, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2ae35) ^ Math.imul(a, 0x27d4eb2f);
  return hash ^ (hash >>> 15);
}
