import type { ServicePollers } from '../adaptive/controller.ts';
import type { PollTransport } from './poll-clients.ts';

/** Who polls, as plain data (JSON), to be shown. Times are Unix ms. */
export interface PollersState {
  readonly atMs: number;
  readonly services: readonly { readonly service: string; readonly pollers: readonly PollerState[] }[];
  /** Forgotten for want of room, since the start. */
  readonly evictedServices: number;
  readonly evictedPollers: number;
}

/** One address with one user agent. */
export interface PollerState {
  readonly address: string;
  readonly userAgent: string;
  /** What kind that is. */
  readonly client: string;
  readonly transport: PollTransport;
  readonly polls: number;
  readonly firstPollMs: number;
  readonly lastPollMs: number;
  /** Of each instance behind the address; undefined until several polls agree. */
  readonly intervalMs: number | undefined;
  /** The longest of late; undefined after a single poll. */
  readonly slowestIntervalMs: number | undefined;
  /** Behind the address; >= 1. */
  readonly instances: number;
  /** When it counts as gone. */
  readonly aliveUntilMs: number;
  readonly honoursLowerBound: boolean;
  /** Only of one that polls without a pause. */
  readonly pollsPerSecond?: number;
}

/** Silent for longer than so many of its intervals: gone. */
export const ALIVE_INTERVALS = 2.5;

/** What counts of a poller for its service. */
export type Standing = Pick<
  PollerState,
  'aliveUntilMs' | 'instances' | 'slowestIntervalMs' | 'honoursLowerBound'
>;

/** What the pollers of one service come to. */
export class StandingSum {
  readonly #nowMs: number;
  #instances = 0;
  #slowestIntervalMs: number | undefined;
  #hasLowerBound = false;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get instances(): number {
    return this.#instances;
  }

  /** One that is gone does not count. */
  add({ aliveUntilMs, instances, slowestIntervalMs, honoursLowerBound }: Standing): void {
    if (aliveUntilMs < this.#nowMs) return;
    this.#instances += instances;
    this.#hasLowerBound ||= honoursLowerBound;
    if (slowestIntervalMs !== undefined) {
      this.#slowestIntervalMs = Math.max(this.#slowestIntervalMs ?? 0, slowestIntervalMs);
    }
  }

  pollers(): ServicePollers {
    return {
      instances: this.#instances,
      slowestIntervalMs: this.#slowestIntervalMs,
      hasLowerBound: this.#hasLowerBound,
    };
  }
}
