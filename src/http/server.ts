import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Deadline } from '../base/component.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, Log } from '../base/instruments.ts';
import { bindHost, formatAddress, listenError, readTls } from '../base/listen-address.ts';
import type { HttpHandler, HttpRoutes, ListenAddress } from '../flow/host.ts';
import type { HttpLimits } from './limits.ts';
import { replyNotFound, replyText } from './replies.ts';

export interface HttpServerDeps {
  readonly log: Log;
  readonly limits: HttpLimits;
  /** Counts handlers that threw. */
  readonly failures: Counter;
}

interface Route {
  readonly handler: HttpHandler;
  readonly option: string;
}

/** One address, its routes, and the socket behind it from `open` to `close`. */
export class SharedHttpServer {
  readonly address: ListenAddress;
  readonly #options: string[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #inHand = new Set<ServerResponse>();
  readonly #deps: HttpServerDeps;
  #server: Server | undefined;
  #port: number;
  #closing = false;

  constructor(address: ListenAddress, deps: HttpServerDeps) {
    this.address = address;
    this.#deps = deps;
    this.#port = address.port;
  }

  get options(): readonly string[] {
    return this.#options;
  }

  /** The routes as the component sees them that set `option`. */
  routes(option: string): HttpRoutes {
    if (!this.#options.includes(option)) this.#options.push(option);
    return {
      route: (path, handler) => this.#add(path, { handler, option }),
      port: () => this.#port,
    };
  }

  async open(): Promise<void> {
    const { limits } = this.#deps;
    const options = {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: limits.checkIntervalMs,
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    const { tls } = this.address;
    let server: Server;
    if (tls === undefined) {
      server = createServer(options, listener);
    } else {
      const { cert, key, ca } = readTls(tls, this.#options.join(' and '));
      const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
      try {
        server = createTlsServer({ ...options, cert, key, ...mutual }, listener);
      } catch (error) {
        throw listenError(this.address, this.#options, error);
      }
    }
    server.maxConnections = limits.maxConnections;
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
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const response of this.#inHand) {
      if (!response.headersSent) response.setHeader('connection', 'close');
    }
    const cut = (): void => server.closeAllConnections();
    deadline.signal.addEventListener('abort', cut, { once: true });
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      if (deadline.signal.aborted) cut();
    });
    deadline.signal.removeEventListener('abort', cut);
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inHand.add(response);
    response.once('close', () => this.#inHand.delete(response));
    request.on('error', ignore);
    response.on('error', ignore);
    if (this.#closing) {
      response.setHeader('connection', 'close');
      return replyText(response, 503, 'stopping\n', { 'retry-after': '1' });
    }
    const url = parseTarget(request.url);
    if (url === undefined) return replyText(response, 400, '400 bad request target\n');
    const route = this.#routes.get(url.pathname) ?? this.#routes.get('*');
    if (route === undefined) return replyNotFound(response);
    try {
      await route.handler(request, response, url);
    } catch (error) {
      this.#deps.failures.add(1);
      this.#deps.log.error({ err: toError(error), path: url.pathname }, 'HTTP handler failed');
      if (response.headersSent) response.destroy();
      else replyText(response, 500, 'internal error\n');
    }
  }
}

/** A client that goes away is no news: the handler sees it in the body or in the closed response. */
function ignore(): void {}

function parseTarget(target: string | undefined): URL | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  try {
    // Joined by hand: a target that begins with // would otherwise name a host.
    return new URL(`http://localhost${target}`);
  } catch {
    return undefined;
  }
}
