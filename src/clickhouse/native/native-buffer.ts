import { viewOf } from '../../span/interner.ts';

/**
 * Where a block in ClickHouse's Native format is written: little-endian bytes that grow at the end and are
 * kept for the next block. Columns of numbers are collected in typed arrays and appended whole.
 */
export class NativeBuffer {
  bytes: Buffer;
  /** The same bytes, for writing numbers. */
  view: DataView;
  length = 0;

  constructor(capacity = 64 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = viewOf(this.bytes);
  }

  reset(): void {
    this.length = 0;
  }

  /** What was written; valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Makes room for `more` bytes; whoever calls it may write them at `length` by hand. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + more, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** LEB128, up to 2^32 - 1. */
  varint(value: number): void {
    this.reserve(5);
    const { bytes } = this;
    let rest = value >>> 0;
    while (rest >= 0x80) {
      bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.length++] = rest;
  }

  /** A UInt64 below 2^53. */
  uint64(value: number): void {
    this.reserve(8);
    this.view.setUint32(this.length, value, true);
    this.view.setUint32(this.length + 4, value / 2 ** 32, true);
    this.length += 8;
  }

  /** One value of a String column: `from[at, at + length)` with its length in front. */
  string(from: Uint8Array, at: number, length: number): void {
    this.reserve(length + 5);
    if (length < 0x80) this.bytes[this.length++] = length;
    else this.varint(length);
    const { bytes } = this;
    const to = this.length;
    if (length > 32) bytes.set(from.subarray(at, at + length), to);
    else for (let i = 0; i < length; i++) bytes[to + i] = from[at + i] as number;
    this.length = to + length;
  }

  /** As `string`, from text. */
  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.reserve(length);
    this.bytes.write(text, this.length);
    this.length += length;
  }

  raw(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  zeros(count: number): void {
    this.same(0, count);
  }

  /** That byte `count` times. */
  same(byte: number, count: number): void {
    this.reserve(count);
    this.bytes.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  /** Repeats what stands at [at, end). */
  again(at: number, end: number): void {
    this.reserve(end - at);
    this.bytes.copyWithin(this.length, at, end);
    this.length += end - at;
  }

  /** Makes the last `length` bytes stand there `times` times. Each copy is twice as long as the one before. */
  repeatLast(length: number, times: number): void {
    if (length === 0 || times < 2) return;
    this.reserve(length * (times - 1));
    const at = this.length - length;
    const end = at + length * times;
    for (let to = this.length; to < end; to += to - at) {
      this.bytes.copyWithin(to, at, Math.min(to, at + end - to));
    }
    this.length = end;
  }

  /** Columns of numbers, as they are in memory. */
  numbers(column: Uint8Array | Uint16Array | Int16Array | Uint32Array | Float64Array): void {
    this.raw(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }

  /** Begins a block; `columns` columns must follow. */
  block(columns: number, rows: number): void {
    this.varint(columns);
    this.varint(rows);
  }

  column(name: string, type: string): void {
    this.text(name);
    this.text(type);
  }
}

type Column = Uint32Array<ArrayBuffer>;

/** The same column with room for at least `length` numbers. */
export function widened(column: Column, length: number): Column {
  if (column.length >= length) return column;
  const larger = new Uint32Array(Math.max(length, column.length * 2));
  larger.set(column);
  return larger;
}
