import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Component, ComponentContext } from '../base/component.ts';
import type { TlsFiles } from '../base/listen-address.ts';
import type { RedDelta } from '../red/red-rows.ts';
import type { SeriesLookup } from '../red/series-keys.ts';
import type { Encoding, RequestVerdict } from './intake.ts';

/** What the main half of a component is given besides the common things. */
export interface MainContext extends ComponentContext {
  readonly listeners: Listeners;
  /** Hands a request to the least busy lane; rejects as `Intake.request` does. */
  readonly ingress: Ingress;
  /** Messages that this component's lane halves post. */
  onLaneMessage(handler: (lane: number, message: unknown) => void): void;
  /**
   * RED deltas of committed blocks, by connector id; who subscribes makes the lanes send them.
   * `delta.series` are ids of that lane; `keys` resolves them.
   */
  onRed(connectorId: string, handler: RedHandler): void;
  /** Connectors whose rows this component gets from the pipelines it stands in, by id. */
  readonly redInputs: readonly string[];
  /**
   * Main half of another component, `kind:id`, which was created before, or what the host itself offers
   * (`spanweir.health`); undefined when there is none.
   */
  peer(key: string): unknown;
}

/**
 * The columns of `delta` are there until it returns, or until the promise that it returns is kept. `eventKeys` resolves the series of
 * `delta.events`, where there are any.
 */
export type RedHandler = (
  lane: number,
  delta: RedDelta,
  keys: SeriesLookup,
  eventKeys?: SeriesLookup,
) => Promise<void> | undefined;

/** The payload is the caller's again as soon as this returns. */
export type Ingress = (
  payload: Uint8Array,
  encoding: Encoding,
  timestampMs: number,
) => Promise<RequestVerdict>;

/**
 * Network addresses, shared: two components that ask for one address get one listener. Everyone registers
 * in `start`; the host opens the ports when all have, before the receivers' sources begin, and closes
 * them first when stopping (new requests are refused, those in hand are finished). Where components share an
 * address, the largest of their limits holds.
 */
export interface Listeners {
  /** `option` is the config path that sets the address, named when the port is taken. */
  http(address: ListenAddress, option: string, limits?: HttpListenerLimits): HttpRoutes;
  grpc(address: ListenAddress, option: string, limits?: GrpcLimits): GrpcServices;
}

/** What one component asks of its HTTP listener; what it leaves out is as everywhere (http/limits.ts). */
export interface HttpListenerLimits {
  /** Connections beyond it are closed at once. */
  readonly maxConnections?: number | undefined;
  /** Of all headers of a request, the request line included; beyond it 431. */
  readonly maxHeaderBytes?: number | undefined;
  /** Of path and query; beyond it 414. */
  readonly maxTargetBytes?: number | undefined;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs?: number | undefined;
}

export interface GrpcLimits {
  /** Connections beyond it are closed at once. */
  readonly maxConnections?: number | undefined;
  /** Of one message, unpacked; 4 MiB unless told. */
  readonly maxMessageBytes?: number | undefined;
  /** Per connection. */
  readonly maxConcurrentStreams?: number | undefined;
  readonly keepaliveTimeMs?: number | undefined;
  readonly keepaliveTimeoutMs?: number | undefined;
  readonly maxConnectionIdleMs?: number | undefined;
  readonly maxConnectionAgeMs?: number | undefined;
  readonly maxConnectionAgeGraceMs?: number | undefined;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: ServerTls | undefined;
}

/** As the collector's `tls:` block has it. */
export type ServerTls = TlsFiles;

export interface HttpRoutes {
  /**
   * Exact path; the last registered catch-all is `'*'`. A path taken by another component is a START error. `post` may take a POST
   * before; over TLS, and on an address with a ready handler, it is not asked.
   */
  route(path: string, handler: HttpHandler, post?: PlainPost): void;
  /**
   * As `route`, for handlers that read path and query themselves, which spares the making of a URL. `ready` may
   * answer a GET before; over TLS it is not asked.
   */
  plain(path: string, handler: PlainHttpHandler, ready?: ReadyHandler): void;
  /** The bound port (differs from the asked one when that was 0). Known after the ports were opened. */
  port(): number;
}

export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => void | Promise<void>;

/** `target` is path and query as they came. */
export type PlainHttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
) => void | Promise<void>;

/**
 * The whole answer to a GET, when there is nothing to wait for. With undefined, or when it throws, `handler` gets the request,
 * so nothing may have been counted then. It sees only requests with a few headers that can't change how they are to be answered.
 */
export type ReadyHandler = (
  target: string,
  headers: ReadonlyMap<string, string>,
  client: ReadyClient,
) => ReadyReply | undefined;

export interface ReadyClient {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Of status 200. */
export interface ReadyReply {
  /** Lines with their ends: Content-Type, and Content-Length in bytes. */
  readonly headers: string;
  /** A character for each byte. */
  readonly body: string;
}

/** Takes POSTs whose bodies have a known length, with a few headers that can't change where they end. */
export interface PlainPost {
  /** The handler of the route gets those with larger bodies. */
  readonly maxBytes: number;
  /** With undefined the handler of the route gets the request, so nothing may have been counted then. */
  begin(headers: ReadonlyMap<string, string>): PostInHand | undefined;
}

/** One request, from its head to its reply: one of `leave`, `refuse`, `gone` and `take` is its end. */
export interface PostInHand {
  /** Asked for every piece of the body; false = no room now: `refuse` follows. */
  reserve(bytes: number): boolean;
  /** What is answered where there is no room. */
  refuse(): PostReply;
  /** The handler of the route gets it after all. */
  leave(): void;
  /** The client went away before the body was there. */
  gone(): void;
  /** The body is the caller's again when `release` is called, once. */
  take(body: Buffer, release: () => void): Promise<PostReply>;
}

export interface PostReply {
  readonly status: number;
  /** Without Content-Length. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

export interface GrpcServices {
  service(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
  port(): number;
}

/** A component with something in the main thread. */
export type CreateMain<C> = (config: C, context: MainContext) => Component;
