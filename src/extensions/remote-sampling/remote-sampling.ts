import type { Authenticator, AuthenticatorPeer } from '../../base/authenticator.ts';
import type { Component, Deadline } from '../../base/component.ts';
import { SpanweirError } from '../../base/errors.ts';
import { type Endpoint, serverTlsOf } from '../../base/schema.ts';
import type { HttpHandler, MainContext, PlainHttpHandler } from '../../flow/host.ts';
import { guarded as guardedGrpc } from '../../grpc/guard.ts';
import { guarded as guardedHttp } from '../../http/guard.ts';
import { replyJson } from '../../http/replies.ts';
import type { PollerRegistry } from '../../sampling/pollers/pollers.ts';
import type { PollersState } from '../../sampling/pollers/pollers-state.ts';
import type { ControlMode, DecidedOperation } from '../../sampling/store/store.ts';
import { DEFAULT_REPLY_LIMITS } from '../../sampling/strategies/compatible-strategy.ts';
import type { StrategySnapshot } from '../../sampling/strategies/snapshot.ts';
import type { RemoteSamplingConfig } from './config.ts';
import {
  createDecisionsHandler,
  createPollersHandler,
  DECISIONS_PATH,
  type DecisionSource,
  POLLERS_PATH,
} from './serving/decisions-api.ts';
import { createReadyPolls } from './serving/ready-polls.ts';
import { Replies } from './serving/replies.ts';
import { createSamplingManager, samplingManager } from './serving/sampling-grpc.ts';
import { createHttpHandler } from './serving/sampling-http.ts';
import type { ServingDeps, SnapshotLookup, StrategyLookup } from './serving/serving.ts';
import { Targets } from './serving/targets.ts';
import { Upkeep } from './serving/upkeep.ts';
import type { StrategyProvider } from './strategy-provider.ts';

/** Where SDKs ask; the last is what the JS SDK makes of the address in its own README. */
const PATHS = ['/', '/sampling', '/api/sampling', '/api/sampling/sampling'];

/** What rate limits of a source become: Jaeger's own default. */
const LIMIT_FALLBACK = 0.001;

export interface RemoteSamplingParts {
  readonly provider: StrategyProvider;
  readonly pollers: PollerRegistry;
  /** What stands for each operation and why; undefined where nothing is decided. */
  readonly decisions: DecisionSource | undefined;
}

/** The extension as other components see it (`MainContext.peer`). */
export class RemoteSampling implements Component {
  readonly id: string;
  readonly #config: RemoteSamplingConfig;
  readonly #context: MainContext;
  readonly #parts: RemoteSamplingParts;
  readonly #replies: Replies;
  readonly #upkeep: Upkeep;

