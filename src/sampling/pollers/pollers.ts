import { ownText } from '../../base/own-text.ts';
import type { ServicePollers } from '../adaptive/controller.ts';
import { type Poll, Poller, type PollNews } from './poller.ts';
import { type PollerState, type PollersState, StandingSum } from './pollers-state.ts';

export interface PollerLimits {
  /** Of those that have polled more than once, and of those that have not, each. */
  readonly maxServices: number;
  /** Addresses (with their user agents) of one service. */
  readonly maxPollersPerService: number;
  /** Of all services. */
  readonly maxPollers: number;
  /** More from one address, for one service, is a loop without a pause. */
  readonly tightLoopPerSecond: number;
}

export const DEFAULT_POLLER_LIMITS: PollerLimits = {
  maxServices: 100_000,
  maxPollersPerService: 1000,
  maxPollers: 200_000,
  tightLoopPerSecond: 50,
};

const MAX_NAME = 256;
const MAX_ADDRESS = 64;
const MAX_USER_AGENT = 128;
/** Different clients at one address, for one service. */
const MAX_AGENTS = 8;
/** How many that stay are passed over in the search for one that goes. */
const SECOND_CHANCES = 16;
interface Address {
  readonly pollers: Poller[];
  lastPollMs: number;
  queuedAtMs: number;
}

interface Service {
  /** By address; nearly always one user agent for each. */
  readonly addresses: Map<string, Address>;
  lastPollMs: number;
  queuedAtMs: number;
}

/**
 * Who polls for which service, and how often. Bounded: services that polled once make room for each other and never
 * for those that come back, so that made-up names push nobody out.
 */
export class PollerRegistry {
  readonly #limits: PollerLimits;
  readonly #regular = new Map<string, Service>();
  readonly #once = new Map<string, Service>();
  #pollers = 0;
  #evictedServices = 0;
  #evictedPollers = 0;

  constructor(limits: Partial<PollerLimits> = {}) {
    this.#limits = { ...DEFAULT_POLLER_LIMITS, ...limits };
  }

  /** `tight_loop`: for the first time this client was seen to poll without a pause. */
  record(poll: Poll): PollNews {
    const { atMs } = poll;
    if (poll.service.length > MAX_NAME) return 'none';
    const service = this.#serviceOf(poll.service, atMs);
    const known = pollerOf(service, poll);
    if (known === undefined) {
      this.#addPoller(service, poll);
      return 'none';
    }
    return known.record(poll, this.#limits.tightLoopPerSecond);
  }

  /** By service, of those that somebody still polls for. */
  servicePollers(nowMs: number): ReadonlyMap<string, ServicePollers> {
    const alive = new Map<string, ServicePollers>();
    for (const known of [this.#regular, this.#once]) {
      for (const [service, { addresses }] of known) {
        const sum = new StandingSum(nowMs);
        for (const { pollers } of addresses.values()) for (const each of pollers) sum.add(each);
        if (sum.instances > 0) alive.set(service, sum.pollers());
      }
    }
    return alive;
  }

  /** All that is known, as plain data. */
  state(nowMs: number): PollersState {
    const services: { service: string; pollers: readonly PollerState[] }[] = [];
    for (const known of [this.#regular, this.#once]) {
      for (const [service, { addresses }] of known) {
        const pollers = [...addresses.values()].flatMap((address) =>
          address.pollers.map((each) => each.state()),
        );
        services.push({ service, pollers });
      }
    }
    return {
      atMs: nowMs,
      services,
      evictedServices: this.#evictedServices,
      evictedPollers: this.#evictedPollers,
    };
  }

  knows(service: string): boolean {
    return this.#regular.has(service) || this.#once.has(service);
  }

  get services(): number {
    return this.#regular.size + this.#once.size;
  }

  get pollers(): number {
    return this.#pollers;
  }

  get evictedServices(): number {
    return this.#evictedServices;
  }

  get evictedPollers(): number {
    return this.#evictedPollers;
  }

  #serviceOf(name: string, atMs: number): Service {
    const regular = this.#regular.get(name);
    if (regular !== undefined) {
      regular.lastPollMs = atMs;
      return regular;
    }
    const once = this.#once.get(name);
    if (once === undefined) {
      const service = { addresses: new Map(), lastPollMs: atMs, queuedAtMs: atMs };
      this.#makeRoom(this.#once);
      this.#once.set(ownText(name), service);
      return service;
    }
    once.lastPollMs = atMs;
    once.queuedAtMs = atMs;
    this.#once.delete(name);
    this.#makeRoom(this.#regular);
    this.#regular.set(ownText(name), once);
    return once;
  }

  #makeRoom(services: Map<string, Service>): void {
    if (services.size < this.#limits.maxServices) return;
    const gone = longestSilent(services);
    const service = services.get(gone);
    services.delete(gone);
    this.#evictedServices += 1;
    for (const { pollers } of service?.addresses.values() ?? []) this.#pollers -= pollers.length;
  }

  #addPoller({ addresses }: Service, poll: Poll): void {
    const { maxPollers, maxPollersPerService } = this.#limits;
    const { atMs } = poll;
    // What is kept for long is no part of a request, which may be long.
    const address = ownText(cut(poll.address, MAX_ADDRESS));
    const known = addresses.get(address);
    const isFull = addresses.size >= maxPollersPerService || this.#pollers >= maxPollers;
    if ((known === undefined && isFull) || known?.pollers.length === MAX_AGENTS) {
      const gone = known === undefined ? longestSilent(addresses) : address;
      const lost = addresses.get(gone)?.pollers.length ?? 0;
      this.#evictedPollers += Math.max(1, lost);
      this.#pollers -= lost;
      addresses.delete(gone);
      if (this.#pollers >= maxPollers) return;
    }
    this.#pollers += 1;
    const entry = addresses.get(address) ?? { pollers: [], lastPollMs: atMs, queuedAtMs: atMs };
    addresses.set(address, entry);
    entry.pollers.push(new Poller(poll, address, ownText(cut(poll.userAgent, MAX_USER_AGENT))));
  }
}

function pollerOf({ addresses }: Service, poll: Poll): Poller | undefined {
  const address = addresses.get(cut(poll.address, MAX_ADDRESS));
  if (address === undefined) return undefined;
  address.lastPollMs = poll.atMs;
  const { transport } = poll;
  const userAgent = cut(poll.userAgent, MAX_USER_AGENT);
  return address.pollers.find((each) => each.userAgent === userAgent && each.transport === transport);
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}

/** Of the queue: who polled since it was put there goes to its end instead. '' when it is empty. */
function longestSilent(queue: Map<string, Address> | Map<string, Service>): string {
  const entries = queue as Map<string, { lastPollMs: number; queuedAtMs: number }>;
  let tries = 0;
  for (const [key, entry] of entries) {
    tries += 1;
    if (entry.lastPollMs <= entry.queuedAtMs || tries > SECOND_CHANCES) return key;
    entry.queuedAtMs = entry.lastPollMs;
    entries.delete(key);
    entries.set(key, entry);
  }
  return '';
}
