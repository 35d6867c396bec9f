/**
 * What packed bytes unpack to at most, told from their headers alone (formats: snappy's format_description.txt and
 * the framing of snappy-java, lz4_Frame_format.md, RFC 8878). All throw a RangeError for what is no such stream.
 */

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
/** Magic, version and the oldest version that reads it. */
const XERIAL_HEADER_BYTES = 16;

export interface SnappyBlock {
  /** Behind its head. */
  readonly from: number;
  readonly to: number;
  /** What its head says that it comes to. */
  readonly bytes: number;
}

/** The raw blocks of a stream: several as snappy-java frames them, else the stream itself. */
export function snappyBlocks(packed: Buffer): readonly SnappyBlock[] {
  if (packed.length < XERIAL_HEADER_BYTES || !packed.subarray(0, XERIAL.length).equals(XERIAL))
    return [snappyBlock(packed, 0, packed.length)];
  const blocks: SnappyBlock[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < packed.length; ) {
    const from = at + 4;
    at = from + packed.readInt32BE(at);
    if (at < from || at > packed.length) throw new RangeError('a block of snappy is cut short');
    blocks.push(snappyBlock(packed, from, at));
  }
  return blocks;
}

/** Its head is a varint of 32 bits. */
function snappyBlock(packed: Buffer, head: number, to: number): SnappyBlock {
  let bytes = 0;
  for (let i = 0; i < 5 && head + i < to; i++) {
    const byte = packed.readUInt8(head + i);
    bytes += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { from: head + i + 1, to, bytes };
  }
  throw new RangeError('a length of snappy has no end');
}

export function snappyBound(blocks: readonly SnappyBlock[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes, 0);
}

const LZ4_MAGIC = 0x184d2204;
/** Of the frame's flags. */
const LZ4_INDEPENDENT = 0x20;
/** By the block size's code, from 4 on. */
const LZ4_BLOCK_BYTES = [64 << 10, 256 << 10, 1 << 20, 4 << 20] as const;

export interface Lz4Frame {
  /** Each of them can be unpacked without the one before it. */
  readonly isIndependent: boolean;
  readonly blocks: readonly Lz4Block[];
}

export interface Lz4Block {
  readonly from: number;
  readonly to: number;
  readonly isPacked: boolean;
  /** What it may come to. */
  readonly mostBytes: number;
}

export function lz4Bound({ blocks }: Lz4Frame): number {
  return blocks.reduce((sum, { mostBytes }) => sum + mostBytes, 0);
}

export function lz4Frame(packed: Buffer): Lz4Frame {
  if (packed.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('no lz4 frame');
  const flags = packed.readUInt8(4);
  const [hasBlockChecksums, hasSize, hasDictionary] = [flags & 0x10, flags & 0x08, flags & 0x01];
  const blockBytes = LZ4_BLOCK_BYTES[((packed.readUInt8(5) >> 4) & 7) - 4];
  if (blockBytes === undefined) throw new RangeError('unknown block size of lz4');
  let at = 6 + (hasSize === 0 ? 0 : 8) + (hasDictionary === 0 ? 0 : 4) + 1;
  const blocks: Lz4Block[] = [];
  for (let word = packed.readUInt32LE(at); word !== 0; word = packed.readUInt32LE(at)) {
    const isPacked = word <= 0x7fff_ffff;
    const size = word & 0x7fff_ffff;
    const from = at + 4;
    const to = from + size;
    if (to > packed.length) throw new RangeError('a block of lz4 is cut short');
    blocks.push({ from, to, isPacked, mostBytes: isPacked ? blockBytes : size });
    at = to + (hasBlockChecksums === 0 ? 0 : 4);
  }
  return { isIndependent: (flags & LZ4_INDEPENDENT) !== 0, blocks };
}

const ZSTD_MAGIC = 0xfd2fb528;
const ZSTD_SKIPPABLE = 0x184d2a50;
const ZSTD_BLOCK_BYTES = 128 << 10;

export function zstdBound(packed: Buffer): number {
  let sum = 0;
  for (let at = 0; at < packed.length; ) {
    const magic = packed.readUInt32LE(at);
    if ((magic & 0xffff_fff0) >>> 0 === ZSTD_SKIPPABLE) {
      at += 8 + packed.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== ZSTD_MAGIC) throw new RangeError('no zstd frame');
    const frame = zstdFrame(packed, at);
    sum += frame.mostBytes;
    at = frame.end;
  }
  return sum;
}

function zstdFrame(packed: Buffer, from: number): { readonly mostBytes: number; readonly end: number } {
  const flags = packed.readUInt8(from + 4);
  const isSingleSegment = (flags & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] as number;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] as number;
  let at = from + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  let mostBytes = 0;
  for (let isLast = false; !isLast; ) {
    const header = packed.readUIntLE(at, 3);
    const [type, size] = [(header >> 1) & 3, header >> 3];
    if (type === 3) throw new RangeError('unknown kind of zstd block');
    isLast = (header & 1) !== 0;
    mostBytes += type === 2 ? ZSTD_BLOCK_BYTES : size;
    at += 3 + (type === 1 ? 1 : size);
  }
  return { mostBytes, end: at + ((flags & 4) === 0 ? 0 : 4) };
}
