import type { LoadedConfig, LoadedPipeline } from '../../src/config/loaded-config.ts';

type Parts = Partial<
  Pick<LoadedConfig, 'receivers' | 'exporters' | 'connectors' | 'extensions' | 'processors'>
>;

/** A configuration of these pipelines and components, with one worker. */
export function loaded(pipelines: readonly LoadedPipeline[], parts: Parts): LoadedConfig {
  return {
    receivers: {},
    processors: {},
    connectors: {},
    exporters: {},
    extensions: {},
    warnings: [],
    ...parts,
    service: {
      extensions: Object.keys(parts.extensions ?? {}),
      pipelines,
      telemetry: {
        metrics: { level: 'none', host: 'localhost', port: 8888, option: 'address' },
        logs: { level: 'error', encoding: 'json' },
      },
      spanweir: {
        workers: 1,
        block: { maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 1, maxInFlightBytes: 1 << 24 },
        timestamps: { maxPastMs: 1e12, maxFutureMs: 1e12 },
        weights: { attribute: '', samplerTags: true, weightMax: 1e6 },
        shutdownTimeoutMs: 5000,
        watchdogMs: 30_000,
        workerHeapBytes: 1 << 30,
      },
    },
  };
}

export const part = (type: string, config: unknown = {}) => ({ type, config });
