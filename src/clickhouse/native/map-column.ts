import { textOfValue } from '../../span/attribute-text.ts';
import { AttributeCursor, VALUE } from '../../span/attributes.ts';
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

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

export class AttributeColumn {
  readonly keys = new WordColumn();
  readonly values = new NativeBuffer(256 * 1024);
  readonly #offsets = new Offsets();
  readonly #cursor = new AttributeCursor();
  /** Per position in a row, the key that was there last: rows of one kind have their keys in one order. */
  #expected = new Uint32Array(64);

  reset(): void {
    this.keys.reset();
    this.values.reset();
    this.#offsets.reset();
    this.#expected.fill(0);
  }

  /**
   * The attributes (repeated KeyValue with that field number) in [from, end) become part of the row under
   * construction, as far as they can be read. Nearly every pair is a short key with a short string, integer or
   * bool; those are read right here, all others by the cursor.
   */
  addAll(bytes: Uint8Array, from: number, end: number, fieldNumber: number): void {
    const tag = fieldNumber * 8 + 2;
    let at = from;
    for (let position = 0; at < end; position++) {
      const pairEnd = at + 2 + (bytes[at + 1] as number);
      if (bytes[at] !== tag || pairEnd - at >= 0x82 || pairEnd > end) {
        this.#addRest(bytes, at, end, fieldNumber, position);
        return;
      }
      if (
        !this.#addShort(bytes, at + 2, pairEnd, position) &&
        !this.#addRest(bytes, at, pairEnd, fieldNumber, position)
      ) {
        return;
      }
      at = pairEnd;
    }
  }

  /** False, and nothing done, unless the pair is: key, then a value that is a string, int or bool, no more. */
  #addShort(bytes: Uint8Array, at: number, end: number, position: number): boolean {
    const keyAt = at + 2;
    const valueAt = keyAt + (bytes[at + 1] as number);
    // Key, and the value's message up to the pair's end.
    if (bytes[at] !== KEY || valueAt + 4 > end || bytes[valueAt] !== VALUE_OF_PAIR) return false;
    if (valueAt + 2 + (bytes[valueAt + 1] as number) !== end) return false;
    const contentAt = valueAt + 4;
    const first = bytes[valueAt + 3] as number;
    switch (bytes[valueAt + 2] as number) {
      case STRING_VALUE:
        if (contentAt + first !== end) return false;
        this.#pushKey(bytes, keyAt, valueAt - keyAt, position);
        this.values.string(bytes, contentAt, first);
        return true;
      case INT_VALUE: {
        const second = contentAt + 1 === end ? (bytes[contentAt] as number) : 0;
        if (first < 0x80 ? contentAt !== end : contentAt + 1 !== end || second >= 0x80) return false;
        this.#pushKey(bytes, keyAt, valueAt - keyAt, position);
        this.#pushInteger((first & 0x7f) | (second << 7));
        return true;
      }
      case BOOL_VALUE:
        if (contentAt !== end || first > 1) return false;
        this.#pushKey(bytes, keyAt, valueAt - keyAt, position);
        this.values.string(first === 1 ? TRUE : FALSE, 0, first === 1 ? 4 : 5);
        return true;
      default:
        return false;
    }
  }

  /** False when the bytes could not be read to the end. */
  #addRest(bytes: Uint8Array, from: number, end: number, fieldNumber: number, first: number): boolean {
    const cursor = this.#cursor;
    cursor.reset(bytes, from, end, fieldNumber);
    for (let position = first; cursor.next(); position++) {
      this.#pushKey(bytes, cursor.keyAt, cursor.keyLength, position);
      if (cursor.valueKind === VALUE.string) {
        this.values.string(bytes, cursor.valueAt, cursor.valueLength);
      } else this.values.text(textOfValue(cursor));
    }
    return !cursor.malformed;
  }

  #pushKey(bytes: Uint8Array, at: number, length: number, position: number): void {
    const { words } = this.keys;
    if (position >= this.#expected.length) this.#expected = widened(this.#expected, position + 1);
    let word = this.#expected[position] as number;
    if (word >= words.count || !words.is(word, bytes, at, length)) {
      word = words.intern(bytes, at, length);
      this.#expected[position] = word;
    }
    this.keys.push(word);
  }

  /** Of at most 14 bits. */
  #pushInteger(value: number): void {
    const { values } = this;
    values.reserve(6);
    const digits = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5;
    values.bytes[values.length] = digits;
    let rest = value;
    for (let at = values.length + digits; at > values.length; at--) {
      const tenth = Math.floor(rest / 10);
      values.bytes[at] = 0x30 + rest - tenth * 10;
      rest = tenth;
    }
    values.length += digits + 1;
  }

  add(key: string, value: string): void {
    this.keys.pushText(key);
    this.values.text(value);
  }

  endRow(): void {
    this.#offsets.push(this.keys.rows);
  }

  /** One more row with the elements [keyAt, keyEnd), whose values are the bytes [valueAt, valueEnd). */
  repeat(keyAt: number, keyEnd: number, valueAt: number, valueEnd: number): void {
    const { keys } = this;
    const count = keyEnd - keyAt;
    if (keys.rows + count > keys.indexes.length) keys.indexes = widened(keys.indexes, keys.rows + count);
    for (let i = 0; i < count; i++) keys.indexes[keys.rows + i] = keys.indexes[keyAt + i] as number;
    keys.rows += count;
    this.values.again(valueAt, valueEnd);
    this.endRow();
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
