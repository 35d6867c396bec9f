import { ScanError } from './scan-error.ts';
import { WIRE, Wire } from './wire.ts';

/** Kinds of AnyValue; the numbers are the oneof's field numbers, 0 is a value that is not set. */
export const VALUE = {
  empty: 0,
  string: 1,
  bool: 2,
  int: 3,
  double: 4,
  array: 5,
  kvlist: 6,
  bytes: 7,
} as const;

/** Field numbers of repeated KeyValue, per message. */
export const ATTRIBUTES_OF = { resource: 1, scope: 3, span: 9, event: 3, link: 4 } as const;
/** Field numbers of the repeated messages of a span. */
export const EVENTS_OF_SPAN = 11;
export const LINKS_OF_SPAN = 13;

const KEY = 0x0a;
const VALUE_OF_PAIR = 0x12;

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

/** Stands on one AnyValue at a time; a value that is set twice has its last setting. */
export class ValueCursor {
  bytes: Uint8Array = EMPTY;
  /** One of VALUE. */
  valueKind = 0;
  /** Where the content of a string, bytes, array or kvlist value is. */
  valueAt = 0;
  valueLength = 0;
  /** Of a bool (0 or 1), an int (rounded to f64) or a double. */
  numeric = 0;
  /** Two's complement halves of an int. */
  intLo = 0;
  intHi = 0;
  protected readonly wire = new Wire();

  protected clearValue(): void {
    this.valueKind = VALUE.empty;
    this.valueAt = 0;
    this.valueLength = 0;
    this.numeric = 0;
    this.intLo = 0;
    this.intHi = 0;
  }

  /** Reads the AnyValue message in [from, end) over what was read before. Throws ScanError. */
  protected readValue(from: number, end: number): void {
    const { bytes, wire } = this;
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      const kind = tag >>> 3;
      if (kind > VALUE.bytes) {
        at = wire.skip(bytes, wire.at, end, tag);
        continue;
      }
      if ((tag & 7) !== WIRE_OF_KIND[kind]) throw new ScanError('wrong_wire_type');
      this.valueKind = kind;
      at = wire.at;
      if (kind === VALUE.double) {
        this.#readDouble(at, end);
        at += 8;
      } else if (kind === VALUE.bool || kind === VALUE.int) {
        this.#readInteger(kind, at, end);
        at = wire.at;
      } else {
        this.valueLength = wire.length(bytes, at, end);
        this.valueAt = wire.at;
        at = wire.at + this.valueLength;
      }
    }
  }

  #readDouble(at: number, end: number): void {
    if (end - at < 8) throw new ScanError('truncated');
    for (let i = 0; i < 8; i++) floatBytes[i] = this.bytes[at + i] as number;
    this.numeric = float[0] as number;
  }

  #readInteger(kind: number, at: number, end: number): void {
    this.intLo = this.wire.varint(this.bytes, at, end);
    this.intHi = this.wire.hi;
    if (kind === VALUE.int) this.numeric = (this.intHi | 0) * 2 ** 32 + this.intLo;
    else this.numeric = (this.intLo | this.intHi) === 0 ? 0 : 1;
  }
}

const EMPTY = new Uint8Array(0);

const WIRE_OF_KIND = [
  -1,
  WIRE.len,
  WIRE.varint,
  WIRE.varint,
  WIRE.i64,
  WIRE.len,
  WIRE.len,
  WIRE.len,
] as const;

/** Tells most keys that are not among some from their length and first byte alone. */
export class KeySet {
  readonly #slots = new Uint8Array(4096);

  constructor(keys: readonly Uint8Array[]) {
    for (const key of keys) this.#slots[slotOf(key[0] ?? 0, key.length)] = 1;
  }

  mayHold(first: number, length: number): boolean {
    return length === 0 || this.#slots[slotOf(first, length)] === 1;
  }
}

function slotOf(first: number, length: number): number {
  return ((length << 7) ^ first) & 4095;
}

/**
 * Walks the attributes (repeated KeyValue) of a message without allocating. Where the bytes can't be read
 * it ends, with `malformed` set.
 *
 *     cursor.reset(batch.arena, batch.attributesAt[i], batch.attributesEnd[i], ATTRIBUTES_OF.span);
 *     while (cursor.next()) ...
 */
export class AttributeCursor extends ValueCursor {
  keyAt = 0;
  keyLength = 0;
  malformed = false;
  #at = 0;
  #end = 0;
  #tag = 0;

