import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { PlainPost } from '../flow/host.ts';
import { BodyPool } from './body-pool.ts';
import type { HttpLimits } from './limits.ts';
import { PostConnection, type PostLaneParts } from './post-connection.ts';

export interface PostLaneDeps {
  /** By path. */
  readonly posts: ReadonlyMap<string, PlainPost>;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  /** Of a handler that threw. */
  readonly failed: (error: unknown, path: string) => void;
}

const READ_BYTES = 64 * 1024;

/**
 * Stands in front of a server of node:http and takes plain POSTs, as exporters send them: with a Content-Length, one after the
 * other, and a few headers. Their bodies are read straight into memory that is used again, where node:http makes a buffer of each
 * piece. As in the fast lane, the first thing that is anything else, or is too much just now, goes to node:http with its
 * connection, so that nothing of HTTP is decided here.
 */
export class PostLane {
  readonly #connections = new Set<PostConnection>();
  readonly #parts: PostLaneParts;
  readonly #closed = new AbortController();
  readonly #keepAlive: string;
  #second = Number.NaN;
  #endOfHead = '';

  /** Of a server that does not listen yet. */
  constructor(server: Server, deps: PostLaneDeps) {
    const { limits, clock } = deps;
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    const begin = (socket: Socket): void => {
      for (const listener of listeners) listener.call(server, socket);
    };
    const keptS = Math.floor(limits.keepAliveTimeoutMs / 1000);
    this.#keepAlive = `Connection: keep-alive\r\n${keptS > 0 ? `Keep-Alive: timeout=${keptS}\r\n` : ''}\r\n`;
    this.#parts = {
      ...deps,
      pool: new BodyPool(),
      shared: Buffer.allocUnsafeSlow(READ_BYTES),
      isClosing: () => this.#closed.signal.aborted,
      endOfHead: () => this.#rest(clock),
      unreadable: (code, socket) =>
        server.emit('clientError', Object.assign(new Error(code), { code }), socket),
      toHttp: (connection, socket, came) => {
        this.#connections.delete(connection);
        socket.pause();
        socket.unshift(came);
        begin(socket);
        socket.resume();
      },
    };
    const closed = (connection: PostConnection): void => void this.#connections.delete(connection);
    server.on('connection', (socket) => {
      const connection = PostConnection.of(socket, this.#parts, closed);
      if (connection === undefined) begin(socket);
      else this.#connections.add(connection);
    });
    void this.#watch(clock, limits.checkIntervalMs);
  }

  /** Ends the connections as soon as they have their replies. */
  close(): void {
    this.#closed.abort();
    for (const connection of this.#connections) connection.close();
  }

  /** Ends them at once. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  async #watch(clock: Clock, everyMs: number): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      const nowMs = clock.monotonicMs();
      for (const connection of this.#connections) connection.check(nowMs);
    }
  }

  /** Of the head, as node:http writes it; made once a second. */
  #rest(clock: Clock): string {
    const second = Math.floor(clock.wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#endOfHead = `Date: ${new Date(second * 1000).toUTCString()}\r\n${this.#keepAlive}`;
    }
    return this.#endOfHead;
  }
}
