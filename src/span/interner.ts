import { isUtf8 } from 'node:buffer';

/** A hash has 32 bits and is known to attackers: a word that collides this often is turned away. */
const MAX_PROBES = 128;

const STRIDE = 4;

/**
 * Bytes to dense ids: open addressing over typed arrays, no string made for a word that is known.
 * Id 0 is the empty word; OVERFLOW stands for every word that came after a limit was reached.
 */
export class Interner {
  static readonly EMPTY = 0;
  static readonly OVERFLOW = 1;

  /** Per id, the word as a string (invalid UTF-8 becomes U+FFFD). */
  readonly words: string[] = ['', ''];
  /** Ids of words that are no UTF-8. */
  readonly invalid = new Set<number>();
  /** How often a word was turned away. */
  overflowed = 0;
  readonly #limit: number;
  readonly #limitBytes: number;
  #slots: Uint32Array;
  /** Per id: hash, where the word's bytes are, how many they are. Side by side, for they are read together. */
  #entries: Uint32Array;
  #bytes: Buffer;
  #view: DataView;
  #bytesUsed = 0;

  /** At most `limit` ids (the two reserved ones included) for words of `limitBytes` altogether. */
  constructor(limit: number, limitBytes = limit * 64) {
    this.#limit = limit;
    this.#limitBytes = limitBytes;
    this.#slots = new Uint32Array(1024);
    this.#entries = new Uint32Array(512 * STRIDE);
    this.#bytes = Buffer.allocUnsafeSlow(16 * 1024);
    this.#view = viewOf(this.#bytes);
  }

  get size(): number {
    return this.words.length;
  }

  /** The id of `bytes[at, at + length)`. Who calls it for every span has `view`, which is of the same bytes, at hand. */
  intern(bytes: Uint8Array, at: number, length: number, view = viewOf(bytes)): number {
    if (length === 0) return Interner.EMPTY;
    const hash = hashView(view, at, length);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let probe = 1; probe <= MAX_PROBES; probe++) {
      const id = this.#slots[slot] as number;
      if (id === 0) return this.#add(bytes, at, length, hash, slot);
      if (this.#entries[id * STRIDE] === hash && this.#equals(id, view, at, length)) return id;
      slot = (slot + probe) & mask;
    }
    this.overflowed++;
    return Interner.OVERFLOW;
  }

  internString(word: string): number {
    const bytes = Buffer.from(word);
    return this.intern(bytes, 0, bytes.length);
  }

  #equals(id: number, view: DataView, at: number, length: number): boolean {
    const entry = id * STRIDE;
    if (this.#entries[entry + 2] !== length) return false;
    const own = this.#view;
    const shift = (this.#entries[entry + 1] as number) - at;
    const end = at + length;
    const wordsEnd = end - 3;
    let i = at;
    for (; i < wordsEnd; i += 4) if (own.getInt32(i + shift, true) !== view.getInt32(i, true)) return false;
    for (; i < end; i++) if (own.getUint8(i + shift) !== view.getUint8(i)) return false;
    return true;
  }

  #add(bytes: Uint8Array, at: number, length: number, hash: number, slot: number): number {
    const id = this.words.length;
    if (id >= this.#limit || this.#bytesUsed + length > this.#limitBytes) {
      this.overflowed++;
      return Interner.OVERFLOW;
    }
    const word = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
    if (!isUtf8(word)) this.invalid.add(id);
    this.words.push(word.toString('utf8'));
    this.#reserve(id, length);
    this.#bytes.set(bytes.subarray(at, at + length), this.#bytesUsed);
    this.#entries[id * STRIDE] = hash;
    this.#entries[id * STRIDE + 1] = this.#bytesUsed;
    this.#entries[id * STRIDE + 2] = length;
    this.#bytesUsed += length;
    this.#slots[slot] = id;
    // Probing stays short while the table is at most half full.
    if (id * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #reserve(id: number, length: number): void {
    if (id * STRIDE === this.#entries.length) {
      const larger = new Uint32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    if (this.#bytesUsed + length > this.#bytes.length) {
      const size = Math.max(this.#bytes.length * 2, this.#bytesUsed + length);
      const larger = Buffer.allocUnsafeSlow(size);
      larger.set(this.#bytes.subarray(0, this.#bytesUsed));
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 2; id < this.words.length; id++) {
      let slot = (this.#entries[id * STRIDE] as number) & mask;
      for (let probe = 1; slots[slot] !== 0; probe++) slot = (slot + probe) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/**
 * 32 bits of every byte, four at a time: each word is mixed in by a multiplication, which carries upwards,
 * and a shift, which carries downwards, so that the low bits, which pick the slot, depend on all.
 */
export function hashBytes(bytes: Uint8Array, at: number, length: number): number {
  let hash = Math.imul(length, 0x9e3779b1) ^ 0x811c9dc5;
  const end = at + length;
  const wordsEnd = end - 3;
  let i = at;
  for (; i < wordsEnd; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (i < end) {
    let word = bytes[i] as number;
    if (i + 1 < end) word |= (bytes[i + 1] as number) << 8;
    if (i + 2 < end) word |= (bytes[i + 2] as number) << 16;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The same of a view, which reads four bytes at once: several times as fast where words are long. */
export function hashView(view: DataView, at: number, length: number): number {
  let hash = Math.imul(length, 0x9e3779b1) ^ 0x811c9dc5;
  const end = at + length;
  const wordsEnd = end - 3;
  let i = at;
  for (; i < wordsEnd; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(i, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (i < end) {
    let word = view.getUint8(i);
    if (i + 1 < end) word |= view.getUint8(i + 1) << 8;
    if (i + 2 < end) word |= view.getUint8(i + 2) << 16;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
