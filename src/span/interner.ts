/**
 * Bytes to dense ids: open addressing over typed arrays, no string made for a word that is known.
 * Id 0 is the empty word; OVERFLOW stands for every word that came after the limit was reached.
 */
export class Interner {
  static readonly EMPTY = 0;
  static readonly OVERFLOW = 1;

  /** Per id, the word as a string (invalid UTF-8 becomes U+FFFD). */
  readonly words: string[] = ['', ''];
  /** Words that did not fit. */
  overflowed = 0;
  readonly #limit: number;
  #slots: Uint32Array;
  #hashes: Uint32Array;
  #at: Uint32Array;
  #lengths: Uint32Array;
  #bytes: Buffer;
  #bytesUsed = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#slots = new Uint32Array(1024);
    this.#hashes = new Uint32Array(512);
    this.#at = new Uint32Array(512);
    this.#lengths = new Uint32Array(512);
    this.#bytes = Buffer.allocUnsafeSlow(16 * 1024);
  }

  get size(): number {
    return this.words.length;
  }

  /** The id of `bytes[at, at + length)`. */
  intern(bytes: Uint8Array, at: number, length: number): number {
    if (length === 0) return Interner.EMPTY;
    const hash = hashBytes(bytes, at, length);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const id = this.#slots[slot] as number;
      if (id === 0) return this.#add(bytes, at, length, hash, slot);
      if (this.#hashes[id] === hash && this.#equals(id, bytes, at, length)) return id;
      slot = (slot + 1) & mask;
    }
  }

  internString(word: string): number {
    const bytes = Buffer.from(word);
    return this.intern(bytes, 0, bytes.length);
  }

  #equals(id: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#lengths[id] !== length) return false;
    const own = this.#bytes;
    const ownAt = this.#at[id] as number;
    for (let i = 0; i < length; i++) if (own[ownAt + i] !== bytes[at + i]) return false;
    return true;
  }

  #add(bytes: Uint8Array, at: number, length: number, hash: number, slot: number): number {
    const id = this.words.length;
    if (id >= this.#limit) {
      this.overflowed++;
      return Interner.OVERFLOW;
    }
    this.words.push(Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8'));
    this.#reserve(id, length);
    this.#bytes.set(bytes.subarray(at, at + length), this.#bytesUsed);
    this.#hashes[id] = hash;
    this.#at[id] = this.#bytesUsed;
    this.#lengths[id] = length;
    this.#bytesUsed += length;
    this.#slots[slot] = id;
    // Linear probing stays short while the table is at most half full.
    if (id * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #reserve(id: number, length: number): void {
    if (id >= this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#at = grown(this.#at);
      this.#lengths = grown(this.#lengths);
    }
    if (this.#bytesUsed + length > this.#bytes.length) {
      const size = Math.max(this.#bytes.length * 2, this.#bytesUsed + length);
      const larger = Buffer.allocUnsafeSlow(size);
      larger.set(this.#bytes.subarray(0, this.#bytesUsed));
      this.#bytes = larger;
    }
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 2; id < this.words.length; id++) {
      let slot = (this.#hashes[id] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}

/** FNV-1a, finished so that the low bits, which pick the slot, depend on every byte. */
export function hashBytes(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash ^= hash >>> 15;
  return hash >>> 0;
}

function grown(column: Uint32Array): Uint32Array {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}
