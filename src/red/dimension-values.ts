import { textOfValue } from '../span/attribute-text.ts';
import { type AttributeCursor, VALUE } from '../span/attributes.ts';

/** In a tuple's key, the length of a value that is not there. */
export const ABSENT = 0xffffffff;
/** Bytes before a value in a tuple's key. */
const PREFIX = 4;

/** One value: a range of the arena, or text of its own for what is no string. */
export class ValueBytes {
  isPresent = false;
  at = 0;
  length = 0;
  text: Buffer | undefined = undefined;

  clear(): void {
    this.isPresent = false;
    this.text = undefined;
  }

  take(cursor: AttributeCursor): void {
    this.isPresent = true;
    this.text = undefined;
    if (cursor.valueKind === VALUE.string) {
      this.at = cursor.valueAt;
      this.length = cursor.valueLength;
      return;
    }
    this.text = Buffer.from(textOfValue(cursor));
    this.length = this.text.length;
  }
}

/** Values one after the other, each with its length in front: equal bytes mean equal values. */
export class TupleKey {
  bytes = Buffer.allocUnsafeSlow(1024);
  used = 0;
  #at = 0;

  clear(): void {
    this.used = 0;
  }

  append(arena: Buffer, value: ValueBytes): void {
    if (value.isPresent && value.text !== undefined) this.appendText(value.text);
    else this.appendRange(arena, value.at, value.isPresent ? value.length : ABSENT);
  }

  /** `length` may be ABSENT. */
  appendRange(arena: Buffer, at: number, length: number): void {
    const size = length === ABSENT ? 0 : length;
    const to = this.#reserve(length, size);
    const { bytes } = this;
    for (let i = 0; i < size; i++) bytes[to + i] = arena[at + i] as number;
  }

  appendText(text: Buffer): void {
    const to = this.#reserve(text.length, text.length);
    this.bytes.set(text, to);
  }

  /** A number that `nextNumber` reads. */
  appendNumber(value: number): void {
    this.#reserve(value, 0);
  }

  #reserve(prefix: number, size: number): number {
    const from = this.used;
    const needed = from + PREFIX + size;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(needed * 2);
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    this.bytes.writeUInt32LE(prefix, from);
    this.used = needed;
    return from + PREFIX;
  }

  /** Lets `next` begin with the first value. */
  rewind(): void {
    this.#at = 0;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.used;
  }

  /** The next value; undefined for one that is not there. */
  next(): string | undefined {
    const length = this.nextNumber();
    if (length === ABSENT) return undefined;
    this.#at += length;
    return this.bytes.toString('utf8', this.#at - length, this.#at);
  }

  nextNumber(): number {
    const value = this.bytes.readUInt32LE(this.#at);
    this.#at += PREFIX;
    return value;
  }
}
