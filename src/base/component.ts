import type { Clock } from './clock.ts';
import type { HealthReporter, Instruments, Log } from './instruments.ts';

/**
 * One part of the running engine. `start` resolves when the part can do its work and rejects when it
 * can't (the program then stops). `stop` is idempotent, safe before `start`, and ends by the deadline.
 */
export interface Component {
  readonly id: string;
  start(): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
  /** When stopping: nothing more comes in and all of it is handed over, but the network is still there. */
  drained?(deadline: Deadline): Promise<void>;
}

/** Aborts when the time for an orderly end is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingMs(): number;
}

/** What every component is given, in the main thread and in a lane alike. */
export interface ComponentContext {
  /** As in the configuration: `type` or `type/name`. */
  readonly id: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly health: HealthReporter;
}
