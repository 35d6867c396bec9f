import { type Server as Acceptor, type AddressInfo, createServer } from 'node:net';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, Log } from '../base/instruments.ts';
import { bindHost, formatAddress, listenError, readTls } from '../base/listen-address.ts';
import { renewTls } from '../base/renewed-tls.ts';
import type { GrpcLimits, GrpcServices, ListenAddress } from '../flow/host.ts';
import { HealthService, reflect } from './late-services.ts';
import { TlsServerCredentials } from './tls-credentials.ts';

export interface GrpcServerDeps {
  readonly log: Log;
  readonly clock: Clock;
  /** Counts handlers that threw. */
  readonly failures: Counter;
  /** Counts connections beyond the limit. */
  readonly refused: Counter;
}

interface Service {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  readonly option: string;
}

const MAX_CONNECTIONS = 4096;
/** Time for the last answers to be written before connections that only watch are cut. */
const FLUSH_MS = 200;

/** One address with its services, health and reflection, from `open` to `close`. */
export class SharedGrpcServer {
  readonly address: ListenAddress;
  readonly #deps: GrpcServerDeps;
  readonly #options: string[] = [];
  readonly #services = new Map<string, Service>();
  #limits: GrpcLimits = {};
  readonly #closed = new AbortController();
  #server: Server | undefined;
  #acceptor: Acceptor | undefined;
  #health: HealthService | undefined;
  #port: number;
  #inHand = 0;
  #idle: (() => void) | undefined;

  constructor(address: ListenAddress, deps: GrpcServerDeps) {
    this.address = address;
    this.#deps = deps;
    this.#port = address.port;
  }

  get options(): readonly string[] {
    return this.#options;
  }

