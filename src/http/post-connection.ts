import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { PlainPost, PostInHand, PostReply } from '../flow/host.ts';
import type { BodyPool } from './body-pool.ts';
import type { HttpLimits } from './limits.ts';
import { type PostHead, plainPostHead } from './post-head.ts';
import { INTERNAL_ERROR } from './replies.ts';

/** What the connections of a listener share. */
export interface PostLaneParts {
  /** By path. */
  readonly posts: ReadonlyMap<string, PlainPost>;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly pool: BodyPool;
  /** Where every head arrives; looked at before anything else can arrive there. */
  readonly shared: Buffer;
  readonly isClosing: () => boolean;
  /** The end of a reply's head. */
  readonly endOfHead: () => string;
  /** Of a handler that threw. */
  readonly failed: (error: unknown, path: string) => void;
  /** Gives the connection to node:http, with what came over it, for good. */
  readonly toHttp: (connection: PostConnection, socket: Socket, came: Buffer) => void;
  /** What node:http says when it can't go on with a connection. */
  readonly unreadable: (code: string, socket: Socket) => void;
}

/** `skip`: nobody takes the body. `refused`: it has been told so, and ends. `http`: node:http has it. */
type State = 'idle' | 'body' | 'skip' | 'answer' | 'refused' | 'http';

/** A body that is under way. */
interface Arriving {
  readonly path: string;
  readonly length: number;
  readonly inHand: PostInHand;
  readonly body: Buffer;
  received: number;
}

/** What still comes of a body for which there is no room, and what is answered then. */
interface Skipped {
  left: number;
  readonly reply: PostReply;
}

/** The parts of Node's sockets that have no public name. */
interface Insides {
  _handle: { reading: boolean; readStop(): number } | null;
  _server: unknown;
  server: unknown;
}

const MAX_BODY_BYTES = 1 << 20;
const TOO_SLOW = 'ERR_HTTP_REQUEST_TIMEOUT';
const NO_POST: PostHead = { path: '', headers: new Map(), contentLength: 0 };
const END_OF_HEAD = '\r\n\r\n';

/** One connection that brings plain POSTs, one after the other. */
export class PostConnection {
  readonly #parts: PostLaneParts;
  readonly #socket: Socket;
  /** By event. */
  readonly #listeners: Readonly<Record<string, () => void>>;
  #state: State = 'idle';
  #arriving: Arriving | undefined;
  #skipped: Skipped | undefined;
  #hasAsked = false;
  #hasEnded = false;
  /** When it was accepted, answered last, or its request began. */
  #sinceMs: number;
  /** What came behind a request that is not answered yet. */
  #behind: Buffer | undefined;

