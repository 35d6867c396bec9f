import { ByteSink } from './byte-sink.ts';

const DOUBLE = Buffer.alloc(8);

/** Writes protobuf's wire format. A message is begun, filled and ended; its length is put in afterwards. */
export class ProtoWriter {
  readonly #sink: ByteSink;

  /** It grows beyond `capacity` bytes when it has to. */
  constructor(capacity = 16 * 1024) {
    this.#sink = new ByteSink(capacity);
  }

  /** Begins anew. */
  reset(): void {
    this.#sink.reset();
  }

  /** A view of what was written, valid until the next write. */
  written(): Buffer {
    return this.#sink.written();
  }

  /** What was written, as bytes of its own. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#sink.written());
  }

  tag(fieldNumber: number, wireType: number): void {
    this.varint(fieldNumber * 8 + wireType);
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#sink.byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#sink.byte(rest);
  }

  /** 64 bits, two's complement. */
  varint64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#sink.byte(Number(rest & 0x7fn) + 0x80);
      rest >>= 7n;
    }
    this.#sink.byte(Number(rest));
  }

  fixed32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#sink.byte((value >>> shift) & 0xff);
  }

  fixed64(value: bigint): void {
    this.fixed32(Number(value & 0xffff_ffffn));
    this.fixed32(Number(value >> 32n));
  }

  double(value: number): void {
    DOUBLE.writeDoubleLE(value);
    this.#sink.copy(DOUBLE, 0, 8);
  }

  /** Bytes that are in wire format already. */
  raw(from: Uint8Array, at = 0, length = from.length): void {
    this.#sink.copy(from, at, length);
  }

  /** Length and bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#sink.copy(value, 0, value.length);
  }

  /** Length and UTF-8. */
  string(value: string): void {
    const at = this.begin();
    this.#sink.utf8(value);
    this.end(at);
  }

  /** A length-delimited value follows; what is returned goes to `end`. */
  begin(): number {
    this.#sink.byte(0);
    return this.#sink.length;
  }

  end(at: number): void {
    const sink = this.#sink;
    const length = sink.length - at;
    if (length < 0x80) {
      sink.bytes[at - 1] = length;
      return;
    }
    // One byte was kept free: move the value behind a longer length.
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    for (let i = 0; i < more; i++) sink.byte(0);
    sink.bytes.copyWithin(at + more, at, at + length);
    let rest = length;
    for (let i = 0; i < more; i++) {
      sink.bytes[at - 1 + i] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    sink.bytes[at - 1 + more] = rest;
  }
}
