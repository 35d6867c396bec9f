import type { ExporterType } from '../../flow/component-type.ts';
import type { BlockSink, LaneContext } from '../../flow/lane.ts';
import { type NopExporterConfig, nopExporterConfig } from './config.ts';

export const nopExporter: ExporterType<NopExporterConfig> = {
  kind: 'exporter',
  type: 'nop',
  description: 'Takes everything and keeps nothing.',
  signals: ['traces', 'metrics'],
  config: nopExporterConfig,
  createLane: (_config, context) => createNopSink(context),
};

function createNopSink({ id, health }: LaneContext): BlockSink {
  return {
    id,
    durable: false,
    blockWish: { spans: 0, lingerMs: 0 },
    start: async () => health.report('ok'),
    stop: async () => health.report('stopped'),
    write: async () => {},
  };
}
