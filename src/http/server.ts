import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, Log } from '../base/instruments.ts';
import { bindHost, formatAddress, listenError, readTls, type TlsFiles } from '../base/listen-address.ts';
import { renewTls } from '../base/renewed-tls.ts';
import type {
  HttpHandler,
  HttpListenerLimits,
  HttpRoutes,
  ListenAddress,
  PlainHttpHandler,
  PlainPost,
  ReadyHandler,
} from '../flow/host.ts';
import { FastLane } from './fast-lane.ts';
import { type HttpLimits, largestLimits } from './limits.ts';
import { PostLane } from './post-lane.ts';
import { replyNotFound, replyText } from './replies.ts';

export interface HttpServerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: HttpLimits;
  /** Counts handlers that threw. */
  readonly failures: Counter;
  /** Counts what is turned away before any handler sees it. */
  readonly refused: Readonly<Record<Refusal, Counter>>;
}

export type Refusal = 'connections' | 'headers' | 'target' | 'timeout' | 'malformed';

interface Route {
  readonly handler: HttpHandler | undefined;
  readonly plain: PlainHttpHandler | undefined;
  readonly ready?: ReadyHandler | undefined;
  readonly post?: PlainPost | undefined;
  readonly option: string;
}

/** What a client is told whose request could not be read, by the code of the error. */
const UNREADABLE: Readonly<Record<string, readonly [Refusal, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers', '431 Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['timeout', '408 Request Timeout'],
};
const MALFORMED = ['malformed', '400 Bad Request'] as const;

/** One address, its routes, and the socket behind it from `open` to `close`. */
export class SharedHttpServer {
  readonly address: ListenAddress;
  readonly #options: string[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #inHand = new Set<ServerResponse>();
  readonly #deps: HttpServerDeps;
  readonly #inHandEnds: (this: ServerResponse) => void;
  #limits: Partial<HttpLimits> = {};
  #maxTargetBytes: number;
  readonly #closed = new AbortController();
  #server: Server | undefined;
  #lane: FastLane | PostLane | undefined;
  #port: number;
  #closing = false;

