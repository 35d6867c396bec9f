import { type NativeBuffer, widened } from './native-buffer.ts';
import { WordList } from './word-list.ts';

export const LOW_CARDINALITY = 'LowCardinality(String)';
/** In front of the data of a LowCardinality column, nested or not: version of its serialization. */
const DICTIONARY_VERSION = 1;
/** The dictionary follows in this very block (1 << 9), and there is no other (1 << 10). */
const OWN_DICTIONARY = 0x600;

/**
 * A LowCardinality(String) column under construction. The state prefix and the data are written apart, since
 * inside Array and Map the prefixes of all parts come first.
 */
export class WordColumn {
  readonly words = new WordList();
  indexes = new Uint32Array(1024);
  rows = 0;
  /** Per id of some dense numbering: the word, valid where the stamp is of this block. */
  #wordOfId = new Uint32Array(1024);
  #stamps = new Uint32Array(1024);
  #stamp = 1;
  #wordOfText = new Map<string, number>();

  reset(): void {
    this.rows = 0;
    this.words.reset();
    this.#stamp++;
    if (this.#wordOfText.size > 0) this.#wordOfText = new Map();
  }

  push(word: number): void {
    if (this.rows === this.indexes.length) this.indexes = widened(this.indexes, this.rows + 1);
    this.indexes[this.rows++] = word;
  }

  /** A word with a dense id: its bytes are looked at only when the id is new in this block. */
  pushId(id: number, bytes: Uint8Array, at: number, length: number): void {
    if (id >= this.#stamps.length) {
      this.#stamps = widened(this.#stamps, id + 1);
      this.#wordOfId = widened(this.#wordOfId, id + 1);
    }
    if (this.#stamps[id] !== this.#stamp) {
      this.#stamps[id] = this.#stamp;
      this.#wordOfId[id] = this.words.intern(bytes, at, length);
    }
    this.push(this.#wordOfId[id] as number);
  }

  /** For tables with few rows. */
  pushText(text: string): void {
    let word = this.#wordOfText.get(text);
    if (word === undefined) {
      word = this.words.internText(text);
      this.#wordOfText.set(text, word);
    }
    this.push(word);
  }

  writePrefix(out: NativeBuffer): void {
    out.uint64(DICTIONARY_VERSION);
  }

  writeData(out: NativeBuffer): void {
    const { rows } = this;
    if (rows === 0) return;
    writeDictionary(out, this.words.count, this.words.wire.written());
    out.uint64(rows);
    const width = indexWidth(this.words.count);
    out.reserve(rows * width);
    const { indexes } = this;
    if (width === 4) {
      out.numbers(indexes.subarray(0, rows));
      return;
    }
    const { bytes } = out;
    let at = out.length;
    if (width === 1) for (let i = 0; i < rows; i++) bytes[at++] = indexes[i] as number;
    else {
      for (let i = 0; i < rows; i++) {
        const index = indexes[i] as number;
        bytes[at++] = index & 0xff;
        bytes[at++] = index >>> 8;
      }
    }
    out.length = at;
  }

  write(out: NativeBuffer, name: string): void {
    out.column(name, LOW_CARDINALITY);
    this.writePrefix(out);
    this.writeData(out);
  }
}

/** Bytes per index into a dictionary of that many words. */
function indexWidth(words: number): 1 | 2 | 4 {
  return words <= 0x100 ? 1 : words <= 0x1_0000 ? 2 : 4;
}

function writeDictionary(out: NativeBuffer, words: number, wire: Uint8Array): void {
  out.uint64(OWN_DICTIONARY | (indexWidth(words) >> 1));
  out.uint64(words);
  out.raw(wire);
}

/** A LowCardinality column over a fixed list of words, whose indexes are already at hand. */
export function writeFixedWords(
  out: NativeBuffer,
  name: string,
  words: readonly string[],
  indexes: Uint8Array,
): void {
  out.column(name, LOW_CARDINALITY);
  out.uint64(DICTIONARY_VERSION);
  if (indexes.length === 0) return;
  out.uint64(OWN_DICTIONARY);
  out.uint64(words.length);
  for (const word of words) out.text(word);
  out.uint64(indexes.length);
  out.raw(indexes);
}

/** Where each row of an Array or Map ends, counted in elements. */
export class Offsets {
  ends = new Uint32Array(1024);
  rows = 0;

  reset(): void {
    this.rows = 0;
  }

  push(end: number): void {
    if (this.rows === this.ends.length) this.ends = widened(this.ends, this.rows + 1);
    this.ends[this.rows++] = end;
  }

  writeData(out: NativeBuffer): void {
    writeWidened(out, this.ends, this.rows);
  }
}

/** UInt32 in memory, UInt64 in the block. */
export function writeWidened(out: NativeBuffer, column: Uint32Array, rows: number): void {
  out.reserve(rows * 8);
  const { bytes } = out;
  let at = out.length;
  for (let i = 0; i < rows; i++) {
    const value = column[i] as number;
    bytes[at] = value & 0xff;
    bytes[at + 1] = (value >>> 8) & 0xff;
    bytes[at + 2] = (value >>> 16) & 0xff;
    bytes[at + 3] = value >>> 24;
    bytes[at + 4] = 0;
    bytes[at + 5] = 0;
    bytes[at + 6] = 0;
    bytes[at + 7] = 0;
    at += 8;
  }
  out.length = at;
}

/** Int64 or UInt64 from halves: DateTime64(9) as ns since the epoch. */
export function writeHalves(out: NativeBuffer, lo: Uint32Array, hi: Uint32Array, rows: number): void {
  const pairs = new Uint32Array(rows * 2);
  for (let i = 0; i < rows; i++) {
    pairs[i * 2] = lo[i] as number;
    pairs[i * 2 + 1] = hi[i] as number;
  }
  out.numbers(pairs);
}

/** UInt64 from numbers that are integers in [0, 2^53]. */
export function writeIntegers(out: NativeBuffer, column: Float64Array, rows: number): void {
  const pairs = new Uint32Array(rows * 2);
  for (let i = 0; i < rows; i++) {
    const value = column[i] as number;
    pairs[i * 2] = value >>> 0;
    pairs[i * 2 + 1] = Math.floor(value / 2 ** 32);
  }
  out.numbers(pairs);
}
