import { setMaxListeners } from 'node:events';
import { scrape } from '../support/exposition.ts';
import type { Replica } from './replicas.ts';
import { pause, RATES, type Reply, rateOf, SERVICES } from './traffic.ts';

const LOOK_MS = 50;
const VERSION_MS = 250;

/** One reply that was served, and when each replica was first seen to serve it or a later one. */
interface Served {
  readonly service: string;
  readonly reply: Reply;
  readonly body: string;
  readonly firstMs: number;
  /** The replicas that answered when it was first seen. */
  readonly awaited: Set<string>;
  readonly seenMs: Map<string, number>;
}

export interface Step {
  readonly atMs: number;
  readonly service: string;
  readonly operation: string;
  /** The new probability over the old one, or the inverse: >= 1. */
  readonly factor: number;
  readonly from: number;
  readonly to: number;
}

/** Looks at every replica all the time: what it serves, and which version it says that is. */
export class Watch {
  readonly backwards: string[] = [];
  readonly steps: Step[] = [];
  readonly spreadsMs: number[] = [];
  versions = 0;
  looks = 0;
  readonly #replicas: readonly Replica[];
  readonly #history = new Map<string, Served[]>(SERVICES.map((service) => [service, []]));
  readonly #answers = new Map<string, boolean>();
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(replicas: readonly Replica[]) {
    this.#replicas = replicas;
    setMaxListeners(0, this.#stopping.signal);
  }

  start(): void {
    this.#running = Promise.all(
      this.#replicas.flatMap((replica) => [this.#watchReplies(replica), this.#watchVersion(replica)]),
    );
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** The probability that is served now. */
  served(service: string, operation: string): number | undefined {
    const reply = this.#history.get(service)?.at(-1)?.reply;
    return reply && rateOf(reply, operation);
  }

  /** A replica that was killed owes nothing any more. */
  gone(replica: Replica): void {
    this.#answers.set(replica.name, false);
    for (const history of this.#history.values())
      for (const { awaited } of history) awaited.delete(replica.name);
  }

  /** Replies that a replica that lives has not served yet, though others have for longer than `ms`. */
  overdue(ms: number): string[] {
    const nowMs = performance.now();
    return [...this.#history.values()]
      .flat()
      .flatMap(({ service, firstMs, awaited, seenMs }) =>
        nowMs - firstMs < ms
          ? []
          : [...awaited].filter((name) => !seenMs.has(name)).map((name) => `${name} never served ${service}`),
      );
  }

  async #watchReplies(replica: Replica): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      for (const service of SERVICES) await this.#lookAt(replica, service);
      await pause(LOOK_MS, signal);
    }
  }

  async #lookAt(replica: Replica, service: string): Promise<void> {
    if (replica.child === undefined) return;
    const child = replica.child;
    let body: string;
    try {
      const answer = await fetch(`${replica.samplingUrl}/sampling?service=${service}`, {
        signal: AbortSignal.timeout(2000),
      });
      body = await answer.text();
      if (!answer.ok) return;
    } catch {
      return;
    }
    if (replica.child !== child) return;
    this.#answers.set(replica.name, true);
    this.looks += 1;
    this.#saw(replica.name, service, body);
  }

  #saw(name: string, service: string, body: string): void {
    const nowMs = performance.now();
    const history = this.#history.get(service) as Served[];
    let at = history.findLastIndex((one) => one.body === body);
    if (at === -1) {
      const awaited = new Set([...this.#answers].filter(([, isUp]) => isUp).map(([replica]) => replica));
      const reply = JSON.parse(body) as Reply;
      this.#addSteps(service, history.at(-1)?.reply, reply);
      history.push({ service, reply, body, firstMs: nowMs, awaited, seenMs: new Map() });
      at = history.length - 1;
    }
    // Whoever serves this has gone past what was served before.
    for (let i = at; i >= 0; i--) {
      const one = history[i] as Served;
      if (one.seenMs.has(name)) break;
      one.seenMs.set(name, nowMs);
      if (one.awaited.has(name)) this.spreadsMs.push(nowMs - one.firstMs);
    }
  }

  #addSteps(service: string, before: Reply | undefined, after: Reply): void {
    if (before === undefined) return;
    for (const operation of Object.keys(RATES)) {
      const from = rateOf(before, operation);
      const to = rateOf(after, operation);
      const factor = Math.max(from, to) / Math.min(from, to);
      if (factor > 1) this.steps.push({ atMs: performance.now(), service, operation, factor, from, to });
    }
  }

  async #watchVersion(replica: Replica): Promise<void> {
    const { signal } = this.#stopping;
    let before = 0;
    while (!signal.aborted) {
      await pause(VERSION_MS, signal);
      if (replica.child === undefined) continue;
      const samples = await scrape(replica.metricsUrl).catch(() => undefined);
      const version = samples?.get('spanweir_sampling_version') ?? 0;
      if (version === 0) continue;
      if (version < before) this.backwards.push(`${replica.name}: ${before} -> ${version}`);
      before = version;
      this.versions = Math.max(this.versions, version);
    }
  }
}
