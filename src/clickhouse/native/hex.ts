import { NONE } from '../../span/span-batch.ts';
import type { NativeBuffer } from './native-buffer.ts';

const DIGITS = '0123456789abcdef';
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  HIGH[byte] = DIGITS.charCodeAt(byte >>> 4);
  LOW[byte] = DIGITS.charCodeAt(byte & 15);
}

/** Four digits, as they lie in memory, of two bytes that are read as a little-endian number. */
const QUADS = new Uint32Array(0x1_0000);
for (let first = 0; first < 256; first++) {
  const digits = (HIGH[first] as number) | ((LOW[first] as number) << 8);
  for (let second = 0; second < 256; second++)
    QUADS[first | (second << 8)] =
      digits | ((HIGH[second] as number) << 16) | ((LOW[second] as number) << 24);
}

/** Appends one String: the `length` bytes at `at` as lower-case hex; '' for NONE. */
export function writeHex(out: NativeBuffer, arena: Uint8Array, at: number, length: number): void {
  if (at === NONE) {
    out.byte(0);
    return;
  }
  out.reserve(1 + length * 2);
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = length * 2;
  for (let i = at; i < at + length; i++) {
    const byte = arena[i] as number;
    bytes[to] = HIGH[byte] as number;
    bytes[to + 1] = LOW[byte] as number;
    to += 2;
  }
  out.length = to;
}

/** Appends a whole column of them; `length` is even. Two bytes at a time, since this is a good part of what a span costs. */
export function writeHexColumn(
  out: NativeBuffer,
  arena: Uint8Array,
  at: Uint32Array,
  rows: number,
  length: number,
): void {
  out.reserve(rows * (1 + length * 2));
  const source = new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
  const target = new DataView(out.bytes.buffer, out.bytes.byteOffset, out.bytes.byteLength);
  let to = out.length;
  for (let row = 0; row < rows; row++) {
    const from = at[row] as number;
    if (from === NONE) {
      target.setUint8(to++, 0);
      continue;
    }
    target.setUint8(to++, length * 2);
    for (let i = from; i < from + length; i += 2) {
      target.setUint32(to, QUADS[source.getUint16(i, true)] as number, true);
      to += 4;
    }
  }
  out.length = to;
}
