import { createConnection, type Socket } from 'node:net';
import { SpanweirError } from '../base/errors.ts';

/** What one response of a broker may weigh: more is not a response. */
const MAX_FRAME_BYTES = 256 << 20;
/** Smaller ones (everything but fetched records) are not worth keeping. */
const POOLED_FROM_BYTES = 64 << 10;
/** Sizes are rounded up, so that the next response fits as well. */
const STEP_BYTES = 1 << 20;
/** What is read before a response's size is known, and of it and what follows until it is filled directly. */
const READ_BYTES = 16 << 10;
/** Of a response: what is missing of a smaller rest is not worth a read of its own. */
const DIRECT_FROM_BYTES = 32 << 10;
/** Idle buffers that a connection keeps: one is filled while another is read. */
const KEEP = 2;

/** The bytes of a response whose records somebody may still read. */
export class Frame {
  #readers = 0;
  readonly #bytes: Buffer;
  readonly #pool: Buffer[];

  constructor(bytes: Buffer, pool: Buffer[]) {
    this.#bytes = bytes;
    this.#pool = pool;
  }

  retain(): void {
    this.#readers++;
  }

  /**
   * When the last reader has released it, the buffer is written over by a later response. One who never
   * releases does no harm: the buffer is then left to the garbage collector.
   */
  release(): void {
    if (--this.#readers === 0 && this.#pool.length < KEEP) this.#pool.push(this.#bytes);
  }
}

const frames = new WeakMap<ArrayBufferLike, Frame>();

/** The frame that these bytes are a part of; undefined when they came another way. */
export function frameOf(bytes: Buffer): Frame | undefined {
  return frames.get(bytes.buffer);
}

/**
 * Cuts a broker's answers into whole responses (INT32 size, then as many bytes) in buffers that are used again.
 * Reading them chunk by chunk and joining the chunks, as kafkajs does, makes garbage outside of the heap, two
 * bytes for every byte read, and the collector answers with a full collection every few milliseconds.
 */
export class FrameReader {
  readonly #emit: (response: Buffer) => void;
  readonly #pool: Buffer[] = [];
  readonly #header = Buffer.alloc(4);
  #headerBytes = 0;
  #response: Buffer | undefined;
  #filled = 0;

  /** @param emit gets size and response in one buffer, valid as long as its Frame says, or for good */
  constructor(emit: (response: Buffer) => void) {
    this.#emit = emit;
  }

  /** Throws BAD_DATA for a size that can't be. The chunk's bytes are copied. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#response === undefined) {
        while (this.#headerBytes < 4 && at < chunk.length) {
          this.#header[this.#headerBytes++] = chunk[at++] as number;
        }
        if (this.#headerBytes < 4) return;
        this.#begin(this.#header.readInt32BE(0));
      }
      const response = this.#response as Buffer;
      const taken = Math.min(chunk.length - at, response.length - this.#filled);
      chunk.copy(response, this.#filled, at, at + taken);
      at += taken;
      this.filled(taken);
    }
  }

  /** Where the next bytes of the stream may be put instead of pushing them, if enough are missing to a response. */
  get room(): Buffer | undefined {
    if (this.#response === undefined || this.#response.length - this.#filled < DIRECT_FROM_BYTES)
      return undefined;
    return this.#response.subarray(this.#filled);
  }

  /** So many bytes were put into the response. */
  filled(bytes: number): void {
    const response = this.#response as Buffer;
    this.#filled += bytes;
    if (this.#filled < response.length) return;
    this.#response = undefined;
    this.#headerBytes = 0;
    this.#emit(response);
  }

  #begin(size: number): void {
    if (size < 0 || size > MAX_FRAME_BYTES) {
      throw new SpanweirError('BAD_DATA', `a broker announces a response of ${size} bytes`);
    }
    this.#response = this.#take(size + 4);
    this.#header.copy(this.#response);
    this.#filled = 4;
  }

  #take(bytes: number): Buffer {
    if (bytes < POOLED_FROM_BYTES) return Buffer.allocUnsafe(bytes);
    const fitting = this.#pool.findIndex((idle) => idle.length >= bytes);
    const [reused] = fitting === -1 ? [] : this.#pool.splice(fitting, 1);
    // None fits: the idle ones are too small for what this connection fetches.
    if (reused === undefined) this.#pool.length = 0;
    const whole = reused ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
    frames.set(whole.buffer, new Frame(whole, this.#pool));
    return whole.subarray(0, bytes);
  }
}

const FRAMED = Symbol('framed');

/** A plain TCP connection whose 'data' events are whole responses. */
export function connectFramed(
  address: { readonly host: string; readonly port: number },
  onConnect: () => void,
): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const reader = new FrameReader((response) => socket.emit('data', response));
  let direct: Buffer | undefined;
  const socket = createConnection(
    {
      ...address,
      onread: {
        buffer: () => {
          direct = reader.room;
          return direct ?? buffer;
        },
        callback: (bytes) => {
          try {
            if (direct === undefined) reader.push(buffer.subarray(0, bytes));
            else reader.filled(bytes);
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    },
    onConnect,
  );
  return Object.assign(socket, { [FRAMED]: true });
}

/** The parts of kafkajs' Connection that are used here. */
interface Connection {
  readonly socket: Socket & { readonly [FRAMED]?: true };
  readonly authHandlers: unknown;
  readonly requestQueue: {
    fulfillRequest(response: { size: number; correlationId: number; payload: Buffer }): void;
  };
  processData: (this: Connection, bytes: Buffer) => void;
}

/** Lets kafkajs take a whole response as it is, instead of joining it to the empty rest of the one before. */
export function hookConnection(ConnectionClass: { readonly prototype: Connection }): void {
  const original = ConnectionClass.prototype.processData;
  ConnectionClass.prototype.processData = function (this: Connection, bytes: Buffer): void {
    if (this.socket[FRAMED] !== true || this.authHandlers) {
      original.call(this, bytes);
      return;
    }
    this.requestQueue.fulfillRequest({
      size: bytes.length - 4,
      correlationId: bytes.readInt32BE(4),
      payload: bytes.subarray(8),
    });
  };
}
