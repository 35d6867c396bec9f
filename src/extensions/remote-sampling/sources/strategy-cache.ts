import type { Clock } from '../../../base/clock.ts';
import { SpanweirError } from '../../../base/errors.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';

export interface StrategyCacheOptions {
  /** How long an answer is used; 0 = one answer for those who ask at the same time. */
  readonly freshMs: number;
  /** The service unused longest makes room. */
  readonly maxServices: number;
  /** Questions under way at a time. */
  readonly maxPending: number;
  readonly clock: Clock;
  /** Asks whoever knows. Ends by itself, one way or the other. */
  readonly fetch: (service: string) => Promise<Strategy>;
  /** `stale`: it failed, and an old answer is served; `refused`: too many at a time. */
  readonly told: (outcome: 'ok' | 'failed' | 'stale' | 'refused') => void;
}

interface Entry {
  strategy: Strategy | undefined;
  fetchedAtMs: number;
  /** Until then a failure is not repeated. */
  retryAtMs: number;
  error: unknown;
  pending: Promise<Strategy> | undefined;
}

/** After a failure those who ask are answered at once, as the last time, before it is tried again. */
const RETRY_MS = 1000;

/** Strategies of somebody else: each service is asked for once at a time, and an old answer is better than none. */
export class StrategyCache {
  readonly #options: StrategyCacheOptions;
  readonly #entries = new Map<string, Entry>();
  #pending = 0;

  constructor(options: StrategyCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The strategy at once when it is fresh. Rejects, or throws, when there has never been one. */
  of(service: string): Strategy | Promise<Strategy> {
    const { freshMs, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const entry = this.#used(service);
    if (entry.pending !== undefined) return entry.pending;
    const isFresh = nowMs - entry.fetchedAtMs < freshMs;
    if (entry.strategy !== undefined && (isFresh || nowMs < entry.retryAtMs)) return entry.strategy;
    if (nowMs < entry.retryAtMs) throw entry.error;
    return this.#refresh(service, entry);
  }

  #refresh(service: string, entry: Entry): Strategy | Promise<Strategy> {
    const { fetch, told, maxPending, clock } = this.#options;
    if (this.#pending >= maxPending) {
      told('refused');
      if (entry.strategy !== undefined) return entry.strategy;
      throw new SpanweirError('OVER_LIMIT', 'too many services are being asked for', { retry: 'backoff' });
    }
    this.#pending += 1;
    const pending = fetch(service).then(
      (strategy) => {
        entry.strategy = strategy;
        entry.fetchedAtMs = clock.monotonicMs();
        entry.retryAtMs = 0;
        told('ok');
        return strategy;
      },
      (error: unknown) => {
        entry.retryAtMs = clock.monotonicMs() + RETRY_MS;
        entry.error = error;
        told(entry.strategy === undefined ? 'failed' : 'stale');
        if (entry.strategy !== undefined) return entry.strategy;
        throw error;
      },
    );
    entry.pending = pending.finally(() => {
      entry.pending = undefined;
      this.#pending -= 1;
    });
    return entry.pending;
  }

  /** The entry of a service, now the last to make room. */
  #used(service: string): Entry {
    const known = this.#entries.get(service);
    if (known !== undefined) {
      this.#entries.delete(service);
      this.#entries.set(service, known);
      return known;
    }
    if (this.#entries.size >= this.#options.maxServices) {
      const [longestUnused] = this.#entries.keys();
      if (longestUnused !== undefined) this.#entries.delete(longestUnused);
    }
    const entry: Entry = {
      strategy: undefined,
      fetchedAtMs: Number.NEGATIVE_INFINITY,
      retryAtMs: 0,
      error: undefined,
      pending: undefined,
    };
    this.#entries.set(service, entry);
    return entry;
  }
}
