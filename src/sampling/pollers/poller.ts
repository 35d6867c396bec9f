import { type PollingClient, type PollTransport, pollingClient } from './poll-clients.ts';
import { PollTimes, type Rhythm } from './poll-rhythm.ts';
import { ALIVE_INTERVALS, type PollerState, type Standing } from './pollers-state.ts';

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

/** What a poll told besides itself. */
export type PollNews = 'none' | 'tight_loop';

const LOOP_WINDOW_MS = 5000;
const LOOP_CONNECTIONS = 4;
/** So many polls are looked at one by one; then every sixteenth, and those that were long in coming. */
const LOOK_AT_EACH = 12;
const LOOK_EVERY = 16;
const SILENT: Rhythm = { intervalMs: undefined, slowestMs: undefined, instances: 1 };

/** One user agent at one address, asking for one service. */
export class Poller implements Standing {
  readonly address: string;
  readonly userAgent: string;
  readonly transport: PollTransport;
  readonly #client: PollingClient;
  readonly #firstPollMs: number;
  readonly #firstConnection: number;
  #lastPollMs: number;
  #polls = 1;
  /** From the second poll on: many come once. */
  #times: PollTimes | undefined;
  #rhythm = SILENT;
  #windowSinceMs: number;
  #windowPolls = 1;
  #perSecond = 0;
  #isTight = false;
  #wasTold = false;

  /** `address` and `userAgent` are those of the poll, cut to what is kept. */
  constructor(poll: Poll, address: string, userAgent: string) {
    this.address = address;
    this.userAgent = userAgent;
    this.transport = poll.transport;
    this.#client = pollingClient(poll.userAgent, poll.transport, poll.sendsContentType);
    this.#firstPollMs = poll.atMs;
    this.#firstConnection = poll.connection;
    this.#lastPollMs = poll.atMs;
    this.#windowSinceMs = poll.atMs;
  }

  /** @param tightPerSecond so many polls a second are a loop without a pause */
  record({ atMs, connection }: Poll, tightPerSecond: number): PollNews {
    const { usualIntervalMs } = this.#client;
    if (this.#times === undefined) {
      this.#times = new PollTimes();
      this.#times.add(this.#firstPollMs, this.#firstConnection, usualIntervalMs);
    }
    const gapMs = atMs - this.#lastPollMs;
    this.#polls += 1;
    this.#lastPollMs = atMs;
    this.#times.add(atMs, connection, usualIntervalMs);
    const isDue = this.#polls < LOOK_AT_EACH || this.#polls % LOOK_EVERY === 0;
    if (isDue || gapMs > (this.#rhythm.slowestMs ?? 0)) this.#rhythm = this.#times.rhythm(usualIntervalMs);
    return this.#paced(atMs, tightPerSecond);
  }

  /** Others may stand behind the address of one that never pauses: nothing is learnt from its own rhythm. */
  get slowestIntervalMs(): number | undefined {
    return this.#isTight ? this.#client.usualIntervalMs : this.#rhythm.slowestMs;
  }

  get instances(): number {
    return this.#isTight ? 1 : this.#rhythm.instances;
  }

  get aliveUntilMs(): number {
    return this.#lastPollMs + ALIVE_INTERVALS * (this.slowestIntervalMs ?? this.#client.usualIntervalMs);
  }

  get honoursLowerBound(): boolean {
    return this.#client.honoursLowerBound;
  }

  state(): PollerState {
    return {
      address: this.address,
      userAgent: this.userAgent,
      client: this.#client.name,
      transport: this.transport,
      polls: this.#polls,
      firstPollMs: this.#firstPollMs,
      lastPollMs: this.#lastPollMs,
      intervalMs: this.#rhythm.intervalMs,
      slowestIntervalMs: this.slowestIntervalMs,
      instances: this.instances,
      aliveUntilMs: this.aliveUntilMs,
      honoursLowerBound: this.honoursLowerBound,
      ...(this.#isTight ? { pollsPerSecond: Math.round(this.#perSecond) } : {}),
    };
  }

  #paced(atMs: number, tightPerSecond: number): PollNews {
    this.#windowPolls += 1;
    const lengthMs = atMs - this.#windowSinceMs;
    if (lengthMs < LOOP_WINDOW_MS) return 'none';
    this.#perSecond = ((this.#windowPolls - 1) * 1000) / lengthMs;
    this.#windowSinceMs = atMs;
    this.#windowPolls = 1;
    this.#isTight = this.#perSecond >= tightPerSecond && this.#isOneClient();
    if (!this.#isTight || this.#wasTold) return 'none';
    this.#wasTold = true;
    return 'tight_loop';
  }

  /**
   * Thousands of instances behind one address poll as often, each over its own connection. JavaScript opens one for
   * each poll in some versions, and is what polls without a pause when nobody set an interval.
   */
  #isOneClient(): boolean {
    const times = this.#times;
    return this.#client.name === 'JavaScript' || (times?.connections() ?? 0) <= LOOP_CONNECTIONS;
  }
}
