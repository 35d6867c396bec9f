import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate, type Gunzip, gunzip, gunzipSync, type Inflate } from 'node:zlib';
import { SpanweirError } from '../base/errors.ts';

export interface BodyOptions {
  /** Of the packed and of the unpacked body alike. */
  readonly maxBytes: number;
  /** Asked for every piece before it is kept; false = no room now, the request is refused. */
  readonly reserve?: (bytes: number) => boolean;
}

export type BodyFailure = 'unsupported_encoding' | 'too_large' | 'damaged' | 'no_room' | 'aborted';

/** Why a body was not taken. What was reserved for it is the caller's to give back. */
export class BodyError extends SpanweirError {
  readonly failure: BodyFailure;

  constructor(failure: BodyFailure, message: string) {
    super(failure === 'damaged' || failure === 'aborted' ? 'BAD_DATA' : 'OVER_LIMIT', message);
    this.failure = failure;
  }
}

/**
 * The unpacked body. A gzipped one says at its end how large it is: then there is room for it, or not, before it is
 * unpacked, and that is done in one go. One that does not tell the truth, and every other one, is unpacked piece by
 * piece and costs no more than the bound. What still comes of a refused body is thrown away, so that the client
 * reads its answer.
 * @throws BodyError
 */
export async function readBody(request: IncomingMessage, options: BodyOptions): Promise<Uint8Array> {
  const { maxBytes, reserve = () => true } = options;
  const bounds = { maxBytes, reserve };
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const unpack = UNPACKERS.get(encoding);
  if (unpack === undefined) {
    request.resume();
    throw new BodyError('unsupported_encoding', `unsupported Content-Encoding: ${encoding.slice(0, 40)}`);
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    request.resume();
    throw tooLarge(maxBytes);
  }
  return await unpacked(await arrived(request, bounds), encoding, bounds);
}

/**
 * The body as it was before `encoding`, one of those that are known; without one the same bytes.
 * @throws BodyError
 */
export async function unpacked(packed: Buffer, encoding: string, bounds: Bounds): Promise<Buffer> {
  const { maxBytes, reserve } = bounds;
  const unpack = UNPACKERS.get(encoding);
  if (unpack === 'not') return packed;
  if (unpack === 'inflate') return await piecemeal(packed, createInflate(), bounds, encoding);
  const size = packed.length < GZIP_LEAST ? 0 : packed.readUInt32LE(packed.length - 4);
  // What says more than gzip can make of so many bytes lies: nothing is set aside for it.
  if (size > 0 && size <= Math.min(maxBytes, packed.length * GZIP_MOST_RATIO)) {
    if (!reserve(size)) throw noRoom();
    const unpacked = await gunzipped(packed, size);
    if (unpacked !== undefined) return unpacked;
  }
  return await piecemeal(packed, createGunzip(), bounds, encoding);
}

export interface Bounds {
  readonly maxBytes: number;
  readonly reserve: (bytes: number) => boolean;
}

const UNPACKERS: ReadonlyMap<string, 'not' | 'gunzip' | 'inflate'> = new Map([
  ['', 'not'],
  ['identity', 'not'],
  ['gzip', 'gunzip'],
  ['x-gzip', 'gunzip'],
  ['deflate', 'inflate'],
  ['zlib', 'inflate'],
]);

/** The smallest gzip: a head of 10 bytes, an empty block, and a tail of 8 with the size of what it holds. */
const GZIP_LEAST = 20;

/** DEFLATE's longest copy is 258 bytes, which takes two bits. */
const GZIP_MOST_RATIO = 1032;

/** Waking another thread up and hearing of its end cost as much as unpacking this, which takes a millisecond at most. */
const AT_ONCE_BYTES = 512 * 1024;

/** The body as it came. */
function arrived(request: IncomingMessage, { maxBytes, reserve }: Bounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const fail = (error: BodyError): void => {
      request.off('data', keep);
      request.resume();
      reject(error);
    };
    const keep = (piece: Buffer): void => {
      size += piece.length;
      if (size > maxBytes) fail(tooLarge(maxBytes));
      else if (reserve(piece.length)) pieces.push(piece);
      else fail(noRoom());
    };
    request.on('data', keep);
    request.on('end', () => resolve(joined(pieces, size)));
    request.on('error', () => fail(aborted()));
    request.on('close', () => {
      if (!request.complete) fail(aborted());
    });
  });
}

/** Undefined where it holds another number of bytes than it says, or is damaged. */
function gunzipped(packed: Buffer, size: number): Promise<Buffer | undefined> | Buffer | undefined {
  // Room for one byte more, or it would not be looked at once more to see that it has ended.
  const options = { chunkSize: Math.max(64, size + 1), maxOutputLength: size };
  if (size <= AT_ONCE_BYTES) {
    try {
      const unpacked = gunzipSync(packed, options);
      return unpacked.length === size ? unpacked : undefined;
    } catch {
      return undefined;
    }
  }
  return new Promise((resolve) => {
    gunzip(packed, options, (error, unpacked) => {
      resolve(error === null && unpacked.length === size ? unpacked : undefined);
    });
  });
}

function piecemeal(
  packed: Buffer,
  unpacker: Gunzip | Inflate,
  { maxBytes, reserve }: Bounds,
  encoding: string,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const fail = (error: BodyError): void => {
      unpacker.destroy();
      reject(error);
    };
    unpacker.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > maxBytes) fail(tooLarge(maxBytes));
      else if (reserve(piece.length)) pieces.push(piece);
      else fail(noRoom());
    });
    unpacker.on('end', () => resolve(joined(pieces, size)));
    unpacker.on('error', ({ message }) =>
      fail(new BodyError('damaged', `can't unpack the ${encoding} body: ${message}`)),
    );
    unpacker.end(packed);
  });
}

function tooLarge(maxBytes: number): BodyError {
  return new BodyError('too_large', `the body is larger than ${maxBytes} bytes`);
}

export function noRoom(): BodyError {
  return new BodyError('no_room', 'too many bytes are in flight');
}

function aborted(): BodyError {
  return new BodyError('aborted', 'the client went away');
}

/** Not zeroed before it is filled. */
function joined(pieces: readonly Buffer[], size: number): Buffer {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const body = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