  private constructor(accepted: Insides, parts: PostLaneParts, closed: (connection: PostConnection) => void) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.monotonicMs();
    const { _handle: handle, _server: server } = accepted;
    handle?.readStop();
    if (handle !== null) handle.reading = false;
    accepted._handle = null;
    const onread = {
      buffer: () => this.#target(),
      callback: (bytes: number, buffer: Buffer) => this.#read(buffer.subarray(0, bytes)),
    };
    const socket = new Socket({ handle, onread, allowHalfOpen: true } as object);
    // The server counts it out when it is closed.
    Object.assign(socket, { _server: server, server });
    this.#socket = socket;
    this.#listeners = {
      end: () => this.#ended(),
      // It is closed then.
      error: () => {},
      close: () => {
        this.#gone();
        closed(this);
      },
    };
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
  }

  /**
   * Takes over a socket that was just accepted: only one that was made with `onread` reads into memory of ours, and a server
   * makes none. Undefined where a socket's insides are not as they are in the Node that this was written for.
   */
  static of(
    accepted: Socket,
    parts: PostLaneParts,
    closed: (connection: PostConnection) => void,
  ): PostConnection | undefined {
    const insides = accepted as unknown as Partial<Insides>;
    if (typeof insides._handle?.readStop !== 'function' || insides._server === undefined) return undefined;
    return new PostConnection(insides as Insides, parts, closed);
  }

  /** Ends it if it has no request in hand; otherwise the answer does. */
  close(): void {
    if (this.#state === 'idle' || this.#state === 'refused') this.#socket.destroySoon();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Looks at the limits of time. */
  check(nowMs: number): void {
    const { limits } = this.#parts;
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#state === 'refused') this.#socket.destroy();
    else if ((this.#state === 'body' || this.#state === 'skip') && waitedMs > limits.requestTimeoutMs)
      this.#refuse(TOO_SLOW);
    else if (this.#state === 'idle' && this.#hasAsked) {
      if (waitedMs > limits.keepAliveTimeoutMs) this.#socket.destroy();
    } else if (this.#state === 'idle' && waitedMs > limits.headersTimeoutMs) this.#refuse(TOO_SLOW);
  }

  /** Where the next bytes go: straight into a body that is under way. */
  #target(): Buffer {
    const { shared } = this.#parts;
    const arriving = this.#arriving;
    const skipped = this.#skipped;
    if (skipped !== undefined) return shared.subarray(0, Math.min(shared.length, skipped.left));
    if (arriving === undefined) return shared;
    return arriving.body.subarray(arriving.received, arriving.length);
  }

  /** False = nothing more is to be read for now. */
  #read(chunk: Buffer): boolean {
    switch (this.#state) {
      case 'idle':
        this.#begin(chunk);
        return true;
      case 'body':
        this.#goOn(chunk.length);
        return true;
      case 'skip':
        this.#skipOn(chunk.length);
        return true;
      case 'answer':
        this.#behind = this.#behind === undefined ? Buffer.from(chunk) : Buffer.concat([this.#behind, chunk]);
        return false;
      case 'refused':
        return true;
      case 'http':
        return this.#socket.push(Buffer.from(chunk));
      default:
        return this.#state satisfies never;
    }
  }

  #begin(chunk: Buffer): void {
    const arriving = this.#plainly(chunk);
    if (arriving === undefined) {
      this.#toHttp(chunk);
      return;
    }
    this.#sinceMs = this.#parts.clock.monotonicMs();
    if ('left' in arriving) {
      this.#skip(arriving);
      return;
    }
    this.#arriving = arriving;
    this.#state = 'body';
    if (arriving.received === arriving.length) this.#take(arriving);
  }

  /** Undefined when node:http is to have it. */
  #plainly(chunk: Buffer): Arriving | Skipped | undefined {
    const { posts, limits, pool, isClosing } = this.#parts;
    const headBytes = chunk.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    const isShort = headBytes > END_OF_HEAD.length && headBytes < limits.maxHeaderBytes;
    // Who does not take replies is held up by node:http.
    if (!isShort || isClosing() || this.#socket.writableLength > 0) return undefined;
    const head = chunk.toString('latin1', 0, headBytes);
    const { path, headers, contentLength: length } = plainPostHead(head) ?? NO_POST;
    const post = path.length <= limits.maxTargetBytes ? posts.get(path) : undefined;
    const received = chunk.length - headBytes;
    if (post === undefined || received > length || length > Math.min(post.maxBytes, MAX_BODY_BYTES)) {
      return undefined;
    }
    const inHand = post.begin(headers);
    if (inHand === undefined) return undefined;
    if (!inHand.reserve(received)) return { left: length - received, reply: inHand.refuse() };
    const body = pool.take(length);
    if (body === undefined) {
      inHand.leave();
      return undefined;
    }
    body.set(chunk.subarray(headBytes));
    return { path, length, inHand, body, received };
  }

  #goOn(bytes: number): void {
    const arriving = this.#arriving as Arriving;
    arriving.received += bytes;
    if (!arriving.inHand.reserve(bytes)) {
      this.#arriving = undefined;
      this.#parts.pool.give(arriving.body);
      this.#skip({ left: arriving.length - arriving.received, reply: arriving.inHand.refuse() });
    } else if (arriving.received === arriving.length) this.#take(arriving);
  }

  /** Read to its end: a client that is answered sooner may not listen yet, or give the connection up. */
  #skip(skipped: Skipped): void {
    this.#skipped = skipped;
    this.#state = 'skip';
    this.#skipOn(0);
  }

  #skipOn(bytes: number): void {
    const skipped = this.#skipped as Skipped;
    skipped.left -= bytes;
    if (skipped.left === 0) this.#answer(skipped.reply);
  }

  #take({ inHand, body, length, path }: Arriving): void {
    this.#arriving = undefined;
    this.#state = 'answer';
    const { pool, failed } = this.#parts;
    void inHand
      .take(body.subarray(0, length), () => pool.give(body))
      .catch((error: unknown) => {
        failed(error, path);
        return INTERNAL_ERROR;
      })
      .then((reply) => this.#answer(reply));
  }

  #answer({ status, headers, body }: PostReply): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.#skipped = undefined;
    this.#hasAsked = true;
    const isLast = this.#parts.isClosing();
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
    head += `content-length: ${body.length}\r\n${isLast ? 'connection: close\r\n\r\n' : this.#parts.endOfHead()}`;
    if (body.length === 0) socket.write(head, 'latin1');
    else socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]));
    this.#sinceMs = this.#parts.clock.monotonicMs();
    if (isLast || this.#hasEnded) {
      this.#state = 'refused';
      socket.destroySoon();
      return;
    }
    this.#state = 'idle';
    const behind = this.#behind;
    this.#behind = undefined;
    if (behind !== undefined) this.#toHttp(behind);
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#state === 'idle') this.#socket.end();
    else if (this.#state === 'body' || this.#state === 'skip') this.#refuse('HPE_INVALID_EOF_STATE');
  }

  #refuse(code: string): void {
    this.#gone();
    this.#state = 'refused';
    this.#parts.unreadable(code, this.#socket);
  }

  /** The body stays where it is: what still comes may be written there. */
  #gone(): void {
    this.#arriving?.inHand.gone();
    this.#arriving = undefined;
    this.#skipped = undefined;
  }

  /** `chunk` may lie in memory that is used again. */
  #toHttp(chunk: Buffer): void {
    this.#state = 'http';
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener);
    this.#parts.toHttp(this, this.#socket, Buffer.from(chunk));
  }
}
