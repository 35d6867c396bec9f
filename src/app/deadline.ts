import { setMaxListeners } from 'node:events';
import type { Deadline } from '../base/component.ts';

/** A deadline `ms` from now. `clear` must be called when it is no longer needed. */
export function deadlineIn(ms: number): Deadline & { clear(): void } {
  const abort = new AbortController();
  // Everything that stops listens to it.
  setMaxListeners(0, abort.signal);
  const endsAtMs = performance.now() + ms;
  const timer = setTimeout(() => abort.abort(), ms);
  return {
    signal: abort.signal,
    remainingMs: () => Math.max(0, endsAtMs - performance.now()),
    clear: () => clearTimeout(timer),
  };
}

/** The first `share` of what is left of a deadline: for the part of a stop that may take long. */
export function shareOf(deadline: Deadline, share: number): Deadline & { clear(): void } {
  return deadlineIn(deadline.remainingMs() * share);
}
