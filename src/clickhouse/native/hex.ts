import { NONE } from '../../span/span-batch.ts';
import type { NativeBuffer } from './native-buffer.ts';

const DIGITS = '0123456789abcdef';
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  HIGH[byte] = DIGITS.charCodeAt(byte >>> 4);
  LOW[byte] = DIGITS.charCodeAt(byte & 15);
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

/** Appends a whole column of them. */
export function writeHexColumn(
  out: NativeBuffer,
  arena: Uint8Array,
  at: Uint32Array,
  rows: number,
  length: number,
): void {
  out.reserve(rows * (1 + length * 2));
  const { bytes } = out;
  let to = out.length;
  for (let row = 0; row < rows; row++) {
    const from = at[row] as number;
    if (from === NONE) {
      bytes[to++] = 0;
      continue;
    }
    bytes[to++] = length * 2;
    for (let i = from; i < from + length; i++) {
      const byte = arena[i] as number;
      bytes[to++] = HIGH[byte] as number;
      bytes[to++] = LOW[byte] as number;
    }
  }
  out.length = to;
}
