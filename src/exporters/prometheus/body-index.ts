import { hashBytes } from '../../span/interner.ts';

/** Who knows the bytes of an id. */
interface BytesOfIds {
  isEqual(id: number, bytes: Uint8Array): boolean;
}

/** Ids by their bytes, which lie elsewhere: open addressing, at most half full. */
export class BodyIndex {
  readonly #kept: BytesOfIds;
  /** Id + 1; 0 = free. */
  #slots = new Uint32Array(1024);
  /** By id: the hash of its bytes. */
  #hashes = new Uint32Array(512);
  #used = 0;

  constructor(kept: BytesOfIds) {
    this.#kept = kept;
  }

  /** -1: no id has these bytes. */
  find(bytes: Uint8Array): number {
    const mask = this.#slots.length - 1;
    const hash = hashBytes(bytes, 0, bytes.length);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1;
      if (id < 0) return -1;
      if (this.#hashes[id] === hash && this.#kept.isEqual(id, bytes)) return id;
    }
  }

  /** Of bytes that no id has yet. */
  put(id: number, bytes: Uint8Array): void {
    if (id >= this.#hashes.length) {
      const larger = new Uint32Array(Math.max(this.#hashes.length * 2, id + 1));
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[id] = hashBytes(bytes, 0, bytes.length);
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
