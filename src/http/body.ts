import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
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
 * The unpacked body in an ArrayBuffer of its own (it can be transferred). Unpacks while it arrives and stops at
 * the bound, so that a bomb costs no more than the bound. What still comes of a refused body is thrown
 * away, so that the client reads its answer.
 * @throws BodyError
 */
export function readBody(request: IncomingMessage, options: BodyOptions): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const { maxBytes } = options;
    const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
    const unpacker = createUnpacker(encoding);
    const pieces: Buffer[] = [];
    let packed = 0;
    let size = 0;
    let settled = false;

    const fail = (failure: BodyFailure, message: string): void => {
      if (settled) return;
      settled = true;
      request.off('data', onPacked);
      if (unpacker) {
        request.unpipe(unpacker);
        unpacker.destroy();
      }
      request.resume();
      reject(new BodyError(failure, message));
    };
    const tooLarge = (): void => fail('too_large', `the body is larger than ${maxBytes} bytes`);
    const onPacked = (piece: Buffer): void => {
      packed += piece.length;
      if (packed > maxBytes) tooLarge();
      else if (!unpacker) keep(piece);
    };
    const keep = (piece: Buffer): void => {
      if (settled) return;
      size += piece.length;
      if (size > maxBytes) tooLarge();
      else if (options.reserve?.(piece.length) === false) fail('no_room', 'too many bytes are in flight');
      else pieces.push(piece);
    };
    const done = (): void => {
      if (settled) return;
      settled = true;
      resolve(join(pieces, size));
    };

    if (unpacker === undefined) {
      return fail('unsupported_encoding', `unsupported Content-Encoding: ${encoding.slice(0, 40)}`);
    }
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge();
    request.on('data', onPacked);
    request.on('error', () => fail('aborted', 'the client went away'));
    request.on('close', () => {
      if (!request.complete) fail('aborted', 'the client went away');
    });
    if (unpacker === null) {
      request.on('end', done);
      return;
    }
    unpacker.on('data', keep);
    unpacker.on('end', done);
    unpacker.on('error', (error) => fail('damaged', `can't unpack the ${encoding} body: ${error.message}`));
    request.pipe(unpacker);
  });
}

function createUnpacker(encoding: string): Gunzip | Inflate | null | undefined {
  switch (encoding) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
    case 'zlib':
      return createInflate();
    default:
      return undefined;
  }
}

function join(pieces: readonly Buffer[], size: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