  /** The range may hold other fields too; they are skipped. */
  reset(bytes: Uint8Array, at: number, end: number, fieldNumber: number): void {
    this.bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#tag = fieldNumber * 8 + WIRE.len;
    this.malformed = false;
  }

  /** Moves to the next attribute; false when there is none. */
  next(): boolean {
    try {
      if (!this.#nextPair()) return false;
      this.#readPair(this.#pairAt, this.#at);
      return true;
    } catch (error) {
      return this.#end_(error);
    }
  }

  /** Moves to the next attribute with this key; false when there is none. After `reset`, that is the first. */
  find(key: Uint8Array): boolean {
    try {
      while (this.#nextPair()) {
        if (this.#cannotBe(key)) continue;
        this.#readPair(this.#pairAt, this.#at);
        if (this.keyIs(key)) return true;
      }
      return false;
    } catch (error) {
      return this.#end_(error);
    }
  }

  /** As `find`, for whichever of two keys (of different lengths) comes first. */
  findEither(key: Uint8Array, other: Uint8Array): boolean {
    try {
      while (this.#nextPair()) {
        if (this.#cannotBe(key) && this.#cannotBe(other)) continue;
        this.#readPair(this.#pairAt, this.#at);
        if (this.keyIs(key) || this.keyIs(other)) return true;
      }
      return false;
    } catch (error) {
      return this.#end_(error);
    }
  }

  /** As `find`, for whichever of some keys comes first; now and then it stops at another key. */
  findSome(keys: KeySet): boolean {
    try {
      while (this.#nextPair()) {
        if (this.#isNoneOf(keys)) continue;
        this.#readPair(this.#pairAt, this.#at);
        return true;
      }
      return false;
    } catch (error) {
      return this.#end_(error);
    }
  }

  keyIs(key: Uint8Array): boolean {
    if (this.keyLength !== key.length) return false;
    const { bytes, keyAt } = this;
    for (let i = 0; i < key.length; i++) if (bytes[keyAt + i] !== key[i]) return false;
    return true;
  }

  #pairAt = 0;

  /** The next KeyValue message is in [#pairAt, #at). */
  #nextPair(): boolean {
    const { bytes, wire } = this;
    const end = this.#end;
    let at = this.#at;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === this.#tag) {
        const length = wire.length(bytes, wire.at, end);
        this.#pairAt = wire.at;
        this.#at = wire.at + length;
        return true;
      }
      at = wire.skip(bytes, wire.at, end, tag);
    }
    this.#at = end;
    return false;
  }

  #readPair(from: number, end: number): void {
    const { bytes, wire } = this;
    this.keyAt = from;
    this.keyLength = 0;
    this.clearValue();
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === KEY) {
        this.keyLength = wire.length(bytes, wire.at, end);
        this.keyAt = wire.at;
        at = this.keyAt + this.keyLength;
      } else if (tag === VALUE_OF_PAIR) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        this.readValue(at - length, at);
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_PAIR);
    }
  }

  /**
   * True when the pair is a short key of another length or with another beginning, followed by one short value and
   * nothing else, as nearly all are: then it need not be read.
   */
  #cannotBe(key: Uint8Array): boolean {
    const { bytes } = this;
    const at = this.#pairAt;
    const end = this.#at;
    if (end - at < 2 || bytes[at] !== KEY) return false;
    const length = bytes[at + 1] as number;
    const valueAt = at + 2 + length;
    if (length >= 0x80 || end - valueAt < 2 || bytes[valueAt] !== VALUE_OF_PAIR) return false;
    if (length === key.length && bytes[at + 2] === key[0]) return false;
    const valueLength = bytes[valueAt + 1] as number;
    return valueLength < 0x80 && valueAt + 2 + valueLength === end;
  }

  /** As `#cannotBe`. */
  #isNoneOf(keys: KeySet): boolean {
    const { bytes } = this;
    const at = this.#pairAt;
    const end = this.#at;
    if (end - at < 3 || bytes[at] !== KEY) return false;
    const length = bytes[at + 1] as number;
    const valueAt = at + 2 + length;
    if (length >= 0x80 || end - valueAt < 2 || bytes[valueAt] !== VALUE_OF_PAIR) return false;
    if (keys.mayHold(bytes[at + 2] as number, length)) return false;
    const valueLength = bytes[valueAt + 1] as number;
    return valueLength < 0x80 && valueAt + 2 + valueLength === end;
  }

  #end_(error: unknown): false {
    if (!(error instanceof ScanError)) throw error;
    this.malformed = true;
    this.#at = this.#end;
    return false;
  }
}

const READ_IN_PAIR = 0b110;
