/** Who asked for a service's strategy, and when. */
export interface ServicePolls {
  readonly service: string;
  readonly polls: number;
  /** Unix ms. */
  readonly lastPollMs: number;
  readonly userAgent: string;
  readonly transport: Transport;
}

export type Transport = 'http' | 'grpc';

interface Entry {
  polls: number;
  lastPollMs: number;
  userAgent: string;
  transport: Transport;
}

const MAX_SERVICES = 10_000;
const MAX_NAME = 256;

/** Polls per service, of the services that polled last. */
export class Polls {
  readonly #services = new Map<string, Entry>();
  readonly #maxServices: number;

  constructor(maxServices = MAX_SERVICES) {
    this.#maxServices = maxServices;
  }

  record(service: string, transport: Transport, userAgent: string, nowMs: number): void {
    if (service.length > MAX_NAME) return;
    const entry = this.#services.get(service);
    if (entry !== undefined) {
      // Put in again, so that the map's order is that of the last polls.
      this.#services.delete(service);
      this.#services.set(service, entry);
      entry.polls += 1;
      entry.lastPollMs = nowMs;
      entry.userAgent = userAgent.slice(0, MAX_NAME);
      entry.transport = transport;
      return;
    }
    if (this.#services.size >= this.#maxServices) {
      const [longestSilent] = this.#services.keys();
      if (longestSilent !== undefined) this.#services.delete(longestSilent);
    }
    const fresh = { polls: 1, lastPollMs: nowMs, userAgent: userAgent.slice(0, MAX_NAME), transport };
    this.#services.set(service, fresh);
  }

  /** The last poll first. */
  list(): readonly ServicePolls[] {
    return [...this.#services].map(([service, entry]) => ({ service, ...entry })).reverse();
  }
}
