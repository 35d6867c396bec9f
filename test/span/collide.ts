import { hashBytes } from '../../src/span/interner.ts';

const MULTIPLIER = 0x9e3779b1;

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, MULTIPLIER);
  return mixed ^ (mixed >>> 15);
}

/**
 * Other bytes with the same hash: the eight printable ones at `at` (a multiple of 4) are replaced by eight
 * other printable ones. An attacker can do this too.
 */
export function* collisions(bytes: Buffer, at: number): Generator<Buffer, void> {
  let hash = Math.imul(bytes.length, MULTIPLIER) ^ 0x811c9dc5;
  for (let i = 0; i < at; i += 4) hash = mix(hash, bytes.readInt32LE(i));
  for (let n = 0; n < 1_000_000; n++) {
    const other = Buffer.from(bytes);
    other.write(n.toString(36).padStart(4, '_'), at, 'latin1');
    const difference = mix(hash, bytes.readInt32LE(at)) ^ mix(hash, other.readInt32LE(at));
    other.writeInt32LE(bytes.readInt32LE(at + 4) ^ difference, at + 4);
    const printable = other.subarray(at + 4, at + 8).every((byte) => byte > 0x20 && byte < 0x7f);
    if (printable && !other.equals(bytes)) yield other;
  }
}

/** The first of the collisions. */
export function collide(bytes: Buffer, at: number): Buffer {
  const other = collisions(bytes, at).next().value;
  if (other === undefined || hashBytes(other, 0, other.length) !== hashBytes(bytes, 0, bytes.length)) {
    throw new Error('no collision');
  }
  return other;
}
