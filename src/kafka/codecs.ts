import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import { lz4Bound, lz4Frame, snappyBlocks, snappyBound, zstdBound } from './packed-frames.ts';
import { BlockUnpacker, SLACK_BYTES } from './unpack-blocks.ts';
import type { UnpackLease } from './unpack-memory.ts';

/**
 * Unpacks the records section of a batch, into memory of the lease where it can; throws when it would become larger
 * than `maxBytes`. What it can come to at most is read from the headers first, which a packed bomb can't make smaller
 * than it is.
 */
export type Decompress = (packed: Buffer, maxBytes: number, lease: UnpackLease) => Buffer;

type Unpack = (packed: Buffer) => Uint8Array;

const load = createRequire(import.meta.url);
const LEAST_PIECE_BYTES = 1024;

/** By their numbers in the attributes of a record batch. */
export const DECOMPRESS: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [1, gunzip],
  [2, snappy],
  [3, lz4],
  [4, zstd],
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

function snappy(packed: Buffer, maxBytes: number, lease: UnpackLease): Buffer {
  const blocks = snappyBlocks(packed);
  return unpackBlocks(packed, within(snappyBound(blocks), maxBytes), lease, (unpacker) => {
    for (const { from, to, bytes } of blocks) unpacker.snappy(from, to, bytes);
  });
}

/** Checksums of the frame are not looked at: that of the batch has covered its bytes. */
function lz4(packed: Buffer, maxBytes: number, lease: UnpackLease): Buffer {
  const frame = lz4Frame(packed);
  return unpackBlocks(packed, within(lz4Bound(frame), maxBytes), lease, (unpacker) => {
    for (const { from, to, isPacked, mostBytes } of frame.blocks) {
      if (isPacked) unpacker.lz4(from, to, mostBytes, frame.isIndependent ? 0 : unpacker.bytes);
      else unpacker.store(from, to);
    }
  });
}

function unpackBlocks(
  packed: Buffer,
  mostBytes: number,
  lease: UnpackLease,
  unpack: (unpacker: BlockUnpacker) => void,
): Buffer {
  const into = lease.reserve(mostBytes + SLACK_BYTES);
  const unpacker = new BlockUnpacker({ packed, into, limit: mostBytes });
  unpack(unpacker);
  lease.keep(unpacker.bytes);
  return into.subarray(0, unpacker.bytes);
}

function within(mostBytes: number, maxBytes: number): number {
  if (mostBytes > maxBytes) throw new TooLargeError(`unpacks to up to ${mostBytes} bytes`);
  return mostBytes;
}

let unpackZstd: Unpack | undefined;

/** Most topics use another codec or none: the library is loaded with its first batch. */
function zstd(packed: Buffer, maxBytes: number): Buffer {
  within(zstdBound(packed), maxBytes);
  unpackZstd ??= zstdLibrary();
  const unpacked = unpackZstd(packed);
  return Buffer.isBuffer(unpacked)
    ? unpacked
    : Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
}

/** In native code, or in plain JavaScript where that has no binary for this system. */
function zstdLibrary(): Unpack {
  const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: Unpack };
  if (zstdDecompressSync !== undefined) return zstdDecompressSync;
  try {
    const { Decoder } = load('@toondepauw/node-zstd') as { Decoder: new () => { decodeSync: Unpack } };
    const decoder = new Decoder();
    return (packed) => decoder.decodeSync(packed);
  } catch {
    return (load('fzstd') as { decompress: Unpack }).decompress;
  }
}
