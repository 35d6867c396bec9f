import type { IncomingMessage, ServerResponse } from 'node:http';
import { assert } from '../../base/assert.ts';
import type { Component } from '../../base/component.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { HttpHandler, ListenAddress, MainContext } from '../../flow/host.ts';
import { allowMethods, replyJson, replyText } from '../../http/replies.ts';
import { HealthRegistry } from '../../telemetry/health.ts';
import { type HealthcheckConfig, healthcheckConfig } from './config.ts';
import { areHealthy, groupStatus, processStatus, type View } from './status-body.ts';

export const healthcheckExtension: ExtensionType<HealthcheckConfig> = {
  kind: 'extension',
  type: 'healthcheckv2',
  aliases: ['health_check'],
  description: 'Answers whether the process and each of its components are well.',
  config: healthcheckConfig,
  createMain: createHealthcheck,
};

function createHealthcheck(config: HealthcheckConfig, context: MainContext): Component {
  const { id, clock, health, listeners } = context;
  const registry = context.peer('spanweir.health');
  assert(registry instanceof HealthRegistry, 'the host offers its health registry as spanweir.health');
  const rules = config.component_health;

  /** This extension serves as soon as it is asked: its own state must not make the answer 503. */
  const view = (verbose: boolean): View => ({
    components: registry.components(),
    rules,
    nowMs: clock.wallMs(),
    verbose,
  });

  const short: HttpHandler = (request, response) => {
    if (!allowMethods(request, response, ['GET'])) return;
    const { components, nowMs } = view(false);
    const healthy = areHealthy(components, rules, nowMs);
    answerShort(config, response, healthy, registry.startedMs, nowMs);
  };

  const status = (request: IncomingMessage, response: ServerResponse, url: URL): void => {
    if (!allowMethods(request, response, ['GET'])) return;
    const verbose = url.searchParams.has('verbose') && url.searchParams.get('verbose') !== 'false';
    const seen = view(verbose);
    const pipeline = url.searchParams.get('pipeline');
    if (pipeline !== null && !seen.components.some(({ groups }) => groups.includes(pipeline))) {
      replyText(response, 404, `there is no pipeline "${pipeline}"\n`);
      return;
    }
    const body = pipeline === null ? processStatus(seen, registry.startedMs) : groupStatus(seen, pipeline);
    replyJson(response, body.healthy ? 200 : 503, body);
  };

  return {
    id,
    start: async () => {
      const option = config.endpoint === undefined ? 'http.endpoint' : 'endpoint';
      const routes = listeners.http(addressOf(config), `extensions.${id}.${option}`);
      const shortPath = config.path ?? '/';
      routes.route(shortPath, short);
      const { enabled, path } = config.http.status;
      if (enabled && path !== shortPath) routes.route(path, status);
      health.report('ok');
    },
    stop: async () => health.report('stopped'),
  };
}

function addressOf(config: HealthcheckConfig): ListenAddress {
  const address = config.endpoint ?? config.http.endpoint;
  const tls = config.tls ?? config.http.tls;
  if (tls === undefined) return address;
  return {
    ...address,
    tls: serverTlsOf(tls),
  };
}

/** What the older health_check answers: one glance, for load balancers and orchestrators. */
function answerShort(
  config: HealthcheckConfig,
  response: ServerResponse,
  healthy: boolean,
  startedMs: number,
  nowMs: number,
): void {
  const code = healthy ? 200 : 503;
  const body = config.response_body;
  if (body !== undefined) {
    replyText(response, code, healthy ? body.healthy : body.unhealthy);
    return;
  }
  const text = healthy ? 'Server available' : 'Server not available';
  replyJson(response, code, {
    status: text,
    upSince: new Date(startedMs).toISOString(),
    uptime: `${((nowMs - startedMs) / 1000).toFixed(3)}s`,
  });
}
