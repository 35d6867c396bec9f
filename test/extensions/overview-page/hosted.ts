import { overviewPageExtension } from '../../../src/extensions/overview-page/component.ts';
import type { DecidedOperation } from '../../../src/sampling/store/store.ts';
import { fakeMain, within } from '../../http/fakes.ts';
import { deltaOf, type ScriptedSeries } from './scripted.ts';

export interface HostedPage {
  readonly url: string;
  /** Traffic, as a lane would report it. */
  add(series: readonly ScriptedSeries[]): void;
  /** What the sampling extension says from now on. */
  decisions: readonly DecidedOperation[];
  health: { key: string; status: string; reason: string }[];
  close(): Promise<void>;
}

/** The page on a free port, over a scripted engine. */
export async function hostPage(): Promise<HostedPage> {
  const hosted = { decisions: [] as readonly DecidedOperation[], health: [] as HostedPage['health'] };
  const main = fakeMain({
    id: 'overview_page',
    peers: {
      'spanweir.connectors': ['span_metrics'],
      'spanweir.health': { components: () => hosted.health },
      'spanweir.listeners': {
        addresses: () => [
          ...main.listeners.addresses(),
          {
            protocol: 'HTTP',
            address: 'localhost:4318',
            option: 'receivers.otlp.protocols.http.endpoint',
          },
        ],
      },
      'extension:remote_sampling': { decisions: () => hosted.decisions },
    },
  });
  const config = overviewPageExtension.config.parse({ endpoint: 'localhost:0' });
  const page = overviewPageExtension.createMain?.(config, main.context);
  await page?.start();
  await main.listeners.open();
  const port = main.listeners.addresses()[0]?.address.split(':')[1];
  let nextSeries = 0;
  return Object.assign(hosted, {
    url: `http://127.0.0.1:${port}`,
    add: (series: readonly ScriptedSeries[]) => {
      const { delta, keys } = deltaOf(series, nextSeries);
      nextSeries += series.length;
      void main.red.get('span_metrics')?.(0, delta, keys);
    },
    close: async () => {
      const deadline = within(300);
      await page?.stop(deadline);
      await main.listeners.close(deadline);
      deadline.end();
    },
  });
}
