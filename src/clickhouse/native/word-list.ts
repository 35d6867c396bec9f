import { hashView, viewOf } from '../../span/interner.ts';
import { NativeBuffer, widened } from './native-buffer.ts';

/** A word that collides this often gets a second place in the dictionary: ClickHouse takes both for one. */
const MAX_PROBES = 64;

/**
 * The dictionary of one LowCardinality column in one block: distinct words by their bytes, numbered in order
 * of appearance, kept in wire form. Forgetting them all costs one addition.
 */
export class WordList {
  count = 0;
  readonly wire = new NativeBuffer(4096);
  #generation = 1;
  #slots = new Uint32Array(1024);
  #slotGenerations = new Uint32Array(1024);
  #hashes = new Uint32Array(512);
  /** Where a word's bytes are in `wire`. */
  #at = new Uint32Array(512);
  #lengths = new Uint32Array(512);

  reset(): void {
    this.count = 0;
    this.wire.reset();
    this.#generation++;
  }

  /** The number of the word `bytes[at, at + length)`. */
  intern(bytes: Uint8Array, at: number, length: number): number {
    return this.internView(viewOf(bytes), at, length);
  }

  /** The same of a view: for whoever asks often and has one at hand. */
  internView(view: DataView, at: number, length: number): number {
    const hash = hashView(view, at, length);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let probe = 1; probe <= MAX_PROBES; probe++) {
      if (this.#slotGenerations[slot] !== this.#generation) break;
      const word = this.#slots[slot] as number;
      if (this.#hashes[word] === hash && this.is(word, view, at, length)) return word;
      slot = (slot + probe) & mask;
    }
    return this.#add(view, [at, length], hash, slot);
  }

  internText(text: string): number {
    const bytes = Buffer.from(text);
    return this.intern(bytes, 0, bytes.length);
  }

  is(word: number, view: DataView, at: number, length: number): boolean {
    if (this.#lengths[word] !== length) return false;
    const own = this.wire.view;
    const shift = (this.#at[word] as number) - at;
    const last = at + length - 4;
    if (last < at) {
      for (let i = at; i < at + length; i++) if (own.getUint8(i + shift) !== view.getUint8(i)) return false;
      return true;
    }
    for (let i = at; i < last; i += 4) {
      if (own.getInt32(i + shift, true) !== view.getInt32(i, true)) return false;
    }
    return own.getInt32(last + shift, true) === view.getInt32(last, true);
  }

  #add(view: DataView, [at, length]: readonly [number, number], hash: number, slot: number): number {
    const word = this.count++;
    if (word >= this.#hashes.length) {
      this.#hashes = widened(this.#hashes, word + 1);
      this.#at = widened(this.#at, word + 1);
      this.#lengths = widened(this.#lengths, word + 1);
    }
    this.wire.string(new Uint8Array(view.buffer, view.byteOffset + at, length), 0, length);
    this.#hashes[word] = hash;
    this.#at[word] = this.wire.length - length;
    this.#lengths[word] = length;
    this.#slots[slot] = word;
    this.#slotGenerations[slot] = this.#generation;
    if (this.count * 2 > this.#slots.length) this.#rehash();
    return word;
  }

  #rehash(): void {
    const size = this.#slots.length * 2;
    const mask = size - 1;
    this.#slots = new Uint32Array(size);
    this.#slotGenerations = new Uint32Array(size);
    for (let word = 0; word < this.count; word++) {
      let slot = (this.#hashes[word] as number) & mask;
      for (let probe = 1; probe <= MAX_PROBES; probe++) {
        if (this.#slotGenerations[slot] !== this.#generation) break;
        slot = (slot + probe) & mask;
      }
      this.#slots[slot] = word;
      this.#slotGenerations[slot] = this.#generation;
    }
  }
}