  constructor(address: ListenAddress, deps: HttpServerDeps) {
    this.address = address;
    this.#deps = deps;
    this.#port = address.port;
    this.#maxTargetBytes = deps.limits.maxTargetBytes;
    const inHand = this.#inHand;
    // One function for all requests, which are many.
    this.#inHandEnds = function inHandEnds() {
      inHand.delete(this);
    };
  }

  get options(): readonly string[] {
    return this.#options;
  }

  /** The routes as the component sees them that set `option`. */
  routes(option: string, limits: HttpListenerLimits = {}): HttpRoutes {
    if (!this.#options.includes(option)) this.#options.push(option);
    this.#limits = largestLimits(this.#limits, limits);
    return {
      route: (path, handler, post) => this.#add(path, { handler, plain: undefined, post, option }),
      plain: (path, plain, ready) => this.#add(path, { handler: undefined, plain, ready, option }),
      port: () => this.#port,
    };
  }

  async open(): Promise<void> {
    const limits = { ...this.#deps.limits, ...this.#limits };
    this.#maxTargetBytes = limits.maxTargetBytes;
    const options = {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: limits.checkIntervalMs,
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      this.#serve(request, response);
    const { tls } = this.address;
    const server = tls === undefined ? createServer(options, listener) : this.#secure(tls, options, listener);
    server.maxConnections = limits.maxConnections;
    if (tls === undefined) this.#lane = this.#laneOf(server, limits);
    server.on('drop', () => this.#deps.refused.connections.add(1));
    server.on('clientError', (error, socket) => this.#unreadable(error, socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(this.address, this.#options, error)));
      server.listen(this.address.port, bindHost(this.address.host), resolve);
    });
    server.on('error', (error) => this.#deps.log.error({ err: error }, 'HTTP listener failed'));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Accepts nothing new, finishes what is in hand, and cuts what is left at the deadline. */
  async close(deadline: Deadline): Promise<void> {
    this.#closing = true;
    this.#closed.abort();
    const server = this.#server;
    if (server === undefined) {
      // Where the port could not be had, its watch over connections is still there.
      this.#lane?.close();
      return;
    }
    this.#server = undefined;
    for (const response of this.#inHand) {
      if (!response.headersSent) response.setHeader('connection', 'close');
    }
    const cut = (): void => {
      server.closeAllConnections();
      this.#lane?.cut();
    };
    deadline.signal.addEventListener('abort', cut, { once: true });
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      this.#lane?.close();
      if (deadline.signal.aborted) cut();
    });
    deadline.signal.removeEventListener('abort', cut);
  }

  /** @throws SpanweirError START for files that can't be read or used. */
  #secure(tls: TlsFiles, options: object, listener: RequestListener): TlsServer {
    const option = this.#options.join(' and ');
    const { ca, ...material } = readTls(tls, option);
    const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    let server: TlsServer;
    try {
      server = createTlsServer({ ...options, ...material, ...mutual }, listener);
    } catch (error) {
      throw listenError(this.address, this.#options, error);
    }
    void renewTls(
      tls,
      option,
      (renewed) => server.setSecureContext(renewed),
      this.#closed.signal,
      this.#deps,
    );
    return server;
  }

  #add(path: string, route: Route): void {
    const taken = this.#routes.get(path);
    if (taken !== undefined && taken.option !== route.option) {
      throw new SpanweirError(
        'START',
        `${route.option} and ${taken.option} both want the path ${path} on ${formatAddress(this.address)}`,
      );
    }
    this.#routes.set(path, route);
  }

  /** In front of the server, where there is something that needs little of it. */
  #laneOf(server: Server, limits: HttpLimits): FastLane | PostLane | undefined {
    const { clock } = this.#deps;
    const handlers = new Map<string, ReadyHandler>();
    const posts = new Map<string, PlainPost>();
    for (const [path, { ready, post }] of this.#routes) {
      if (ready !== undefined) handlers.set(path, ready);
      if (post !== undefined) posts.set(path, post);
    }
    if (handlers.size > 0) return new FastLane(server, { handlers, limits, clock });
    const failed = (error: unknown, path: string): void => this.#countFailure(error, path);
    return posts.size > 0 ? new PostLane(server, { posts, limits, clock, failed }) : undefined;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? '';
    const query = target.indexOf('?');
    const exact = this.#routes.get(query < 0 ? target : target.slice(0, query));
    if (exact?.plain !== undefined && !this.#closing && target.length <= this.#maxTargetBytes) {
      this.#run(exact, request, response, target);
      // What is answered already needs no looking after, and such answers are many.
      if (!response.writableEnded) this.#takeInHand(response);
      return;
    }
    this.#takeInHand(response);
    if (this.#closing) {
      response.setHeader('connection', 'close');
      replyText(response, 503, 'stopping\n', { 'retry-after': '1' });
      return;
    }
    if (target.length > this.#maxTargetBytes) {
      this.#deps.refused.target.add(1);
      replyText(response, 414, `414 path and query are longer than ${this.#maxTargetBytes} bytes\n`);
      return;
    }
    const url = parseTarget(target);
    const route = url && (this.#routes.get(url.pathname) ?? this.#routes.get('*'));
    if (url === undefined) replyText(response, 400, '400 bad request target\n');
    else if (route === undefined) replyNotFound(response);
    else {
      request.on('error', ignore);
      this.#run(route, request, response, target, url);
    }
  }

  #takeInHand(response: ServerResponse): void {
    this.#inHand.add(response);
    response.once('close', this.#inHandEnds);
    response.on('error', ignore);
  }

  #run(
    { handler, plain }: Route,
    request: IncomingMessage,
    response: ServerResponse,
    target: string,
    url?: URL,
  ): void {
    try {
      const work =
        plain === undefined ? handler?.(request, response, url as URL) : plain(request, response, target);
      work?.catch((error: unknown) => this.#failed(error, target, response));
    } catch (error) {
      this.#failed(error, target, response);
    }
  }

  #countFailure(error: unknown, path: string): void {
    this.#deps.failures.add(1);
    this.#deps.log.error({ err: toError(error), path }, 'HTTP handler failed');
  }

  #failed(error: unknown, target: string, response: ServerResponse): void {
    this.#countFailure(error, target);
    if (response.headersSent) response.destroy();
    else replyText(response, 500, 'internal error\n');
  }

  /** Too long, too slow, or not HTTP: said so where that is still possible, and the connection ends. */
  #unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    const [refusal, status] = UNREADABLE[error.code ?? ''] ?? MALFORMED;
    const isGone = error.code === 'ECONNRESET' || !socket.writable;
    if (!isGone) this.#deps.refused[refusal].add(1);
    const isAnswering = [...this.#inHand].some((each) => each.socket === socket && each.headersSent);
    if (isGone || isAnswering) {
      socket.destroy();
      return;
    }
    const body = `${status}\n`;
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
    socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  }
}

/** A client that goes away is no news: the handler sees it in the body or in the closed response. */
function ignore(): void {}

function parseTarget(target: string): URL | undefined {
  if (!target.startsWith('/')) return undefined;
  try {
    // Joined by hand: a target that begins with // would otherwise name a host.
    return new URL(`http://localhost${target}`);
  } catch {
    return undefined;
  }
}
