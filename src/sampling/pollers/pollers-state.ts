import type { ServicePollers } from '../adaptive/controller.ts';
import type { PollTransport } from './poll-clients.ts';

/** Who polls, as plain data (JSON): what replicas tell each other and what is shown. Times are Unix ms. */
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

/** By service, of those that somebody still polls for. */
export function servicePollersOf(
  { services }: Pick<PollersState, 'services'>,
  nowMs: number,
): ReadonlyMap<string, ServicePollers> {
  const alive = new Map<string, ServicePollers>();
  for (const { service, pollers } of services) {
    const sum = new StandingSum(nowMs);
    for (const each of pollers) sum.add(each);
    if (sum.instances > 0) alive.set(service, sum.pollers());
  }
  return alive;
}

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

/**
 * What several replicas know. A client that polled at more than one is taken for as slow as it looked to any of
 * them, and for as many instances as they saw together: a balancer that spreads the polls of one makes
 * intervals look longer and never shorter than they are.
 */
export function mergePollers(states: readonly PollersState[]): PollersState {
  const services = new Map<string, Map<string, PollerState>>();
  for (const state of states) {
    for (const { service, pollers } of state.services) {
      const merged = services.get(service) ?? new Map<string, PollerState>();
      services.set(service, merged);
      for (const each of pollers) {
        const key = `${each.transport}\n${each.address}\n${each.client}\n${each.userAgent}`;
        const other = merged.get(key);
        merged.set(key, other === undefined ? each : mergedPoller(other, each));
      }
    }
  }
  const sum = (of: (state: PollersState) => number): number =>
    states.reduce((all, each) => all + of(each), 0);
  return {
    atMs: Math.max(0, ...states.map((state) => state.atMs)),
    services: [...services].map(([service, pollers]) => ({ service, pollers: [...pollers.values()] })),
    evictedServices: sum((state) => state.evictedServices),
    evictedPollers: sum((state) => state.evictedPollers),
  };
}

function mergedPoller(a: PollerState, b: PollerState): PollerState {
  const [older, newer] = a.lastPollMs <= b.lastPollMs ? [a, b] : [b, a];
  const perSecond = (a.pollsPerSecond ?? 0) + (b.pollsPerSecond ?? 0);
  const bothAlive = older.aliveUntilMs >= newer.lastPollMs;
  return {
    ...newer,
    polls: a.polls + b.polls,
    firstPollMs: Math.min(a.firstPollMs, b.firstPollMs),
    intervalMs: newer.intervalMs ?? older.intervalMs,
    slowestIntervalMs: longer(a.slowestIntervalMs, b.slowestIntervalMs),
    instances: bothAlive ? a.instances + b.instances : newer.instances,
    aliveUntilMs: Math.max(a.aliveUntilMs, b.aliveUntilMs),
    ...(perSecond > 0 ? { pollsPerSecond: perSecond } : {}),
  };
}

function longer(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
