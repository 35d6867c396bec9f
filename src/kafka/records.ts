import type { RecordHeader, SourceRecord } from '../flow/intake.ts';

/** Walks the records section of one batch. Reads ahead of `end` give a RangeError, never foreign bytes. */
export class RecordWalker {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Appends `count` records; keys, values and headers are slices. Throws RangeError when they don't fit. */
  readAll(count: number, base: BatchBase, into: SourceRecord[]): void {
    // The shortest record has 7 bytes: a lying count is refused before anything is made for it.
    if (count < 0 || count * 7 > this.#end - this.#at) throw new RangeError(`${count} records don't fit`);
    for (let i = 0; i < count; i++) into.push(this.#record(base));
  }

  #record(base: BatchBase): SourceRecord {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#end) throw new RangeError('a record is longer than its batch');
    this.#at += 1;
    const timestampDelta = this.#varlong();
    const offset = base.offset + this.#varint();
    const key = this.#slice(end);
    const value = this.#slice(end);
    const headerCount = this.#varint();
    if (headerCount < 0 || headerCount > end - this.#at) throw new RangeError('headers do not fit');
    const timestampMs = base.isLogAppendTime ? base.maxTimestampMs : base.timestampMs + timestampDelta;
    const headers = headerCount === 0 ? undefined : this.#headers(headerCount, end);
    if (this.#at !== end) throw new RangeError('a record does not end where it says');
    return headers === undefined
      ? { offset, timestampMs, key, value }
      : { offset, timestampMs, key, value, headers };
  }

  #headers(count: number, end: number): RecordHeader[] {
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#slice(end);
      headers.push({ key: key === null ? '' : key.toString('utf8'), value: this.#slice(end) });
    }
    return headers;
  }

  #slice(end: number): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    const at = this.#at;
    if (at + length > end) throw new RangeError('a field is longer than its record');
    this.#at = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new RangeError('a varint has more than 5 bytes');
  }

  /** Zigzag 64 bits as a double: exact up to 2^53, which timestamps never pass. */
  #varlong(): number {
    const first = this.#byte();
    let value = (first & 0x7f) >> 1;
    let scale = 64;
    let byte = first;
    for (let i = 0; byte >= 0x80; i++) {
      if (i === 9) throw new RangeError('a varlong has more than 10 bytes');
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return (first & 1) === 0 ? value : -value - 1;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new RangeError('the records end early');
    return this.#bytes[this.#at++] as number;
  }
}

/** What a batch's header says about all its records. */
export interface BatchBase {
  readonly offset: number;
  readonly timestampMs: number;
  readonly maxTimestampMs: number;
  readonly isLogAppendTime: boolean;
}
