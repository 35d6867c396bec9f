import { globMatcher } from './glob.ts';
import type { Override } from './options.ts';

interface Entry {
  readonly override: Override;
  readonly service: (name: string) => boolean;
  readonly operation: (name: string) => boolean;
}

/** People's decisions, looked up by service and operation; the first that matches and is in time holds. */
export class OverrideList {
  readonly #entries: readonly Entry[];
  /** Those that match the service that was last asked for: its operations come one after the other. */
  #last: { readonly service: string; readonly entries: readonly Entry[] } | undefined;

  constructor(overrides: readonly Override[]) {
    this.#entries = overrides.map((override) => ({
      override,
      service: globMatcher(override.service),
      operation: globMatcher(override.operation),
    }));
  }

  find(service: string, operation: string, nowMs: number): Override | undefined {
    return this.#of(service).find(
      (entry) => (entry.override.untilMs ?? Number.POSITIVE_INFINITY) > nowMs && entry.operation(operation),
    )?.override;
  }

  /** Operations that overrides name in full, so that what is decided holds from their first root on. */
  namedOperations(service: string): readonly string[] {
    return this.#of(service)
      .filter(({ override }) => !/[*?]/.test(override.operation))
      .map(({ override }) => override.operation);
  }

  /** The next moment after `nowMs` at which one ends; Infinity when none does. */
  nextEndMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { override } of this.#entries) {
      const until = override.untilMs ?? Number.POSITIVE_INFINITY;
      if (until > nowMs) next = Math.min(next, until);
    }
    return next;
  }

  #of(service: string): readonly Entry[] {
    if (this.#last?.service !== service) {
      this.#last = { service, entries: this.#entries.filter((entry) => entry.service(service)) };
    }
    return this.#last.entries;
  }
}

/** Whether people have fixed the probability: it is no matter of traffic then. */
export function isPinned(override: Override | undefined): boolean {
  return override?.never === true || override?.fixedProbability !== undefined;
}
