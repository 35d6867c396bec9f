import type { ComponentContext } from '../../../base/component.ts';
import { toError } from '../../../base/errors.ts';
import { jittered } from '../../../sampling/jitter.ts';
import type { SamplingStore } from '../../../sampling/store/store.ts';
import {
  PollerReports,
  type PollersByService,
  REPORT_EVERY_MS,
  REPORT_HOLDS_MS,
  reportsOf,
} from '../ha/poller-reports.ts';

export interface StoredPollersDeps {
  readonly store: Pick<SamplingStore, 'reportPollers' | 'pollers'>;
  /** Tells this process from the others. */
  readonly self: string;
  /** Who polls here. */
  readonly own: (nowMs: number) => PollersByService;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log'>;
}

/** Processes tell each other through the store who polls them, so that all count the same instances. */
export class StoredPollers {
  readonly #deps: StoredPollersDeps;
  readonly #stopping = new AbortController();

  constructor(deps: StoredPollersDeps) {
    this.#deps = deps;
  }

  /** Own pollers, and those that the other processes have told of within half a minute. */
  async merged(nowMs: number): Promise<PollersByService> {
    const { store, self, own } = this.#deps;
    const reports = new PollerReports(self);
    for (const all of await store.pollers(nowMs, REPORT_HOLDS_MS)) {
      for (const each of JSON.parse(all) as readonly string[]) reports.take(Buffer.from(each), nowMs);
    }
    return reports.merged(own(nowMs), nowMs);
  }

  start(): void {
    void this.#tell();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #tell(): Promise<void> {
    const { store, self, own, context } = this.#deps;
    const { clock, random, log } = context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const nowMs = clock.wallMs();
      const pollers = own(nowMs);
      try {
        if (pollers.size > 0)
          await store.reportPollers(JSON.stringify(reportsOf(self, pollers)), self, nowMs);
      } catch (error) {
        log.debug({ err: toError(error) }, 'could not tell who polls here');
      }
      await clock.sleep(jittered(REPORT_EVERY_MS, random), signal);
    }
  }
}
