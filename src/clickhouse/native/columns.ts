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

  /** Makes room for `more` rows; whoever calls it may write them into `indexes` by hand. */
  reserve(more: number): void {
    this.indexes = widened(this.indexes, this.rows + more);
  }

  /** The same word for `rows` rows. */
  pushRun(word: number, rows: number): void {
    const end = this.rows + rows;
    this.indexes = widened(this.indexes, end);
    this.indexes.fill(word, this.rows, end);
    this.rows = end;
  }

  /** Makes the last `length` rows stand there `times` times. */
  repeatLast(length: number, times: number): void {
    const at = this.rows - length;
    const end = at + length * times;
    this.indexes = widened(this.indexes, end);
    const { indexes } = this;
    for (let i = this.rows; i < end; i++) indexes[i] = indexes[i - length] as number;
    this.rows = end;
  }

  /** A word with a dense id: its bytes are looked at only when the id is new in this block. */
  pushId(id: number, view: DataView, at: number, length: number): void {
    if (id >= this.#stamps.length) {
      this.#stamps = widened(this.#stamps, id + 1);
      this.#wordOfId = widened(this.#wordOfId, id + 1);
    }
    if (this.#stamps[id] !== this.#stamp) {
      this.#stamps[id] = this.#stamp;
      this.#wordOfId[id] = this.words.internView(view, at, length);
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
    if (this.words.count === 1) {
      out.zeros(rows);
      return;
    }
    const { bytes, view } = out;
    const at = out.length;
    if (width === 1) for (let i = 0; i < rows; i++) bytes[at + i] = indexes[i] as number;
    else for (let i = 0; i < rows; i++) view.setUint16(at + i * 2, indexes[i] as number, true);
    out.length = at + rows * width;
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

  /** `rows` rows of `length` elements each, the first of which ends at `end`. */
  pushRun(end: number, length: number, rows: number): void {
    this.ends = widened(this.ends, this.rows + rows);
    const { ends } = this;
    for (let i = 0; i < rows; i++) ends[this.rows + i] = end + i * length;
    this.rows += rows;
  }

  writeData(out: NativeBuffer): void {
    const { ends, rows } = this;
    // Ends only grow, so that of the last row tells whether there is anything at all.
    if (rows > 0 && ends[rows - 1] === 0) out.zeros(rows * 8);
    else writeWidened(out, ends, rows);
  }
}

/** UInt32 in memory, UInt64 in the block. */
export function writeWidened(out: NativeBuffer, column: Uint32Array, rows: number): void {
  out.reserve(rows * 8);
  const { view } = out;
  let at = out.length;
  for (let i = 0; i < rows; i++) {
    view.setUint32(at, column[i] as number, true);
    view.setUint32(at + 4, 0, true);
    at += 8;
  }
  out.length = at;
}

/** Int64 or UInt64 from halves: DateTime64(9) as ns since the epoch. */
export function writeHalves(out: NativeBuffer, lo: Uint32Array, hi: Uint32Array, rows: number): void {
  out.reserve(rows * 8);
  const { view } = out;
  let at = out.length;
  for (let i = 0; i < rows; i++) {
    view.setUint32(at, lo[i] as number, true);
    view.setUint32(at + 4, hi[i] as number, true);
    at += 8;
  }
  out.length = at;
}

/** UInt64 from numbers that are integers in [0, 2^53]. */
export function writeIntegers(out: NativeBuffer, column: Float64Array, rows: number): void {
  out.reserve(rows * 8);
  const { view } = out;
  let to = out.length;
  for (let i = 0; i < rows; i++, to += 8) putInteger(view, to, column[i] as number);
  out.length = to;
}

/** The same, each row's from where `at` says. */
export function writeIntegersAt(
  out: NativeBuffer,
  column: Float64Array,
  at: Uint32Array,
  rows: number,
): void {
  out.reserve(rows * 8);
  const { view } = out;
  let to = out.length;
  for (let i = 0; i < rows; i++, to += 8) putInteger(view, to, column[at[i] as number] as number);
  out.length = to;
}

/** Setting takes a number modulo 2^32. */
function putInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value / 2 ** 32, true);
}
