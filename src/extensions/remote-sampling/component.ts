import { hostname } from 'node:os';
import { SpanweirError } from '../../base/errors.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { MainContext } from '../../flow/host.ts';
import { MemorySamplingStore } from '../../sampling/memory-store.ts';
import type { AdaptiveOptions } from '../../sampling/options.ts';
import { PollerRegistry } from '../../sampling/pollers.ts';
import type { SamplingStore } from '../../sampling/store.ts';
import type { ThroughputRows } from '../../sampling/throughput-rows.ts';
import { AdaptiveProvider } from './adaptive-provider.ts';
import { combineWithFile } from './combined-provider.ts';
import { type AdaptiveConfig, type RemoteSamplingConfig, remoteSamplingConfig } from './config.ts';
import { createFileProvider } from './file-provider.ts';
import { RemoteSampling, type RemoteSamplingParts } from './remote-sampling.ts';
import { createSourceProvider } from './source-provider.ts';
import type { StrategyProvider } from './strategy-provider.ts';

/** Windows that a clock ahead of ours may be ahead. */
const FUTURE_MS = 300_000;
const MAX_OPERATIONS_PER_WINDOW = 100_000;

export const remoteSamplingExtension: ExtensionType<RemoteSamplingConfig> = {
  kind: 'extension',
  type: 'remote_sampling',
  description: 'Tells SDKs what to sample: adaptively, or from a file; over HTTP and gRPC.',
  config: remoteSamplingConfig,
  createMain: (config, context) => {
    const pollers = new PollerRegistry();
    return new RemoteSampling(config, context, { pollers, ...createProvider(config, context) });
  },
};

function createProvider(
  config: RemoteSamplingConfig,
  context: MainContext,
): Pick<RemoteSamplingParts, 'provider' | 'decisions'> {
  const { adaptive: adaptiveConfig, file, source, max_operations: maxOperations } = config;
  const alone = (provider: StrategyProvider) => ({ provider, decisions: () => [] });
  if (adaptiveConfig !== undefined) {
    const adaptive = createAdaptive(adaptiveConfig, config.reply, context);
    const decisions = () => adaptive.decisions();
    if (file === undefined) return { provider: adaptive, decisions };
    return { provider: combineWithFile(adaptive, file, maxOperations, context), decisions };
  }
  if (file !== undefined) return alone(createFileProvider(file, context));
  if (source !== undefined) return alone(createSourceProvider(source, context));
  throw new SpanweirError(
    'CONFIG',
    "no sampling strategy provider specified, expecting 'adaptive' or 'file'",
  );
}

function createAdaptive(
  config: AdaptiveConfig,
  reply: RemoteSamplingConfig['reply'],
  context: MainContext,
): AdaptiveProvider {
  return new AdaptiveProvider({
    options: adaptiveOptions(config),
    windowMs: config.window,
    store: samplingStore(config, context),
    decidedBy: `${hostname()}/${process.pid}`,
    listRetired: reply === 'compatible',
    context,
  });
}

function samplingStore(config: AdaptiveConfig, context: MainContext): SamplingStore {
  const { sampling_store: name } = config;
  if (name !== 'memory') {
    const store = (context.peer(`exporter:${name}`) as { readonly samplingStore?: SamplingStore } | undefined)
      ?.samplingStore;
    if (store !== undefined) return store;
    throw new SpanweirError('CONFIG', `storage '${name}' does not support sampling store`);
  }
  const keptMs = config.calculation_delay + config.calculation_interval * (config.aggregation_buckets + 2);
  const store = new MemorySamplingStore({
    windowMs: config.window,
    windows: Math.ceil(keptMs / config.window) + 1,
    futureWindows: Math.ceil(FUTURE_MS / config.window),
    maxOperations: MAX_OPERATIONS_PER_WINDOW,
  });
  const refused = (reason: string) =>
    context.instruments.counter('spanweir_sampling_refused_rows_total', { reason });
  const counters = { late: refused('late'), future: refused('future'), full: refused('full') };
  context.onLaneMessage((_lane, message) => {
    const { kind, rows } = message as { readonly kind?: string; readonly rows?: ThroughputRows };
    if (kind !== 'throughput' || rows === undefined) return;
    store.add(rows, context.clock.wallMs(), (reason) => counters[reason].add(1));
  });
  return store;
}

export function adaptiveOptions(config: AdaptiveConfig): AdaptiveOptions {
  return {
    targetSamplesPerSecond: config.target_samples_per_second,
    deltaTolerance: config.delta_tolerance,
    calculationIntervalMs: config.calculation_interval,
    aggregationBuckets: config.aggregation_buckets,
    calculationBuckets: config.calculation_buckets,
    calculationDelayMs: config.calculation_delay,
    initialSamplingProbability: config.initial_sampling_probability,
    minSamplingProbability: config.min_sampling_probability,
    minSamplesPerSecond: config.min_samples_per_second,
  };
}
