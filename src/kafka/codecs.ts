import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import {
  independentLz4Blocks,
  type Lz4Block,
  lz4Bound,
  snappyBlocks,
  snappyBound,
  zstdBound,
} from './packed-frames.ts';

/** Unpacks the records section of a batch; throws when it would become larger than `maxBytes`. */
export type Decompress = (packed: Buffer, maxBytes: number) => Buffer;

type Unpack = (packed: Buffer) => Uint8Array;

const load = createRequire(import.meta.url);
const LEAST_PIECE_BYTES = 1024;

/** By their numbers in the attributes of a record batch. */
export const DECOMPRESS: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [1, gunzip],
  [2, bounded(snappyBound, whenNeeded(snappy))],
  [3, bounded(lz4Bound, whenNeeded(lz4))],
  [4, bounded(zstdBound, whenNeeded(zstd))],
]);

/** True for the error of an output that would pass its bound. */
export function isOverLimit(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === TOO_LARGE;
}

const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';

class TooLargeError extends Error {
  readonly code = TOO_LARGE;
}

/**
 * In one piece where the trailer tells the true size: of the 16 KiB that zlib makes otherwise, joining them is half of
 * the work. Here and not on another thread, where the same work costs more.
 */
function gunzip(packed: Buffer, maxOutputLength: number): Buffer {
  const toldBytes = packed.length < 4 ? 0 : packed.readUInt32LE(packed.length - 4);
  const chunkSize = Math.max(LEAST_PIECE_BYTES, Math.min(toldBytes, maxOutputLength) + 1);
  return zlib.unzipSync(packed, { maxOutputLength, chunkSize });
}

/**
 * The libraries allocate what the input makes them: what it can come to at most is read from its headers first,
 * which a packed bomb can't make smaller than it is.
 */
function bounded(bound: (packed: Buffer) => number, unpack: Unpack): Decompress {
  return (packed, maxBytes) => {
    const mostBytes = bound(packed);
    if (mostBytes > maxBytes) throw new TooLargeError(`unpacks to up to ${mostBytes} bytes`);
    const unpacked = unpack(packed);
    return Buffer.isBuffer(unpacked)
      ? unpacked
      : Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
  };
}

/** Most topics use one codec or none: a library is loaded with its first batch. */
function whenNeeded(make: () => Unpack): Unpack {
  let made: Unpack | undefined;
  return (packed) => {
    made ??= make();
    return made(packed);
  };
}

/** In native code, or in plain JavaScript where that has no binary for this system. */
function nativeOr<T>(native: () => T, plain: () => T): T {
  try {
    return native();
  } catch {
    return plain();
  }
}

type UncompressSnappy = (packed: Buffer, options: object) => Buffer;

/** Into memory of Node's own: what the library allocates itself is given back one finalizer at a time. */
const COPIED = { asBuffer: true, copyOutputData: true };

function snappy(): Unpack {
  const block = nativeOr<Unpack>(
    () => {
      const { uncompressSync } = load('snappy') as { uncompressSync: UncompressSnappy };
      return (packed) => uncompressSync(packed, COPIED);
    },
    () => (load('snappyjs') as { uncompress: Unpack }).uncompress,
  );
  return (packed) => {
    const blocks = [...snappyBlocks(packed)].map(block);
    return blocks.length === 1 ? (blocks[0] as Uint8Array) : Buffer.concat(blocks);
  };
}

interface Lz4 {
  /** Wants the size before the block, 4 bytes little-endian; a larger one does no harm. */
  readonly uncompressSync: Unpack;
  readonly decompressFrameSync: Unpack;
}

function lz4(): Unpack {
  return nativeOr<Unpack>(
    () => {
      const native = load('lz4-napi') as Lz4;
      return (packed) => {
        const blocks = independentLz4Blocks(packed);
        return blocks === undefined ? native.decompressFrameSync(packed) : lz4Blocks(native, blocks);
      };
    },
    () => (load('lz4js') as { decompress: Unpack }).decompress,
  );
}

/** One by one: the library takes five times as long for the frame as for its blocks. */
function lz4Blocks({ uncompressSync }: Lz4, blocks: readonly Lz4Block[]): Buffer {
  const sized = Buffer.allocUnsafe(4 + Math.max(0, ...blocks.map(({ bytes }) => bytes.length)));
  const unpacked = blocks.map(({ bytes, isPacked, mostBytes }) => {
    if (!isPacked) return bytes;
    sized.writeUInt32LE(mostBytes);
    bytes.copy(sized, 4);
    return uncompressSync(sized.subarray(0, 4 + bytes.length));
  });
  return Buffer.concat(unpacked);
}

function zstd(): Unpack {
  const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: Unpack };
  if (zstdDecompressSync !== undefined) return zstdDecompressSync;
  return nativeOr<Unpack>(
    () => {
      const { Decoder } = load('@toondepauw/node-zstd') as { Decoder: new () => { decodeSync: Unpack } };
      const decoder = new Decoder();
      return (packed) => decoder.decodeSync(packed);
    },
    () => (load('fzstd') as { decompress: Unpack }).decompress,
  );
}
