import type { Clock } from '../../../base/clock.ts';
import { isRetryable, SpanweirError } from '../../../base/errors.ts';
import type { Counter, Instruments, Log } from '../../../base/instruments.ts';
import type { Poll } from '../../../sampling/pollers/poller.ts';
import type { PollerRegistry } from '../../../sampling/pollers/pollers.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import type { Replies } from './replies.ts';

/** What is served for the first of `services` that is known, else for everyone else. */
export type StrategyLookup = (services: readonly string[]) => FoundStrategy | Promise<FoundStrategy>;

/** The same of a source that knows at once. */
export type SnapshotLookup = (services: readonly string[]) => FoundStrategy;

export interface FoundStrategy {
  readonly service: string;
  readonly strategy: Strategy | null;
}

export interface ServingDeps {
  readonly lookup: StrategyLookup;
  readonly replies: Replies;
  readonly pollers: PollerRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
}

/** Notes each poll, and names a client that polls without a pause. */
export function createPollRecorder({
  pollers,
  log,
  instruments,
}: Pick<ServingDeps, 'pollers' | 'log' | 'instruments'>): (poll: Poll) => void {
  const tightLoops: Counter = instruments.counter('spanweir_sampling_tight_loops_total');
  return (poll) => {
    if (pollers.record(poll) === 'none') return;
    tightLoops.add(1);
    const { service, address, userAgent, transport } = poll;
    log.warn(
      { service, address, userAgent, transport },
      'a client polls for its strategy without a pause; the sampler of JavaScript does when it has no poolingInterval',
    );
  };
}

/** Nothing is known yet, or not now: clients keep what they have and ask again. */
export function isPassing(error: unknown): boolean {
  return isRetryable(error) || (error instanceof SpanweirError && error.code === 'UNAVAILABLE');
}

/** The client that the nearest proxy but one saw, as far as it is to be believed: it only tells clients apart. */
export function firstForwarded(forwarded: string | string[]): string {
  const text = typeof forwarded === 'string' ? forwarded : (forwarded[0] ?? '');
  const comma = text.indexOf(',');
  return (comma < 0 ? text : text.slice(0, comma)).trim();
}
