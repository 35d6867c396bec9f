import type { Component } from '../../base/component.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { HttpHandler, MainContext } from '../../flow/host.ts';
import { type OverviewPageConfig, overviewPageConfig } from './config.ts';
import { DecisionHistory, isDecisionSource } from './decisions.ts';
import { engineStatus } from './engine-status.ts';
import { SLOT_MS } from './operation-window.ts';
import { createOverview, type OverviewQuery } from './overview.ts';
import { servePage } from './page.ts';
import { slotAt, Traffic } from './traffic.ts';

export const overviewPageExtension: ExtensionType<OverviewPageConfig> = {
  kind: 'extension',
  type: 'overview_page',
  description: 'A page that shows rate, errors, durations and sampling of every operation as they are now.',
  config: overviewPageConfig,
  readsHistograms: true,
  createMain: createOverviewPage,
};

function createOverviewPage(config: OverviewPageConfig, context: MainContext): Component {
  const { id, clock, listeners, health } = context;
  const traffic = new Traffic(config.max_operations);
  const decisions = new DecisionHistory();
  const stopped = new AbortController();
  const startedMs = clock.monotonicMs();
  const overview = createOverview(traffic, decisions, startedMs);

  for (const connector of connectorsToShow(config, context)) {
    context.onRed(connector, (lane, delta, keys) => {
      traffic.add(connector, lane, delta, keys, slotAt(clock.monotonicMs()));
    });
  }

  const samplingSource = () => {
    const peer = context.peer(`extension:${config.sampling}`);
    return isDecisionSource(peer) ? peer : undefined;
  };
  const tick = (): void => {
    const source = samplingSource();
    if (source !== undefined) decisions.tick(source);
    traffic.sweep(slotAt(clock.monotonicMs()));
  };
  const answer = (query: OverviewQuery): unknown => {
    const source = samplingSource();
    if (source !== undefined) decisions.refresh(source);
    return {
      nowMs: clock.wallMs(),
      uptimeMs: Math.round(clock.monotonicMs() - startedMs),
      sampling: { isServed: source !== undefined, operations: decisions.size },
      ...engineStatus(context),
      ...overview(query, clock.monotonicMs()),
    };
  };

  return {
    id,
    start: async () => {
      const { endpoint, tls } = config;
      const address =
        tls === undefined
          ? endpoint
          : {
              ...endpoint,
              tls: serverTlsOf(tls),
            };
      const routes = listeners.http(address, `extensions.${id}.endpoint`);
      servePage(routes, answer);
      for (const [path, handler] of apiOf(context.peer(`extension:${config.sampling}`))) {
        routes.route(path, handler);
      }
      void every(SLOT_MS, tick);
      health.report('ok');
    },
    stop: async () => {
      stopped.abort();
      health.report('stopped');
    },
  };

  async function every(ms: number, work: () => void): Promise<void> {
    while (!stopped.signal.aborted) {
      work();
      await clock.sleep(ms, stopped.signal);
    }
  }
}

/** What the sampling extension answers when it is asked why. */
function apiOf(peer: unknown): readonly (readonly [path: string, handler: HttpHandler])[] {
  const { api } = (peer ?? {}) as { readonly api?: () => ReturnType<typeof apiOf> };
  return typeof api === 'function' ? api.call(peer) : [];
}

function connectorsToShow(config: OverviewPageConfig, context: MainContext): readonly string[] {
  if (config.connectors.length > 0) return config.connectors;
  const all = context.peer('spanweir.connectors');
  return Array.isArray(all) ? all.filter((id) => typeof id === 'string') : [];
}
