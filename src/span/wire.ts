import { ScanError } from './scan-error.ts';

/** Protobuf wire types. */
export const WIRE = { varint: 0, i64: 1, len: 2, startGroup: 3, endGroup: 4, i32: 5 } as const;

/**
 * Reads protobuf's wire format inside [at, end) and nowhere else. Every read leaves the position behind
 * what was read in `at`, so that no pair has to be allocated. Throws ScanError.
 */
export class Wire {
  at = 0;
  /** Upper 32 bits of the last `varint`. */
  hi = 0;

  /** Field number * 8 + wire type. */
  tag(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) throw new ScanError('truncated');
    const first = bytes[at] as number;
    if (first >= 0x80) return this.#longTag(bytes, at, end);
    if (first < 8) throw new ScanError('field_number_zero');
    this.at = at + 1;
    return first;
  }

  #longTag(bytes: Uint8Array, at: number, end: number): number {
    const tag = this.#varint32(bytes, at, end, 0x0f);
    if (tag < 8) throw new ScanError('field_number_zero');
    return tag;
  }

  /** A length that fits what remains. */
  length(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) throw new ScanError('truncated');
    let length = bytes[at] as number;
    if (length < 0x80) this.at = at + 1;
    else length = this.#varint32(bytes, at, end, 0x07);
    if (length > end - this.at) throw new ScanError('length_out_of_range');
    return length;
  }

  /** At most five bytes, of which the last may use the bits `lastBits`. */
  #varint32(bytes: Uint8Array, at: number, end: number, lastBits: number): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      if (at + i >= end) throw new ScanError('truncated');
      const byte = bytes[at + i] as number;
      if (i === 4 && byte > lastBits) break;
      value |= (byte & 0x7f) << (i * 7);
      if (byte < 0x80) {
        this.at = at + i + 1;
        return value >>> 0;
      }
    }
    throw new ScanError('varint_too_long');
  }

  /** Lower 32 bits of a varint of up to ten bytes; the upper ones are in `hi`. */
  varint(bytes: Uint8Array, at: number, end: number): number {
    let lo = 0;
    let hi = 0;
    for (let i = 0; i < 10; i++) {
      if (at + i >= end) throw new ScanError('truncated');
      const byte = bytes[at + i] as number;
      const bits = byte & 0x7f;
      if (i < 4) lo |= bits << (i * 7);
      else if (i === 4) {
        lo |= bits << 28;
        hi = bits >>> 4;
      } else hi |= bits << (i * 7 - 32);
      if (byte < 0x80) {
        this.at = at + i + 1;
        this.hi = hi >>> 0;
        return lo >>> 0;
      }
    }
    throw new ScanError('varint_too_long');
  }

  /** Lower half of a fixed64, with the upper half in `hi`. */
  fixed64(bytes: Uint8Array, at: number, end: number): number {
    const lo = this.fixed32(bytes, at, end);
    this.hi = this.fixed32(bytes, at + 4, end);
    return lo;
  }

  fixed32(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 4) throw new ScanError('truncated');
    this.at = at + 4;
    return u32(bytes, at);
  }

  /** The position behind the value of a field that nobody reads. */
  skip(bytes: Uint8Array, at: number, end: number, tag: number): number {
    switch (tag & 7) {
      case WIRE.varint:
        this.varint(bytes, at, end);
        return this.at;
      case WIRE.i64:
        if (end - at < 8) throw new ScanError('truncated');
        return at + 8;
      case WIRE.len:
        return this.length(bytes, at, end) + this.at;
      case WIRE.i32:
        if (end - at < 4) throw new ScanError('truncated');
        return at + 4;
      case WIRE.startGroup:
      case WIRE.endGroup:
        throw new ScanError('group');
      default:
        throw new ScanError('unknown_wire_type');
    }
  }

  /** As `skip`, but a field of the message's own schema (bit set in `known`) has come with a wrong type. */
  skipUnknown(bytes: Uint8Array, at: number, end: number, tag: number, known: number): number {
    refuseKnown(tag, known);
    return this.skip(bytes, at, end, tag);
  }
}

/** A field whose bit is set in `known` was not handled where its right wire type is: it has a wrong one. */
export function refuseKnown(tag: number, known: number): void {
  const field = tag >>> 3;
  if (field === 0) throw new ScanError('field_number_zero');
  if (field < 32 && ((known >>> field) & 1) === 1) throw new ScanError('wrong_wire_type');
}

/** Little-endian; the caller has checked the range. */
export function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

export function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0) return false;
  return true;
}
