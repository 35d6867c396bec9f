import type { ServicePollers } from './adaptive/controller.ts';
import { type PollingClient, type PollTransport, pollingClient } from './poll-clients.ts';
import { PollTimes, type Rhythm } from './poll-rhythm.ts';
import { ALIVE_INTERVALS, type PollerState, type PollersState, servicePollersOf } from './pollers-state.ts';

export interface Poll {
  readonly service: string;
  /** Of the client, or of what stands before it; without the port. */
  readonly address: string;
  /** The port: tells connections from one address apart. */
  readonly connection: number;
  readonly userAgent: string;
  readonly transport: PollTransport;
  /** The request has a content type, though nothing in it. */
  readonly sendsContentType: boolean;
  /** Unix ms. */
  readonly atMs: number;
}

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

/** What a poll told besides itself. */
export type PollNews = 'none' | 'tight_loop';

const MAX_NAME = 256;
const MAX_ADDRESS = 64;
const MAX_USER_AGENT = 128;
/** Different clients at one address, for one service. */
const MAX_AGENTS = 8;
const LOOP_WINDOW_MS = 5000;
const LOOP_CONNECTIONS = 4;
/** So many polls are looked at one by one; then every sixteenth, and those that were long in coming. */
const LOOK_AT_EACH = 12;
const LOOK_EVERY = 16;
/** How many that stay are passed over in the search for one that goes. */
const SECOND_CHANCES = 16;
const SILENT: Rhythm = { intervalMs: undefined, slowestMs: undefined, instances: 1 };

interface Poller {
  readonly address: string;
  readonly userAgent: string;
  readonly transport: PollTransport;
  readonly client: PollingClient;
  readonly firstPollMs: number;
  readonly firstConnection: number;
  lastPollMs: number;
  polls: number;
  /** From the second poll on. */
  times: PollTimes | undefined;
  rhythm: Rhythm;
  windowSinceMs: number;
  windowPolls: number;
  perSecond: number;
  isTight: boolean;
  wasTold: boolean;
}

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
    const { usualIntervalMs } = known.client;
    if (known.times === undefined) {
      known.times = new PollTimes();
      known.times.add(known.firstPollMs, known.firstConnection, usualIntervalMs);
    }
    const gapMs = atMs - known.lastPollMs;
    known.polls += 1;
    known.lastPollMs = atMs;
    known.times.add(atMs, poll.connection, usualIntervalMs);
    const isDue = known.polls < LOOK_AT_EACH || known.polls % LOOK_EVERY === 0;
    if (isDue || gapMs > (known.rhythm.slowestMs ?? 0)) known.rhythm = known.times.rhythm(usualIntervalMs);
    return this.#paced(known, atMs);
  }

  /** By service, of those that somebody still polls for. */
  servicePollers(nowMs: number): ReadonlyMap<string, ServicePollers> {
    return servicePollersOf(this.state(nowMs), nowMs);
  }

  /** All that is known, as plain data. */
  state(nowMs: number): PollersState {
    const services: { service: string; pollers: readonly PollerState[] }[] = [];
    for (const known of [this.#regular, this.#once]) {
      for (const [service, { addresses }] of known) {
        const pollers = [...addresses.values()].flatMap((address) => address.pollers.map(stateOf));
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
      this.#once.set(name, service);
      return service;
    }
    once.lastPollMs = atMs;
    once.queuedAtMs = atMs;
    this.#once.delete(name);
    this.#makeRoom(this.#regular);
    this.#regular.set(name, once);
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
    const { atMs, transport } = poll;
    const address = poll.address.slice(0, MAX_ADDRESS);
    const known = addresses.get(address);
    const isFull = addresses.size >= maxPollersPerService || this.#pollers >= maxPollers;
    if ((known === undefined && isFull) || known?.pollers.length === MAX_AGENTS) {
      this.#evictedPollers += 1;
      if (addresses.size === 0) return;
      const gone = known === undefined ? longestSilent(addresses) : address;
      this.#pollers -= addresses.get(gone)?.pollers.length ?? 0;
      addresses.delete(gone);
    }
    this.#pollers += 1;
    const entry = addresses.get(address) ?? { pollers: [], lastPollMs: atMs, queuedAtMs: atMs };
    addresses.set(address, entry);
    entry.pollers.push({
      address,
      userAgent: poll.userAgent.slice(0, MAX_USER_AGENT),
      transport,
      client: pollingClient(poll.userAgent, transport, poll.sendsContentType),
      firstPollMs: atMs,
      firstConnection: poll.connection,
      lastPollMs: atMs,
      polls: 1,
      times: undefined,
      rhythm: SILENT,
      windowSinceMs: atMs,
      windowPolls: 1,
      perSecond: 0,
      isTight: false,
      wasTold: false,
    });
  }

  #paced(poller: Poller, atMs: number): PollNews {
    poller.windowPolls += 1;
    const lengthMs = atMs - poller.windowSinceMs;
    if (lengthMs < LOOP_WINDOW_MS) return 'none';
    poller.perSecond = ((poller.windowPolls - 1) * 1000) / lengthMs;
    poller.windowSinceMs = atMs;
    poller.windowPolls = 1;
    poller.isTight = poller.perSecond >= this.#limits.tightLoopPerSecond && isOneClient(poller);
    if (!poller.isTight || poller.wasTold) return 'none';
    poller.wasTold = true;
    return 'tight_loop';
  }
}

function pollerOf({ addresses }: Service, poll: Poll): Poller | undefined {
  const address = addresses.get(
    poll.address.length > MAX_ADDRESS ? poll.address.slice(0, MAX_ADDRESS) : poll.address,
  );
  if (address === undefined) return undefined;
  address.lastPollMs = poll.atMs;
  const { transport } = poll;
  const userAgent =
    poll.userAgent.length > MAX_USER_AGENT ? poll.userAgent.slice(0, MAX_USER_AGENT) : poll.userAgent;
  return address.pollers.find((each) => each.userAgent === userAgent && each.transport === transport);
}

/**
 * Thousands of instances behind one address poll as often, each over its own connection. JavaScript opens one for
 * each poll in some versions, and is what polls without a pause when nobody set an interval.
 */
function isOneClient({ client, times }: Poller): boolean {
  return client.name === 'JavaScript' || (times !== undefined && times.connections() <= LOOP_CONNECTIONS);
}

/** Of the queue: who polled since it was put there goes to its end instead. The map is not empty. */
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

function stateOf(poller: Poller): PollerState {
  const { rhythm, client } = poller;
  // Others may stand behind the address of one that never pauses: nothing is learnt from its own rhythm.
  const slowestMs = poller.isTight ? client.usualIntervalMs : rhythm.slowestMs;
  return {
    address: poller.address,
    userAgent: poller.userAgent,
    client: client.name,
    transport: poller.transport,
    polls: poller.polls,
    firstPollMs: poller.firstPollMs,
    lastPollMs: poller.lastPollMs,
    intervalMs: rhythm.intervalMs,
    slowestIntervalMs: slowestMs,
    instances: poller.isTight ? 1 : rhythm.instances,
    aliveUntilMs: poller.lastPollMs + ALIVE_INTERVALS * (slowestMs ?? client.usualIntervalMs),
    honoursLowerBound: client.honoursLowerBound,
    ...(poller.isTight ? { pollsPerSecond: Math.round(poller.perSecond) } : {}),
  };
}
