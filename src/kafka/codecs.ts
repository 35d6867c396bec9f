import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { lz4Bound, snappyBlocks, snappyBound, zstdBound } from './unpacked-bounds.ts';

/** Unpacks the records section of a batch; rejects when it would become larger than `maxBytes`. */
export type Decompress = (packed: Buffer, maxBytes: number) => Promise<Buffer> | Buffer;

type Unpack = (packed: Buffer) => Uint8Array;

const unzipAsync = promisify(zlib.unzip);
const load = createRequire(import.meta.url);

/** zlib makes its output in pieces of this size and joins them: of 16 KiB, its default, that is half of the work. */
const GZIP_PIECE = { times: 6, leastBytes: 64 << 10, mostBytes: 4 << 20 } as const;

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

async function gunzip(packed: Buffer, maxOutputLength: number): Promise<Buffer> {
  const { leastBytes, mostBytes, times } = GZIP_PIECE;
  const chunkSize = Math.min(mostBytes, Math.max(leastBytes, packed.length * times));
  return await unzipAsync(packed, { maxOutputLength, chunkSize });
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

function snappy(): Unpack {
  const block = nativeOr<Unpack>(
    () => (load('snappy') as { uncompressSync: Unpack }).uncompressSync,
    () => (load('snappyjs') as { uncompress: Unpack }).uncompress,
  );
  return (packed) => {
    const blocks = [...snappyBlocks(packed)].map(block);
    return blocks.length === 1 ? (blocks[0] as Uint8Array) : Buffer.concat(blocks);
  };
}

function lz4(): Unpack {
  return nativeOr<Unpack>(
    () => (load('lz4-napi') as { decompressFrameSync: Unpack }).decompressFrameSync,
    () => (load('lz4js') as { decompress: Unpack }).decompress,
  );
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
