import { textOfValue } from '../../span/attribute-text.ts';
import { AttributeCursor, VALUE } from '../../span/attributes.ts';
import { viewOf } from '../../span/interner.ts';
import { Offsets, WordColumn } from './columns.ts';
import { NativeBuffer, widened } from './native-buffer.ts';

/** Map(LowCardinality(String), String), or the inside of an array of them. */
export const ATTRIBUTE_MAP = 'Map(LowCardinality(String), String)';

/** Tags of KeyValue and of AnyValue. */
const KEY = 0x0a;
const VALUE_OF_PAIR = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;

const [TRUE, FALS, E] = [0x65757274, 0x736c6166, 0x65];

export class AttributeColumn {
  readonly keys = new WordColumn();
  readonly values = new NativeBuffer(256 * 1024);
  readonly #offsets = new Offsets();
  readonly #cursor = new AttributeCursor();
  /** Per position in a row, the key that was there last: rows of one kind have their keys in one order. */
  #expected = new Uint32Array(64);
  /** Of the next pair in its row. */
  #position = 0;
  /** Of the pairs of that row. */
  #fieldNumber = 0;

  reset(): void {
    this.keys.reset();
    this.values.reset();
    this.#offsets.reset();
    this.#expected.fill(0);
  }

  /**
   * The attributes (repeated KeyValue with that field number) in [from, end) become part of the row under
   * construction, as far as they can be read. Nearly every pair is a short key with a short string, integer or
   * bool; those are read right here, all others by the cursor. `view` is of the same bytes.
   */
  addAll(bytes: Uint8Array, from: number, end: number, fieldNumber: number, view = viewOf(bytes)): void {
    const tag = fieldNumber * 8 + 2;
    this.#position = 0;
    this.#fieldNumber = fieldNumber;
    let at = this.#addUsual(view, from, end, tag);
    while (at < end) {
      const pairEnd = at + 2 + (bytes[at + 1] as number);
      if (bytes[at] !== tag || pairEnd - at >= 0x82 || pairEnd > end) {
        this.#addRest(bytes, view, at, end);
        return;
      }
      if (!this.#addRest(bytes, view, at, pairEnd)) return;
      at = this.#addUsual(view, pairEnd, end, tag);
    }
  }

  /**
   * Adds the pairs that are a key, then a value that is a string, int or bool, and no more, up to the first other
   * one; returns where that begins. Words of four bytes are read and written, up to three bytes too far.
   */
  #addUsual(view: DataView, from: number, end: number, tag: number): number {
    if (end + 4 > view.byteLength) return from;
    const { keys, values } = this;
    // No value is as long as its pair, and no pair is shorter than 8.
    values.reserve(end - from + 4);
    keys.reserve((end - from) >>> 3);
    const out = values.view;
    const { indexes } = keys;
    const head = tag | (KEY << 16);
    let to = values.length;
    let at = from;
    for (; at < end; ) {
      const first = view.getInt32(at, true);
      const pairEnd = at + 2 + ((first >>> 8) & 0xff);
      const valueAt = at + 4 + (first >>> 24);
      if ((first & 0xff80ff) !== head || pairEnd > end || valueAt + 4 > pairEnd) break;
      const second = view.getInt32(valueAt, true);
      if ((second & 0xff) !== VALUE_OF_PAIR || valueAt + 2 + ((second >>> 8) & 0xff) !== pairEnd) break;
      const number = second >>> 24;
      const kind = (second >>> 16) & 0xff;
      if (kind === STRING_VALUE) {
        if (valueAt + 4 + number !== pairEnd) break;
        // A length of one byte is written as it was sent.
        for (let i = valueAt + 3, put = to; i < pairEnd; i += 4, put += 4) {
          out.setInt32(put, view.getInt32(i, true), true);
        }
        to += number + 1;
      } else if (kind === INT_VALUE) {
        const more = pairEnd - valueAt - 4;
        const upper = more === 0 ? 0 : view.getUint8(valueAt + 4);
        if (more > 1 || number >>> 7 !== more || upper >= 0x80) break;
        to = writeDigits(out, to, (number & 0x7f) | (upper << 7));
      } else if (kind === BOOL_VALUE) {
        if (valueAt + 4 !== pairEnd || number > 1) break;
        to = writeBool(out, to, number === 1);
      } else break;
      indexes[keys.rows++] = this.#wordOfKey(view, at + 4, first >>> 24);
      at = pairEnd;
    }
    values.length = to;
    return at;
  }

  /** False when the bytes could not be read to the end. */
  #addRest(bytes: Uint8Array, view: DataView, from: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.reset(bytes, from, end, this.#fieldNumber);
    while (cursor.next()) {
      this.keys.push(this.#wordOfKey(view, cursor.keyAt, cursor.keyLength));
      if (cursor.valueKind === VALUE.string) {
        this.values.string(bytes, cursor.valueAt, cursor.valueLength);
      } else this.values.text(textOfValue(cursor));
    }
    return !cursor.malformed;
  }

  #wordOfKey(view: DataView, at: number, length: number): number {
    const { words } = this.keys;
    const position = this.#position++;
    if (position >= this.#expected.length) this.#expected = widened(this.#expected, position + 1);
    let word = this.#expected[position] as number;
    if (word >= words.count || !words.is(word, view, at, length)) {
      word = words.internView(view, at, length);
      this.#expected[position] = word;
    }
    return word;
  }

  add(key: string, value: string): void {
    this.keys.pushText(key);
    this.values.text(value);
  }

  endRow(): void {
    this.#offsets.push(this.keys.rows);
  }

  /** Makes the row that ends here, whose keys and values began there, stand `times` times. */
  repeatRow(keysAt: number, valuesAt: number, times: number): void {
    const { keys, values } = this;
    const length = keys.rows - keysAt;
    this.#offsets.pushRun(keys.rows + length, length, times - 1);
    keys.repeatLast(length, times);
    values.repeatLast(values.length - valuesAt, times);
  }

  write(out: NativeBuffer, name: string): void {
    out.column(name, ATTRIBUTE_MAP);
    this.keys.writePrefix(out);
    this.#writeData(out);
  }

  /** As the elements of an array column. */
  writeArray(out: NativeBuffer, name: string, rows: Offsets): void {
    out.column(name, `Array(${ATTRIBUTE_MAP})`);
    this.keys.writePrefix(out);
    rows.writeData(out);
    this.#writeData(out);
  }

  #writeData(out: NativeBuffer): void {
    this.#offsets.writeData(out);
    this.keys.writeData(out);
    out.raw(this.values.written());
  }
}

/** Both are written as a String with its length, of one byte; they return the place behind. */
function writeBool(out: DataView, at: number, value: boolean): number {
  out.setUint8(at, value ? 4 : 5);
  out.setInt32(at + 1, value ? TRUE : FALS, true);
  if (!value) out.setUint8(at + 5, E);
  return at + (value ? 5 : 6);
}

/** Of at most 14 bits. */
function writeDigits(out: DataView, at: number, value: number): number {
  const digits = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5;
  out.setUint8(at, digits);
  let rest = value;
  for (let put = at + digits; put > at; put--) {
    const tenth = (rest / 10) >>> 0;
    out.setUint8(put, 0x30 + rest - tenth * 10);
    rest = tenth;
  }
  return at + digits + 1;
}
