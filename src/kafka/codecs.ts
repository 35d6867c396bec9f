import { promisify } from 'node:util';
import { unzip } from 'node:zlib';

/** Unpacks the records section of a batch; rejects when it would become larger than `maxBytes`. */
export type Decompress = (packed: Buffer, maxBytes: number) => Promise<Buffer>;

const unzipAsync = promisify(unzip);

/** Numbers as in the attributes of a record batch. */
export const CODEC_NAMES: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The codecs that can be unpacked, by number; a further codec is one more row. */
export const DECOMPRESS: ReadonlyMap<number, Decompress> = new Map([
  [1, (packed: Buffer, maxBytes: number) => unzipAsync(packed, { maxOutputLength: maxBytes })],
]);

/** True for the error that zlib gives when the output passes its bound. */
export function isOverLimit(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
