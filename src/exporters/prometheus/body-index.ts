import { hashBytes } from '../../span/interner.ts';
import type { LabelBodies } from './label-bodies.ts';

/** Ids of series by the bytes of their labels, which lie in LabelBodies: open addressing, at most half full. */
export class BodyIndex {
  readonly #bodies: LabelBodies;
  /** Id + 1; 0 = free. */
  #slots = new Uint32Array(1024);
  /** By id: the hash of its labels. */
  #hashes = new Uint32Array(512);
  #used = 0;

  constructor(bodies: LabelBodies) {
    this.#bodies = bodies;
  }

  /** -1: nobody has these labels. */
  find(labels: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const hash = hashBytes(labels, 0, labels.length);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1;
      if (id < 0) return -1;
      if (this.#hashes[id] === hash && this.#bodies.isEqual(id, labels)) return id;
    }
  }

  /** Of labels that nobody has yet, and that are in LabelBodies now. */
  put(id: number, labels: Uint8Array): void {
    if (id >= this.#hashes.length) {
      const larger = new Uint32Array(Math.max(this.#hashes.length * 2, id + 1));
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[id] = hashBytes(labels, 0, labels.length);
    if (++this.#used * 2 > this.#slots.length) this.#rehash();
    this.#place(id);
  }

  /** An id that is there. */
  delete(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = (this.#hashes[id] as number) & mask;
    while (slots[free] !== id + 1) free = (free + 1) & mask;
    // Who stands behind the gap moves into it, unless that is before where it is looked for first.
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#hashes[(slots[slot] as number) - 1] as number) & mask;
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      slots[free] = slots[slot] as number;
      free = slot;
    }
    slots[free] = 0;
    this.#used--;
  }

  #rehash(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (const entry of old) if (entry !== 0) this.#place(entry - 1);
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hashes[id] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = id + 1;
  }
}
