/**
 * Blocks of lz4 (lz4_Block_format.md) and snappy (format_description.txt), unpacked into memory of the caller's. In
 * JavaScript, since the libraries with native code give every block in memory of its own, which has to be copied once
 * more and then thrown away: that, and the collections of it, cost more than copying four bytes at a time here does.
 *
 * All throw a RangeError for bytes that are no such block; what was written by then means nothing.
 */

/** What is written behind the end of what is unpacked, at most: four bytes are copied where one is needed. */
export const SLACK_BYTES = 3;
/** From so many bytes on a call to copy them costs less than copying them four by four. */
const MANY_BYTES = 256;
/** By the kind of a snappy element. */
const DISTANCE_BYTES = new Uint8Array([0, 1, 2, 4]);
const DAMAGED = 'is damaged';

/** Packed bytes, and where they go: `limit` is the end of what may be written there, the slack not counted. */
export interface Unpacking {
  readonly packed: Buffer;
  readonly into: Buffer;
  readonly limit: number;
}

/** Walks the blocks of one stream, whose output is one after the other in `into`. */
export class BlockUnpacker {
  readonly #packed: Buffer;
  readonly #packedView: DataView;
  readonly #into: Buffer;
  readonly #intoView: DataView;
  readonly #limit: number;
  /** Written so far. */
  #at = 0;

  constructor({ packed, into, limit }: Unpacking) {
    if (limit + SLACK_BYTES > into.length) throw new RangeError('there is no room for what is unpacked');
    this.#packed = packed;
    this.#packedView = new DataView(packed.buffer, packed.byteOffset, packed.length);
    this.#into = into;
    this.#intoView = new DataView(into.buffer, into.byteOffset, into.length);
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#at;
  }

  /** Bytes that are not packed. */
  store(from: number, to: number): void {
    if (to - from > this.#limit - this.#at) throw new RangeError(`a stored block ${DAMAGED}`);
    this.#at += this.#packed.copy(this.#into, this.#at, from, to);
  }

  /** @param reach how far back its copies may go: 0, or `bytes` where it needs those before it */
  lz4(from: number, to: number, mostBytes: number, reach: number): void {
    const packed = this.#packed;
    const packedView = this.#packedView;
    const intoView = this.#intoView;
    const safe = packed.length - SLACK_BYTES;
    const lowest = this.#at - reach;
    const limit = Math.min(this.#limit, this.#at + mostBytes);
    let at = this.#at;
    let next = from;
    while (next < to) {
      const token = packed[next++] as number;
      let length = token >> 4;
      if (length === 15) {
        for (let more = 255; more === 255; length += more) {
          if (next >= to) throw new RangeError(`an lz4 block ${DAMAGED}`);
          more = packed[next++] as number;
        }
      }
      if (length > to - next || length > limit - at) throw new RangeError(`an lz4 block ${DAMAGED}`);
      if (length <= MANY_BYTES && length <= safe - next) {
        for (let i = 0; i < length; i += 4)
          intoView.setInt32(at + i, packedView.getInt32(next + i, true), true);
      } else this.#literals(next, at, length);
      next += length;
      at += length;
      // The last sequence has no copy.
      if (next === to) {
        this.#at = at;
        return;
      }
      if (to - next < 2) break;
      const distance = (packed[next] as number) | ((packed[next + 1] as number) << 8);
      next += 2;
      length = token & 15;
      if (length === 15) {
        for (let more = 255; more === 255; length += more) {
          if (next >= to) throw new RangeError(`an lz4 block ${DAMAGED}`);
          more = packed[next++] as number;
        }
      }
      length += 4;
      if (distance === 0 || distance > at - lowest || length > limit - at)
        throw new RangeError(`an lz4 block ${DAMAGED}`);
      if (distance >= 4) {
        for (let i = 0; i < length; i += 4)
          intoView.setInt32(at + i, intoView.getInt32(at - distance + i, true), true);
      } else this.#copy(at, distance, length);
      at += length;
    }
    throw new RangeError(`an lz4 block ${DAMAGED}`);
  }

  /** @param bytes what its head says, which was at `from` - 1 and before */
  snappy(from: number, to: number, bytes: number): void {
    const packed = this.#packed;
    const packedView = this.#packedView;
    const intoView = this.#intoView;
    const safe = packed.length - SLACK_BYTES;
    const begin = this.#at;
    const limit = begin + bytes;
    if (limit > this.#limit) throw new RangeError(`a snappy block ${DAMAGED}`);
    let at = begin;
    let next = from;
    while (next < to) {
      const tag = packed[next++] as number;
      const kind = tag & 3;
      if (kind === 0) {
        let length = (tag >> 2) + 1;
        if (length > 60) {
          const lengthBytes = length - 60;
          if (lengthBytes > to - next) throw new RangeError(`a snappy block ${DAMAGED}`);
          length = packed.readUIntLE(next, lengthBytes) + 1;
          next += lengthBytes;
        }
        if (length > to - next || length > limit - at) throw new RangeError(`a snappy block ${DAMAGED}`);
        if (length <= MANY_BYTES && length <= safe - next) {
          for (let i = 0; i < length; i += 4)
            intoView.setInt32(at + i, packedView.getInt32(next + i, true), true);
        } else this.#literals(next, at, length);
        next += length;
        at += length;
        continue;
      }
      if ((DISTANCE_BYTES[kind] as number) > to - next) throw new RangeError(`a snappy block ${DAMAGED}`);
      let length = (tag >> 2) + 1;
      let distance = 0;
      if (kind === 1) {
        length = ((tag >> 2) & 7) + 4;
        distance = ((tag >> 5) << 8) | (packed[next++] as number);
      } else if (kind === 2) {
        distance = (packed[next] as number) | ((packed[next + 1] as number) << 8);
        next += 2;
      } else {
        distance = packedView.getUint32(next, true);
        next += 4;
      }
      if (distance === 0 || distance > at - begin || length > limit - at)
        throw new RangeError(`a snappy block ${DAMAGED}`);
      if (distance >= 4) {
        for (let i = 0; i < length; i += 4)
          intoView.setInt32(at + i, intoView.getInt32(at - distance + i, true), true);
      } else this.#copy(at, distance, length);
      at += length;
    }
    if (at !== limit) throw new RangeError(`a snappy block ${DAMAGED}`);
    this.#at = at;
  }

  /** Many, or at the end of what is packed. */
  #literals(from: number, at: number, length: number): void {
    this.#packed.copy(this.#into, at, from, from + length);
  }

  /** The bytes of 1 to 3 before, those included that are only being written. */
  #copy(at: number, distance: number, length: number): void {
    const into = this.#into;
    if (distance === 1) into.fill(into[at - 1] as number, at, at + length);
    else for (let to = at; to < at + length; to++) into[to] = into[to - distance] as number;
  }
}
