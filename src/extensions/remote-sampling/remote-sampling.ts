import type { Component, Deadline } from '../../base/component.ts';
import type { Endpoint } from '../../base/schema.ts';
import type { HttpHandler, MainContext, ServerTls } from '../../flow/host.ts';
import { replyJson } from '../../http/replies.ts';
import type { StandingDecision } from '../../sampling/adaptive-control.ts';
import type { StrategySnapshot } from '../../sampling/snapshot.ts';
import { AdaptiveProvider } from './adaptive-provider.ts';
import type { RemoteSamplingConfig } from './config.ts';
import { Polls, type ServicePolls } from './polls.ts';
import { Replies } from './replies.ts';
import { createSamplingManager, samplingManager } from './sampling-grpc.ts';
import { createHttpHandler, type ServingDeps } from './sampling-http.ts';
import type { StrategyProvider } from './strategy-provider.ts';

/** Where SDKs ask; the last is what the JS SDK makes of the address in its own README. */
const PATHS = ['/', '/sampling', '/api/sampling', '/api/sampling/sampling'];

/** The extension as other components see it (`MainContext.peer`). */
export class RemoteSampling implements Component {
  readonly id: string;
  readonly #config: RemoteSamplingConfig;
  readonly #context: MainContext;
  readonly #provider: StrategyProvider;
  readonly #polls = new Polls();

  constructor(config: RemoteSamplingConfig, context: MainContext, provider: StrategyProvider) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#provider = provider;
  }

  /** What stands for each operation and why; [] when strategies come from a file. */
  decisions(): readonly StandingDecision[] {
    return this.#provider instanceof AdaptiveProvider ? this.#provider.decisions() : [];
  }

  /** What is served now. */
  snapshot(): StrategySnapshot {
    return this.#provider.snapshot;
  }

  /** Who has polled, the last first. */
  polls(): readonly ServicePolls[] {
    return this.#polls.list();
  }

  async start(): Promise<void> {
    await this.#provider.start();
    const deps = this.#servingDeps();
    const { http, grpc } = this.#config;
    if (http !== undefined) {
      const handler = createHttpHandler(deps);
      const option = `extensions.${this.id}.http.endpoint`;
      this.#serveHttp(http.endpoint, http.tls, option, handler, true);
      http.extra_endpoints.forEach((endpoint, i) => {
        const extra = `extensions.${this.id}.http.extra_endpoints[${i}]`;
        this.#serveHttp(endpoint, http.tls, extra, handler, false);
      });
    }
    if (grpc !== undefined) {
      const implementation = createSamplingManager(deps);
      const endpoints = [grpc.endpoint, ...grpc.extra_endpoints];
      endpoints.forEach((endpoint, i) => {
        const name = i === 0 ? 'endpoint' : `extra_endpoints[${i - 1}]`;
        this.#context.listeners
          .grpc(address(endpoint, grpc.tls), `extensions.${this.id}.grpc.${name}`)
          .service(samplingManager, implementation);
      });
    }
  }

  async stop(deadline: Deadline): Promise<void> {
    await this.#provider.stop(deadline);
  }

  #servingDeps(): ServingDeps {
    const { clock, log, instruments } = this.#context;
    const { reply, adaptive, file } = this.#config;
    const fallback = file?.default_sampling_probability ?? adaptive?.initial_sampling_probability ?? 0;
    return {
      lookup: (services) => {
        const { snapshot } = this.#provider;
        for (const service of services) {
          const strategy = snapshot.services.get(service);
          if (strategy !== undefined) return { service, strategy };
        }
        return { service: services[0] ?? '', strategy: snapshot.fallback };
      },
      replies: new Replies(reply, fallback),
      polls: this.#polls,
      clock,
      log,
      instruments,
    };
  }

  #serveHttp(
    endpoint: Endpoint,
    tls: ConfiguredTls | undefined,
    option: string,
    handler: HttpHandler,
    everyPath: boolean,
  ): void {
    const routes = this.#context.listeners.http(address(endpoint, tls), option);
    for (const path of PATHS) routes.route(path, handler);
    if (everyPath) routes.route('*', handler);
    // Clients of Jaeger's agent ask for baggage limits too, and want a list.
    if (this.#config.reply !== 'jaeger') {
      routes.route('/baggageRestrictions', (_request, response) => replyJson(response, 200, []));
    }
  }
}

type ConfiguredTls = NonNullable<NonNullable<RemoteSamplingConfig['http']>['tls']>;

function address(endpoint: Endpoint, tls: ConfiguredTls | undefined) {
  return { host: endpoint.host, port: endpoint.port, tls: tls === undefined ? undefined : serverTlsOf(tls) };
}

function serverTlsOf({
  cert_file: certFile,
  key_file: keyFile,
  client_ca_file: clientCaFile,
}: ConfiguredTls): ServerTls {
  return { certFile, keyFile, clientCaFile };
}
