import { hostname } from 'node:os';
import type { MainContext } from '../../../flow/host.ts';
import type { Override } from '../../../sampling/adaptive/options.ts';
import type { PollerRegistry } from '../../../sampling/pollers/pollers.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { type AdaptiveConfig, roundTimes } from './adaptive-config.ts';
import type { AdaptiveDeps } from './adaptive-provider.ts';
import { openStore } from './adaptive-store.ts';
import { windowsByProgress, windowsByTheClock } from './complete-windows.ts';
import { countsCosts, createController } from './create-controller.ts';
import { ProgressReports } from './progress-reports.ts';
import { StoredPollers } from './stored-pollers.ts';
import { traceCosts } from './trace-costs.ts';

export interface AdaptiveSurroundings {
  readonly pollers: Pick<PollerRegistry, 'servicePollers'>;
  /** Operations in one reply. */
  readonly maxOperations: number;
  readonly listRetired: boolean;
  /** What a file decides now; see ControlRound. */
  readonly pins: () => readonly Override[] | undefined;
}

export interface Beside {
  start(): void;
  stop(): void;
}

export interface AdaptiveParts {
  /** What a controller in this process needs, wherever it publishes. */
  readonly deps: AdaptiveDeps;
  /** Goes on in every process, whether it decides or not. */
  readonly beside: readonly Beside[];
}

/** The provider, and what goes on beside it from its start to its end. */
export function accompanied(provider: StrategyProvider, beside: AdaptiveParts['beside']): StrategyProvider {
  return {
    get snapshot() {
      return provider.snapshot;
    },
    start: async () => {
      for (const each of beside) each.start();
      await provider.start();
    },
    stop: async (deadline) => {
      for (const each of beside) each.stop();
      await provider.stop(deadline);
    },
  };
}

/** All that an `adaptive` block comes to, apart from who decides and what is served. */
export function adaptiveParts(
  config: AdaptiveConfig,
  context: MainContext,
  around: AdaptiveSurroundings,
): AdaptiveParts {
  const self = `${hostname()}/${process.pid}`;
  const { store, take } = openStore(config, context);
  const reports = new ProgressReports({ store, reportedBy: self, context });
  context.onLaneMessage((life, message) => {
    take(message);
    reports.take(life, message);
  });
  const own = (nowMs: number) => around.pollers.servicePollers(nowMs);
  const stored = new StoredPollers({ store, self, own, context });
  const { intervalMs, delayMs } = roundTimes(config);
  const isJaeger = config.algorithm === 'jaeger';
  // Jaeger's algorithm does not ask who polls.
  const isAlone = isJaeger || config.sampling_store === 'memory';
  const deps: AdaptiveDeps = {
    createController: () =>
      createController(config, {
        maxOperations: around.maxOperations,
        listRetired: around.listRetired,
      }),
    pins: around.pins,
    algorithm: config.algorithm,
    mode: config.mode,
    windowMs: config.window,
    intervalMs,
    buckets: { count: config.aggregation_buckets, intervalMs },
    store,
    windows: isJaeger ? windowsByTheClock(delayMs) : windowsByProgress(delayMs, store, context),
    pollers: isAlone ? own : (nowMs) => stored.merged(nowMs),
    costs: countsCosts(config) ? traceCosts(store, context.clock) : undefined,
    decidedBy: self,
    context,
  };
  return { deps, beside: isAlone ? [reports] : [reports, stored] };
}
