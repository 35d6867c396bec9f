import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { ReadyHandler, ReadyReply } from '../flow/host.ts';
import type { HttpLimits } from './limits.ts';
import { PlainHeads, plainTarget } from './plain-request.ts';

export interface FastLaneDeps {
  /** By path. */
  readonly handlers: ReadonlyMap<string, ReadyHandler>;
  readonly limits: HttpLimits;
  readonly clock: Clock;
}

/** By event. */
type Listeners = Readonly<Record<string, (chunk: Buffer) => void>>;

/**
 * Stands in front of a server of node:http and answers what needs nothing of it: a plain GET that came in one piece, for
 * which a handler has the bytes ready. The first thing on a connection that is anything else (a body, a pipeline, a header that
 * could matter, half a request, a client that does not read) goes to node:http with the connection, for good, so that nothing
 * of HTTP is decided here. It takes about 60 % of the CPU that node:http does.
 */
export class FastLane {
  readonly #server: Server;
  readonly #deps: FastLaneDeps;
  readonly #toHttp: (socket: Socket) => void;
  readonly #heads = new PlainHeads();
  /** Those that node:http does not have. */
  readonly #sockets = new Set<Socket>();
  readonly #keepAlive: string;
  #second = Number.NaN;
  #endOfHead = '';

  /** Of a server that does not listen yet. */
  constructor(server: Server, deps: FastLaneDeps) {
    this.#server = server;
    this.#deps = deps;
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    this.#toHttp = (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    };
    server.removeAllListeners('connection');
    server.on('connection', (socket) => this.#accept(socket));
    const keptS = Math.floor(deps.limits.keepAliveTimeoutMs / 1000);
    this.#keepAlive = `Connection: keep-alive\r\n${keptS > 0 ? `Keep-Alive: timeout=${keptS}\r\n` : ''}\r\n`;
  }

  /** Ends the connections as soon as they have their replies; none has a request in hand. */
  close(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }

  /** Ends them at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { headersTimeoutMs, keepAliveTimeoutMs } = this.#deps.limits;
    let hasAsked = false;
    const listeners: Listeners = {
      data: (chunk) => {
        if (socket.writableEnded) return;
        const reply = this.#replyTo(chunk, socket);
        if (reply === undefined) {
          this.#handOver(socket, listeners, chunk);
          return;
        }
        socket.write(reply, 'latin1');
        if (!hasAsked) socket.setTimeout(keepAliveTimeoutMs);
        hasAsked = true;
      },
      end: () => socket.end(),
      timeout: () => {
        if (hasAsked) socket.destroy();
        else this.#server.emit('clientError', silent(), socket);
      },
      // It is closed then.
      error: () => {},
      close: () => this.#sockets.delete(socket),
    };
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
    socket.setTimeout(headersTimeoutMs);
    this.#sockets.add(socket);
  }

  /** Head and body, a character for each byte; undefined when node:http is to answer. */
  #replyTo(chunk: Buffer, socket: Socket): string | undefined {
    const { limits, handlers } = this.#deps;
    // Who does not take replies is held up by node:http, behind what is still to be sent.
    if (chunk.length >= limits.maxHeaderBytes || socket.writableLength > 0) return undefined;
    const request = chunk.toString('latin1');
    const target = plainTarget(request);
    if (target === undefined || target.length > limits.maxTargetBytes) return undefined;
    const query = target.indexOf('?');
    const handler = handlers.get(query < 0 ? target : target.slice(0, query));
    const headers = handler && this.#heads.of(request);
    if (headers === undefined) return undefined;
    let reply: ReadyReply | undefined;
    try {
      reply = handler?.(target, headers, socket);
    } catch {
      // The other handler meets the same and says so.
    }
    return reply && `HTTP/1.1 200 OK\r\n${reply.headers}${this.#rest()}${reply.body}`;
  }

  /** Of the head, as node:http writes it; made once a second. */
  #rest(): string {
    const second = Math.floor(this.#deps.clock.wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#endOfHead = `Date: ${new Date(second * 1000).toUTCString()}\r\n${this.#keepAlive}`;
    }
    return this.#endOfHead;
  }

  #handOver(socket: Socket, listeners: Listeners, chunk: Buffer): void {
    this.#sockets.delete(socket);
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(chunk);
    this.#toHttp(socket);
    socket.resume();
  }
}

/** What node:http says of a connection over which nothing comes. */
function silent(): Error {
  return Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
}