  constructor(config: RemoteSamplingConfig, context: MainContext, parts: RemoteSamplingParts) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#parts = parts;
    const { reply: form, adaptive, file, max_operations: maxOperations } = config;
    this.#replies = new Replies({
      form,
      limitFallback:
        file?.default_sampling_probability ?? adaptive?.initial_sampling_probability ?? LIMIT_FALLBACK,
      limits: { ...DEFAULT_REPLY_LIMITS, maxOperations },
      leftOut: context.instruments.counter('spanweir_sampling_left_out_operations_total'),
    });
    this.#upkeep = new Upkeep({ ...parts, replies: this.#replies, context });
  }

  /** What stands for each operation and why; [] when strategies come from elsewhere. */
  decisions(): readonly DecidedOperation[] {
    return this.#parts.decisions?.standing() ?? [];
  }

  /** Whether what stands is served; undefined when strategies come from elsewhere. */
  mode(): ControlMode | undefined {
    return this.#parts.decisions?.mode;
  }

  /** What is served now. */
  snapshot(): StrategySnapshot {
    return this.#parts.provider.snapshot;
  }

  /** Who polls. */
  pollers(): PollersState {
    return this.#parts.pollers.state(this.#context.clock.wallMs());
  }

  /** To be asked why: by path, for whoever has a server. */
  api(): readonly (readonly [path: string, handler: HttpHandler])[] {
    const { clock } = this.#context;
    const version = () => this.#version();
    return [
      [DECISIONS_PATH, createDecisionsHandler(this.#parts.decisions, version, clock)],
      [POLLERS_PATH, createPollersHandler(() => this.pollers())],
    ];
  }

  async start(): Promise<void> {
    await this.#parts.provider.start();
    const deps = this.#servingDeps();
    this.#serveHttp(deps);
    this.#serveGrpc(deps);
    this.#upkeep.start();
  }

  async stop(deadline: Deadline): Promise<void> {
    this.#upkeep.stop();
    await this.#parts.provider.stop(deadline);
  }

  /** 0 while nothing is known. */
  #version(): number {
    try {
      return this.snapshot().version;
    } catch {
      return 0;
    }
  }

  #serveHttp(deps: ServingDeps): void {
    const { http } = this.#config;
    if (http === undefined) return;
    const refused = this.#unauthenticated('http');
    const authenticator = this.#authenticator(http.auth, 'http');
    const targets = new Targets();
    const handler: PlainHttpHandler = guardedHttp(createHttpHandler(deps, targets), authenticator, refused);
    const { provider } = this.#parts;
    // Whoever must be let in, or waits for another server, is answered the usual way.
    const ready =
      authenticator === undefined && provider.strategyOf === undefined
        ? createReadyPolls({ ...deps, lookup: snapshotLookup(provider) }, targets)
        : undefined;
    const noBaggage: HttpHandler = guardedHttp(
      (_request, response) => replyJson(response, 200, []),
      authenticator,
      refused,
    );
    const limits = {
      maxConnections: http.max_connections,
      maxHeaderBytes: http.max_header_size,
      maxTargetBytes: http.max_url_size,
      keepAliveTimeoutMs: http.idle_timeout,
    };
    const tls = http.tls && serverTlsOf(http.tls);
    for (const [endpoint, name] of endpointsOf(http)) {
      const option = `extensions.${this.id}.http.${name}`;
      const routes = this.#context.listeners.http({ ...endpoint, tls }, option, limits);
      for (const path of PATHS) routes.plain(path, handler, ready);
      if (name === 'endpoint') routes.plain('*', handler);
      for (const [path, why] of this.api()) routes.route(path, guardedHttp(why, authenticator, refused));
      // Clients of Jaeger's agent ask for baggage limits too, and want a list.
      if (this.#config.reply !== 'jaeger') routes.route('/baggageRestrictions', noBaggage);
    }
  }

  #serveGrpc(deps: ServingDeps): void {
    const { grpc } = this.#config;
    if (grpc === undefined) return;
    const implementation = guardedGrpc(
      createSamplingManager(deps),
      this.#authenticator(grpc.auth, 'grpc'),
      this.#unauthenticated('grpc'),
    );
    const limits = {
      maxConnections: grpc.max_connections,
      maxConcurrentStreams: grpc.max_concurrent_streams,
      maxMessageBytes: Math.floor(grpc.max_recv_msg_size_mib * 1024 * 1024),
    };
    const tls = grpc.tls && serverTlsOf(grpc.tls);
    for (const [endpoint, name] of endpointsOf(grpc)) {
      const option = `extensions.${this.id}.grpc.${name}`;
      this.#context.listeners
        .grpc({ ...endpoint, tls }, option, limits)
        .service(samplingManager, implementation);
    }
  }

  #servingDeps(): ServingDeps {
    const { clock, log, instruments } = this.#context;
    const { provider, pollers } = this.#parts;
    return { lookup: lookupIn(provider), replies: this.#replies, pollers, clock, log, instruments };
  }

  #authenticator(
    auth: { readonly authenticator: string } | undefined,
    block: 'http' | 'grpc',
  ): Authenticator | undefined {
    if (auth === undefined) return undefined;
    const { authenticator: name } = auth;
    const peer = this.#context.peer(`extension:${name}`) as AuthenticatorPeer | undefined;
    if (peer?.serverAuthenticator !== undefined) return peer.serverAuthenticator;
    const option = `extensions.${this.id}.${block}.auth.authenticator`;
    throw new SpanweirError(
      'START',
      `${option}: found "${name}", expected an extension that lets clients in, listed in service.extensions`,
    );
  }

  #unauthenticated(transport: 'http' | 'grpc') {
    const labels = { listener: this.id, transport };
    return this.#context.instruments.counter('spanweir_unauthenticated_total', labels);
  }
}

function lookupIn(provider: StrategyProvider): StrategyLookup {
  const { strategyOf } = provider;
  if (strategyOf === undefined) return snapshotLookup(provider);
  return ([service = '']) => {
    const strategy = strategyOf(service);
    if (!(strategy instanceof Promise)) return { service, strategy };
    return strategy.then((late) => ({ service, strategy: late }));
  };
}

function snapshotLookup(provider: StrategyProvider): SnapshotLookup {
  return (services) => {
    const { snapshot } = provider;
    for (const service of services) {
      const strategy = snapshot.services.get(service);
      if (strategy !== undefined) return { service, strategy };
    }
    return { service: services[0] ?? '', strategy: snapshot.fallback };
  };
}

function endpointsOf(block: {
  readonly endpoint: Endpoint;
  readonly extra_endpoints: readonly Endpoint[];
}): readonly (readonly [Endpoint, string])[] {
  return [
    [block.endpoint, 'endpoint'],
    ...block.extra_endpoints.map((each, i) => [each, `extra_endpoints[${i}]`] as const),
  ];
}
