import { viewOf } from '../../span/interner.ts';
import { NONE } from '../../span/span-batch.ts';
import type { NativeBuffer } from './native-buffer.ts';

const DIGITS = '0123456789abcdef';
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  HIGH[byte] = DIGITS.charCodeAt(byte >>> 4);
  LOW[byte] = DIGITS.charCodeAt(byte & 15);
}

/** Four digits, as they lie in memory, of the lower two bytes of a number that was read little-endian. */
function fourDigits(two: number): number {
  const apart = (two | (two << 8)) & 0x00ff00ff;
  const nibbles = ((apart >>> 4) | (apart << 8)) & 0x0f0f0f0f;
  // 1 in every byte that is a letter, which lie 39 behind the digits.
  const letters = ((nibbles + 0x06060606) >>> 4) & 0x01010101;
  return nibbles + 0x30303030 + Math.imul(letters, 39);
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

/** How many bytes a column of them takes. */
export function hexColumnBytes(at: Uint32Array, rows: number, length: number): number {
  let ids = 0;
  for (let row = 0; row < rows; row++) if (at[row] !== NONE) ids++;
  return rows + ids * length * 2;
}

/**
 * Writes those of the rows [from, end) where there is room for them; `length` is a multiple of four. Returns the place
 * behind. No table: one would push out of the cache what is yet to be read.
 */
export function writeHexRows(
  target: { readonly view: DataView; readonly to: number },
  source: DataView,
  column: { readonly at: Uint32Array; readonly length: number },
  { from, end }: { readonly from: number; readonly end: number },
): number {
  const { view } = target;
  const { at, length } = column;
  let { to } = target;
  for (let row = from; row < end; row++) {
    const idAt = at[row] as number;
    if (idAt === NONE) {
      view.setUint8(to++, 0);
      continue;
    }
    view.setUint8(to++, length * 2);
    for (let i = idAt; i < idAt + length; i += 4) {
      const four = source.getUint32(i, true);
      view.setUint32(to, fourDigits(four & 0xffff), true);
      view.setUint32(to + 4, fourDigits(four >>> 16), true);
      to += 8;
    }
  }
  return to;
}

/** Appends a whole column of them. */
export function writeHexColumn(
  out: NativeBuffer,
  arena: Uint8Array,
  at: Uint32Array,
  rows: number,
  length: number,
): void {
  out.reserve(hexColumnBytes(at, rows, length));
  const { length: to, view } = out;
  out.length = writeHexRows({ view, to }, viewOf(arena), { at, length }, { from: 0, end: rows });
}
