import type { Component } from '../../base/component.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { HttpHandler, MainContext } from '../../flow/host.ts';
import { type OverviewPageConfig, overviewPageConfig } from './config.ts';
import { SLOT_MS } from './operation-window.ts';
import { servePage } from './page.ts';
import { slotAt } from './traffic.ts';
import { Views } from './views.ts';

export const overviewPageExtension: ExtensionType<OverviewPageConfig> = {
  kind: 'extension',
  type: 'overview_page',
  description: 'A page that shows rate, errors, durations and sampling of every operation as they are now.',
  config: overviewPageConfig,
  readsHistograms: true,
  createMain: createOverviewPage,
};

/** How often the main thread's lateness is looked at. */
const PULSE_MS = 100;

function createOverviewPage(config: OverviewPageConfig, context: MainContext): Component {
  const { id, clock, listeners, health } = context;
  const stopped = new AbortController();
  const views = new Views(config, context);

  for (const connector of connectorsToShow(config, context)) {
    context.onRed(connector, (lane, delta, keys) => {
      views.traffic.add(connector, lane, delta, keys, slotAt(clock.monotonicMs()));
      return undefined;
    });
  }

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
      servePage(routes, views, () => clock.monotonicMs());
      for (const [path, handler] of apiOf(context.peer(`extension:${config.sampling}`))) {
        routes.route(path, handler);
      }
      void every(SLOT_MS, () => views.tick());
      void every(PULSE_MS, (lateMs) => views.latencies.late(lateMs));
      health.report('ok');
    },
    stop: async () => {
      stopped.abort();
      health.report('stopped');
    },
  };

  async function every(ms: number, work: (lateMs: number) => void): Promise<void> {
    let dueMs = clock.monotonicMs();
    while (!stopped.signal.aborted) {
      work(Math.max(0, clock.monotonicMs() - dueMs));
      dueMs = clock.monotonicMs() + ms;
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
