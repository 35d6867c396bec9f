import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError } from '../base/errors.ts';
import type { HealthStatus, Log } from '../base/instruments.ts';
import type { Encoding, RequestVerdict } from '../flow/intake.ts';
import { backoffMs } from '../flow/retry.ts';
import type { LaneSetup } from './lane-messages.ts';
import { type LaneEvent, LaneWorker } from './lane-worker.ts';

export interface LanesOptions {
  readonly setup: Omit<LaneSetup, 'lane' | 'lifeId'>;
  readonly processId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** `life` is a new number for every thread that was ever started. */
  readonly onEvent: (life: number, lane: number, event: LaneEvent) => void;
  readonly onHealth: (lane: number, status: HealthStatus, reason?: string) => void;
  readonly onEnd: (life: number, lane: number, error: Error | undefined) => void;
}

const STABLE_AFTER_MS = 60_000;

/** The ingest threads. One that dies is started again; its work is read, or sent, again by whoever had it. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #workers: (LaneWorker | undefined)[] = [];
  readonly #deaths: number[] = [];
  readonly #stopping = new AbortController();
  #lives = 0;
  #hasBegun = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Resolves when every lane's sinks are up; rejects with the first reason why one is not. */
  async start(): Promise<void> {
    const { lanes } = this.#options.setup;
    await Promise.all(Array.from({ length: lanes }, (_, lane) => this.#spawn(lane).ready()));
  }

  async begin(): Promise<void> {
    this.#hasBegun = true;
    await Promise.all(this.#alive.map((worker) => worker.begin()));
  }

  /** Hands a request to the lane with the fewest unanswered ones. */
  request(
    receiver: string,
    payload: Uint8Array,
    encoding: Encoding,
    timestampMs: number,
  ): Promise<RequestVerdict> {
    let best: LaneWorker | undefined;
    for (const worker of this.#workers) {
      if (worker !== undefined && (best === undefined || worker.busy < best.busy)) best = worker;
    }
    const isStopping = this.#stopping.signal.aborted;
    if (best !== undefined && !isStopping) return best.request(receiver, payload, encoding, timestampMs);
    const code = isStopping ? 'STOPPING' : 'UNAVAILABLE';
    return Promise.reject(
      new SpanweirError(code, 'no ingest thread is there to take it', {
        retry: 'backoff',
        retryAfterMs: 1000,
      }),
    );
  }

  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    for (const worker of this.#alive) worker.quiesce();
    await Promise.all(this.#alive.map((worker) => worker.stop(deadline)));
  }

  get #alive(): LaneWorker[] {
    return this.#workers.filter((worker) => worker !== undefined);
  }

  #spawn(lane: number): LaneWorker {
    const { setup, processId, clock, onEvent } = this.#options;
    const life = this.#lives++;
    const bornMs = clock.monotonicMs();
    const worker = new LaneWorker(
      { ...setup, lane, lifeId: `${processId}.${life}` },
      (event) => onEvent(life, lane, event),
      (error) => {
        this.#workers[lane] = undefined;
        this.#options.onEnd(life, lane, error);
        const livedMs = clock.monotonicMs() - bornMs;
        if (this.#hasBegun && !this.#stopping.signal.aborted) void this.#respawn(lane, livedMs, error);
      },
    );
    this.#workers[lane] = worker;
    return worker;
  }

  async #respawn(lane: number, livedMs: number, error: Error | undefined): Promise<void> {
    const { clock, random, log } = this.#options;
    this.#deaths[lane] = livedMs > STABLE_AFTER_MS ? 0 : (this.#deaths[lane] ?? 0) + 1;
    const waitMs = backoffMs(this.#deaths[lane], { initialMs: 250, maxMs: 30_000, clock, random });
    log.error({ err: error, lane, waitMs }, 'an ingest thread died; starting it again');
    this.#options.onHealth(lane, 'recoverable', 'the ingest thread died and is started again');
    await clock.sleep(waitMs, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    const worker = this.#spawn(lane);
    try {
      await worker.ready();
      await worker.begin();
      this.#options.onHealth(lane, 'ok');
    } catch (err) {
      log.error({ err, lane }, 'the ingest thread could not be started again');
      // Ends the thread; its end brings us back here.
      await worker.stop({ signal: AbortSignal.abort(), remainingMs: () => 0 });
    }
  }
}
