import { textOfValue } from '../../span/attribute-text.ts';
import { type AttributeCursor, VALUE } from '../../span/attributes.ts';
import { Offsets, WordColumn } from './columns.ts';
import { NativeBuffer, widened } from './native-buffer.ts';

/** Map(LowCardinality(String), String), or the inside of an array of them. */
export const ATTRIBUTE_MAP = 'Map(LowCardinality(String), String)';

export class AttributeColumn {
  readonly keys = new WordColumn();
  readonly values = new NativeBuffer(256 * 1024);
  readonly #offsets = new Offsets();
  /** Per position in a row, the key that was there last: rows of one kind have their keys in one order. */
  #expected = new Uint32Array(64);

  reset(): void {
    this.keys.reset();
    this.values.reset();
    this.#offsets.reset();
    this.#expected.fill(0);
  }

  /** Everything that the cursor still has to show becomes part of the row under construction. */
  addAll(cursor: AttributeCursor): void {
    const { keys, values } = this;
    const { words } = keys;
    let expected = this.#expected;
    for (let position = 0; cursor.next(); position++) {
      if (position >= expected.length) {
        expected = widened(expected, position + 1);
        this.#expected = expected;
      }
      const { bytes, keyAt, keyLength } = cursor;
      let word = expected[position] as number;
      if (word >= words.count || !words.is(word, bytes, keyAt, keyLength)) {
        word = words.intern(bytes, keyAt, keyLength);
        expected[position] = word;
      }
      keys.push(word);
      if (cursor.valueKind === VALUE.string) values.string(bytes, cursor.valueAt, cursor.valueLength);
      else values.text(textOfValue(cursor));
    }
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
