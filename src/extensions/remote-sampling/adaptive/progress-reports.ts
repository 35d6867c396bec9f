import type { ComponentContext } from '../../../base/component.ts';
import { toError } from '../../../base/errors.ts';
import type { LaneProgress } from '../../../flow/lane-progress.ts';
import type { SourceProgress } from '../../../sampling/store/progress.ts';
import type { SamplingStore } from '../../../sampling/store/store.ts';

/** Behind a lane's word on its requests, a moment in which one may be on its way to it. */
const REQUESTS_SLACK_MS = 1000;
const EVERY_MS = 3000;

export interface ProgressReportsDeps {
  readonly store: Pick<SamplingStore, 'reportProgress'>;
  /** Names this process in what it says of requests. */
  readonly reportedBy: string;
  readonly context: Pick<ComponentContext, 'clock' | 'log' | 'instruments'>;
}

/** Gathers what the lanes say of their partitions and requests, and has the store keep it for whoever decides. */
export class ProgressReports {
  readonly #deps: ProgressReportsDeps;
  readonly #stopping = new AbortController();
  readonly #partitions = new Map<string, SourceProgress>();
  /** By lane's life. */
  readonly #requests = new Map<number, SourceProgress>();
  #hasFailed = false;

  constructor(deps: ProgressReportsDeps) {
    this.#deps = deps;
  }

  /** What a lane posted. */
  take(life: number, message: unknown): void {
    const { kind, progress } = message as { readonly kind?: string; readonly progress?: LaneProgress };
    if (kind !== 'progress' || progress === undefined) return;
    const atMs = this.#deps.context.clock.wallMs();
    for (const { source, partition, completeUntilMs } of progress.partitions) {
      const key = `${source}:${partition}`;
      this.#partitions.set(key, { source, partition, kind: 'log', completeUntilMs, atMs });
    }
    if (progress.requestsUntilMs === undefined) return;
    const completeUntilMs = progress.requestsUntilMs - REQUESTS_SLACK_MS;
    const { reportedBy: source } = this.#deps;
    this.#requests.set(life, { source, partition: 0, kind: 'requests', completeUntilMs, atMs });
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps.context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#report();
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #report(): Promise<void> {
    const { store, reportedBy, context } = this.#deps;
    const progress = this.#news(context.clock.wallMs());
    if (progress.length === 0) return;
    try {
      await store.reportProgress(progress, reportedBy);
      this.#hasFailed = false;
    } catch (error) {
      context.instruments.counter('spanweir_sampling_store_errors_total', { action: 'progress' }).add(1);
      // Whoever decides can't read either, and says so.
      if (!this.#hasFailed) context.log.info({ err: toError(error) }, 'could not tell how far the spans are');
      this.#hasFailed = true;
    }
  }

  /** Each partition once, when something was said of it since; all lanes' requests in one. */
  #news(nowMs: number): readonly SourceProgress[] {
    const news = [...this.#partitions.values()];
    this.#partitions.clear();
    let least: SourceProgress | undefined;
    for (const [life, each] of this.#requests) {
      // A lane that died has no requests in hand any more: they were refused.
      if (nowMs - each.atMs > 10 * EVERY_MS) this.#requests.delete(life);
      else if (least === undefined || each.completeUntilMs < least.completeUntilMs) least = each;
    }
    return least === undefined ? news : [...news, { ...least, atMs: nowMs }];
  }
}
