import type { ExporterType } from '../../flow/component-type.ts';
import { createPassingSink } from '../../flow/passing-sink.ts';
import { type NopExporterConfig, nopExporterConfig } from './config.ts';

export const nopExporter: ExporterType<NopExporterConfig> = {
  kind: 'exporter',
  type: 'nop',
  description: 'Takes everything and keeps nothing.',
  signals: ['traces', 'metrics'],
  config: nopExporterConfig,
  createLane: (_config, context) => createPassingSink(context, () => {}),
};
