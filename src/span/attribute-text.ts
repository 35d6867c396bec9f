import { AttributeCursor, VALUE, ValueCursor } from './attributes.ts';
import type { ByteSink } from './byte-sink.ts';
import { ScanError } from './scan-error.ts';
import { WIRE } from './wire.ts';

/** Arrays and maps inside each other; what is deeper is written as null. */
const MAX_DEPTH = 64;

/** Field number of ArrayValue.values and KeyValueList.values. */
const ELEMENTS = 1;

/**
 * The value that `cursor` stands on as text, in the collector's form: strings as they are, true and false,
 * decimal integers, doubles as JSON has them (NaN, Infinity and -Infinity by name), bytes in base64, arrays
 * and maps as compact JSON with sorted keys, '' for a value that is not set.
 */
export function textOfValue(cursor: ValueCursor): string {
  switch (cursor.valueKind) {
    case VALUE.string:
      return slice(cursor).toString('utf8');
    case VALUE.bool:
      return cursor.numeric === 1 ? 'true' : 'false';
    case VALUE.int:
      return textOfInt(cursor);
    case VALUE.double:
      return textOfDouble(cursor.numeric);
    case VALUE.bytes:
      return slice(cursor).toString('base64');
    case VALUE.array:
    case VALUE.kvlist:
      return jsonOf(cursor, 1) ?? '';
    default:
      return '';
  }
}

/** Appends what `textOfValue` returns, as UTF-8; a string's bytes are copied as they are. */
export function writeValue(cursor: ValueCursor, sink: ByteSink): void {
  if (cursor.valueKind === VALUE.string) sink.copy(cursor.bytes, cursor.valueAt, cursor.valueLength);
  else if (cursor.valueKind === VALUE.array || cursor.valueKind === VALUE.kvlist)
    sink.utf8(textOfValue(cursor));
  else sink.ascii(textOfValue(cursor));
}

function slice({ bytes, valueAt, valueLength }: ValueCursor): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + valueAt, valueLength);
}

function textOfInt({ numeric, intHi, intLo }: ValueCursor): string {
  if (Number.isSafeInteger(numeric)) return String(numeric);
  return String((BigInt(intHi | 0) << 32n) | BigInt(intLo));
}

function textOfDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Undefined for a double that JSON does not have: the collector then writes nothing at all. */
function jsonOf(cursor: ValueCursor, depth: number): string | undefined {
  switch (cursor.valueKind) {
    case VALUE.string:
      return jsonString(textOfValue(cursor));
    case VALUE.bytes:
      return `"${textOfValue(cursor)}"`;
    case VALUE.bool:
    case VALUE.int:
      return textOfValue(cursor);
    case VALUE.double:
      return Number.isFinite(cursor.numeric) ? textOfDouble(cursor.numeric) : undefined;
    case VALUE.array:
      return depth > MAX_DEPTH ? 'null' : jsonOfArray(cursor, depth);
    case VALUE.kvlist:
      return depth > MAX_DEPTH ? 'null' : jsonOfMap(cursor, depth);
    default:
      return 'null';
  }
}

function jsonOfArray(cursor: ValueCursor, depth: number): string | undefined {
  const elements: string[] = [];
  const element = new ElementCursor(cursor);
  while (element.next()) {
    const json = jsonOf(element, depth + 1);
    if (json === undefined) return undefined;
    elements.push(json);
  }
  return `[${elements.join(',')}]`;
}

/** Of a key that comes twice the last value counts. */
function jsonOfMap(cursor: ValueCursor, depth: number): string | undefined {
  const members = new Map<string, string>();
  const pair = new AttributeCursor();
  pair.reset(cursor.bytes, cursor.valueAt, cursor.valueAt + cursor.valueLength, ELEMENTS);
  while (pair.next()) {
    const json = jsonOf(pair, depth + 1);
    if (json === undefined) return undefined;
    const key = Buffer.from(pair.bytes.buffer, pair.bytes.byteOffset + pair.keyAt, pair.keyLength);
    members.set(key.toString('utf8'), json);
  }
  const sorted = [...members].sort(([a], [b]) => compareUtf8(a, b));
  return `{${sorted.map(([key, json]) => `${jsonString(key)}:${json}`).join(',')}}`;
}

/** UTF-16 order differs from that of the bytes only where surrogates are. */
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** As Go's encoder without HTML escaping: U+2028 and U+2029 are escaped too. */
function jsonString(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** Walks the elements of an array value. */
class ElementCursor extends ValueCursor {
  #at: number;
  readonly #end: number;

  constructor(array: ValueCursor) {
    super();
    this.bytes = array.bytes;
    this.#at = array.valueAt;
    this.#end = array.valueAt + array.valueLength;
  }

  next(): boolean {
    const { bytes, wire } = this;
    try {
      while (this.#at < this.#end) {
        const tag = wire.tag(bytes, this.#at, this.#end);
        if (tag !== ELEMENTS * 8 + WIRE.len) {
          this.#at = wire.skip(bytes, wire.at, this.#end, tag);
          continue;
        }
        const length = wire.length(bytes, wire.at, this.#end);
        this.#at = wire.at + length;
        this.clearValue();
        this.readValue(this.#at - length, this.#at);
        return true;
      }
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
      this.#at = this.#end;
    }
    return false;
  }
}
