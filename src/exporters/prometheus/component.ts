import type { ExporterType } from '../../flow/component-type.ts';
import { type PrometheusConfig, prometheusConfig } from './config.ts';
import { PrometheusExporter } from './exporter.ts';

/** A block is in the series at once; larger blocks only mean fewer messages to the main thread. */
const BLOCK_WISH = { spans: 20_000, lingerMs: 200 };

export const prometheusExporter: ExporterType<PrometheusConfig> = {
  kind: 'exporter',
  type: 'prometheus',
  description: 'RED metrics for Prometheus to scrape, as the collector names them.',
  signals: ['metrics'],
  config: prometheusConfig,
  createMain: (config, context) => new PrometheusExporter(config, context),
  createLane: (_config, { id }) => ({
    id,
    durable: false,
    effectOnce: false,
    blockWish: BLOCK_WISH,
    start: async () => {},
    stop: async () => {},
    // The lane itself tells the main thread of committed blocks.
    write: async () => {},
  }),
};
