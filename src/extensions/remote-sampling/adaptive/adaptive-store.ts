import { SpanweirError } from '../../../base/errors.ts';
import type { MainContext } from '../../../flow/host.ts';
import type { ThroughputRows } from '../../../sampling/roots/throughput-rows.ts';
import { MemorySamplingStore } from '../../../sampling/store/memory-store.ts';
import type { SamplingStore } from '../../../sampling/store/store.ts';
import { type AdaptiveConfig, roundTimes } from './adaptive-config.ts';

/** Windows that a clock ahead of ours may be ahead. */
const FUTURE_MS = 300_000;
const MAX_OPERATIONS_PER_WINDOW = 100_000;
/** What a log may be behind, and still be taken in by the store in memory. */
const LEAST_KEPT_MS = 1_800_000;

/** Where throughput and decisions rest; `take` is given what lanes post. */
export interface AdaptiveStore {
  readonly store: SamplingStore;
  readonly take: (message: unknown) => void;
}

export function openStore(config: AdaptiveConfig, context: MainContext): AdaptiveStore {
  const { sampling_store: name } = config;
  if (name === 'memory') return memoryStore(config, context);
  const exporter = context.peer(`exporter:${name}`) as { readonly samplingStore?: SamplingStore } | undefined;
  if (exporter?.samplingStore === undefined) {
    throw new SpanweirError('CONFIG', `storage '${name}' does not support sampling store`);
  }
  return { store: exporter.samplingStore, take: () => {} };
}

function memoryStore(config: AdaptiveConfig, { instruments, clock }: MainContext): AdaptiveStore {
  const { intervalMs, delayMs } = roundTimes(config);
  const keptMs = Math.max(LEAST_KEPT_MS, delayMs + intervalMs * (config.aggregation_buckets + 2));
  const store = new MemorySamplingStore({
    windowMs: config.window,
    windows: Math.ceil(keptMs / config.window) + 1,
    futureWindows: Math.ceil(FUTURE_MS / config.window),
    maxOperations: MAX_OPERATIONS_PER_WINDOW,
  });
  const refused = (reason: string) => instruments.counter('spanweir_sampling_refused_rows_total', { reason });
  const counters = { late: refused('late'), future: refused('future'), full: refused('full') };
  return {
    store,
    take: (message) => {
      const { kind, rows } = message as { readonly kind?: string; readonly rows?: ThroughputRows };
      if (kind !== 'throughput' || rows === undefined) return;
      store.add(rows, clock.wallMs(), (reason) => counters[reason].add(1));
    },
  };
}
