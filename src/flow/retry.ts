import type { Clock } from '../base/clock.ts';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Exponential backoff with full jitter in its upper half: never less than half the nominal wait. */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const nominal = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(attempt, 30));
  return nominal / 2 + (nominal / 2) * options.random();
}

/** Runs `attempt` until it succeeds, `isFinal` says that trying again can't help, or `signal` aborts. */
export async function retrying<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  options: BackoffOptions & {
    readonly isFinal: (error: unknown) => boolean;
    readonly onFailure?: (error: unknown, waitMs: number) => void;
  },
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || options.isFinal(error)) throw error;
      const waitMs = backoffMs(failures, options);
      options.onFailure?.(error, waitMs);
      await options.clock.sleep(waitMs, signal);
      if (signal.aborted) throw error;
    }
  }
}
