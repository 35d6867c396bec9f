import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ComponentContext } from '../../../base/component.ts';
import type { PollerRegistry } from '../../../sampling/pollers/pollers.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import type { Replies } from './replies.ts';

export interface UpkeepDeps {
  readonly provider: StrategyProvider;
  readonly pollers: PollerRegistry;
  readonly replies: Replies;
  readonly context: Pick<ComponentContext, 'clock' | 'instruments'>;
}

const EVERY_MS = 1000;
/** Between two looks at what waits for an answer. */
const SLICE_MS = 2;

/** What is done beside the polls: new strategies are encoded before anybody asks, and gauges are set. */
export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #stopping = new AbortController();
  readonly #gauges: ReturnType<typeof gaugesOf>;
  #prepared: StrategySnapshot | undefined;
  #evictedServices = 0;
  #evictedPollers = 0;

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
    this.#gauges = gaugesOf(deps.context.instruments);
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#prepare(signal);
      this.#count();
      await this.#deps.context.clock.sleep(EVERY_MS, signal);
    }
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { provider, pollers, replies, context } = this.#deps;
    const snapshot = snapshotOf(provider);
    if (snapshot === undefined || snapshot === this.#prepared) return;
    let untilMs = context.clock.monotonicMs() + SLICE_MS;
    for (const _step of replies.prepare(snapshot, (service) => pollers.knows(service))) {
      if (context.clock.monotonicMs() < untilMs) continue;
      await nextTurn();
      if (signal.aborted || snapshotOf(provider) !== snapshot) return;
      untilMs = context.clock.monotonicMs() + SLICE_MS;
    }
    this.#prepared = snapshot;
  }

  #count(): void {
    const { pollers } = this.#deps;
    this.#gauges.pollers.set(pollers.pollers);
    this.#gauges.services.set(pollers.services);
    this.#gauges.evictedServices.add(pollers.evictedServices - this.#evictedServices);
    this.#gauges.evictedPollers.add(pollers.evictedPollers - this.#evictedPollers);
    this.#evictedServices = pollers.evictedServices;
    this.#evictedPollers = pollers.evictedPollers;
  }
}

/** undefined while it has none, which whoever polls is told. */
function snapshotOf(provider: StrategyProvider): StrategySnapshot | undefined {
  try {
    return provider.snapshot;
  } catch {
    return undefined;
  }
}

function gaugesOf(instruments: ComponentContext['instruments']) {
  const evicted = (what: string) => instruments.counter('spanweir_sampling_evicted_pollers_total', { what });
  return {
    pollers: instruments.gauge('spanweir_sampling_pollers'),
    services: instruments.gauge('spanweir_sampling_polled_services'),
    evictedServices: evicted('services'),
    evictedPollers: evicted('pollers'),
  };
}