  services(option: string, limits: GrpcLimits = {}): GrpcServices {
    if (!this.#options.includes(option)) this.#options.push(option);
    this.#limits = largest(this.#limits, limits);
    return {
      service: (definition, implementation) => this.#add({ definition, implementation, option }),
      port: () => this.#port,
    };
  }

  async open(): Promise<void> {
    const server = new Server(serverOptions(this.#limits));
    for (const { definition, implementation } of this.#services.values()) {
      server.addService(definition, this.#guarded(definition, implementation));
    }
    const names = [...this.#services.keys()];
    this.#health = new HealthService(['', ...names], this.#deps);
    this.#health.addTo(server);
    reflect(
      server,
      [...this.#services.values()].map((service) => service.definition),
      this.#deps,
    );
    // Connections are accepted here and handed on: the library itself takes any number.
    const injector = this.#injector(server);
    const acceptor = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
    acceptor.maxConnections = this.#limits.maxConnections ?? MAX_CONNECTIONS;
    acceptor.on('drop', () => this.#deps.refused.add(1));
    await new Promise<void>((resolve, reject) => {
      acceptor.once('error', (error) => reject(listenError(this.address, this.#options, error)));
      acceptor.listen(this.address.port, bindHost(this.address.host), resolve);
    });
    acceptor.on('error', (error) => this.#deps.log.error({ err: error }, 'gRPC listener failed'));
    this.#port = (acceptor.address() as AddressInfo).port;
    this.#acceptor = acceptor;
    this.#server = server;
  }

  /** Takes no new calls, finishes those in hand, and cuts what is left at the deadline. */
  async close(deadline: Deadline): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#closed.abort();
    this.#acceptor?.close();
    this.#health?.stopServing();
    const cut = (): void => server.forceShutdown();
    deadline.signal.addEventListener('abort', cut, { once: true });
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#inHand === 0) resolve();
    });
    const ended = new Promise<void>((resolve) => {
      server.tryShutdown(() => resolve());
    });
    if (deadline.signal.aborted) cut();
    // Streams that never end by themselves (health watches, reflection) must not hold up the stop.
    const flushed = new AbortController();
    void idle.then(() => this.#deps.clock.sleep(FLUSH_MS, flushed.signal)).then(cut);
    await ended;
    flushed.abort();
    deadline.signal.removeEventListener('abort', cut);
  }

  #add(service: Service): void {
    const name = serviceName(service.definition);
    const taken = this.#services.get(name);
    if (taken !== undefined) {
      throw new SpanweirError(
        'START',
        `${service.option} and ${taken.option} both want ${name} on ${formatAddress(this.address)}`,
      );
    }
    this.#services.set(name, service);
  }

  /** @throws SpanweirError START for certificates that can't be used. */
  #injector(server: Server): ConnectionInjector {
    try {
      return server.createConnectionInjector(this.#credentials());
    } catch (error) {
      throw error instanceof SpanweirError ? error : listenError(this.address, this.#options, error);
    }
  }

  #credentials(): ServerCredentials {
    const { tls } = this.address;
    if (tls === undefined) return ServerCredentials.createInsecure();
    const option = this.#options.join(' and ');
    const secure = new TlsServerCredentials(readTls(tls, option));
    void renewTls(tls, option, (renewed) => secure.renew(renewed), this.#closed.signal, this.#deps);
    return secure;
  }

  /** Every unary handler: counted while in hand; what it throws becomes INTERNAL. */
  #guarded(
    definition: ServiceDefinition,
    implementation: UntypedServiceImplementation,
  ): UntypedServiceImplementation {
    const guarded: UntypedServiceImplementation = { ...implementation };
    for (const [key, method] of Object.entries(definition)) {
      const name = implementation[key] === undefined ? (method.originalName ?? key) : key;
      const handler = implementation[name];
      if (handler === undefined || method.requestStream || method.responseStream) continue;
      const unary = handler as (call: unknown, callback: sendUnaryData<unknown>) => unknown;
      guarded[name] = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
        void this.#run(unary, call, callback);
      };
    }
    return guarded;
  }

  async #run(
    handler: (call: unknown, callback: sendUnaryData<unknown>) => unknown,
    call: ServerUnaryCall<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ): Promise<void> {
    this.#inHand += 1;
    let answered = false;
    const answer: sendUnaryData<unknown> = (...reply) => {
      if (answered) return;
      answered = true;
      this.#inHand -= 1;
      callback(...reply);
      if (this.#inHand === 0) this.#idle?.();
    };
    try {
      await handler(call, answer);
    } catch (error) {
      this.#deps.failures.add(1);
      this.#deps.log.error({ err: toError(error), path: call.getPath() }, 'gRPC handler failed');
      answer({ code: status.INTERNAL, details: 'internal error' });
    }
  }
}

function serverOptions(limits: GrpcLimits): ServerOptions {
  const options: ServerOptions = {
    'grpc.max_receive_message_length': limits.maxMessageBytes ?? 4 * 1024 * 1024,
    'grpc.max_concurrent_streams': limits.maxConcurrentStreams ?? 100,
    // Stays on: without it the library's forceShutdown finds no session to cut.
    'grpc.enable_channelz': 1,
  };
  const set = (name: string, value: number | undefined): void => {
    if (value !== undefined) options[name] = value;
  };
  set('grpc.keepalive_time_ms', limits.keepaliveTimeMs);
  set('grpc.keepalive_timeout_ms', limits.keepaliveTimeoutMs);
  set('grpc.max_connection_idle_ms', limits.maxConnectionIdleMs);
  set('grpc.max_connection_age_ms', limits.maxConnectionAgeMs);
  set('grpc.max_connection_age_grace_ms', limits.maxConnectionAgeGraceMs);
  return options;
}

function largest(a: GrpcLimits, b: GrpcLimits): GrpcLimits {
  const merged: Record<string, number | undefined> = { ...a };
  for (const [name, value] of Object.entries(b) as [string, number | undefined][]) {
    if (value !== undefined) merged[name] = Math.max(value, merged[name] ?? value);
  }
  return merged;
}

/** `package.Service` of the first method's path. */
function serviceName(definition: ServiceDefinition): string {
  const [method] = Object.values(definition);
  return method?.path.split('/')[1] ?? '';
}
