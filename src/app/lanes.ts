import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, HealthStatus, Log } from '../base/instruments.ts';
import type { Encoding, RequestVerdict } from '../flow/intake.ts';
import { backoffMs } from '../flow/retry.ts';
import { type DeathRecord, Deaths } from './deaths.ts';
import type { LaneSetup } from './lane-messages.ts';
import { type Death, type LaneEnd, type LaneEvent, LaneWorker } from './lane-worker.ts';
import { sharedRing } from './request-ring.ts';

export interface LanesOptions {
  readonly setup: Omit<LaneSetup, 'lane' | 'life' | 'lifeId' | 'beats' | 'ring'>;
  readonly processId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly deaths: (reason: Death) => Counter;
  /** `life` is a new number for every thread that was ever started. */
  readonly onEvent: (life: number, lane: number, event: LaneEvent) => void;
  readonly onHealth: (lane: number, status: HealthStatus, reason?: string) => void;
  readonly onEnd: (life: number, lane: number) => void;
  /** Starting threads again is no use, or not possible any more: the process should end. Called once. */
  readonly onFatal: (error: SpanweirError) => void;
}

const STABLE_AFTER_MS = 60_000;
const LONGEST_LOOK_MS = 1000;
/** Some 20 requests of 512 spans; a larger or a later one goes by itself. */
const RING_BYTES = 4 * 1024 ** 2;

/**
 * The ingest threads. One that dies, hangs, or needs more memory than it may have is replaced; its work is read, or
 * sent, again by whoever had it. When they keep dying, that is told and the process ends.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #workers: (LaneWorker | undefined)[] = [];
  /** Lives in a row, by lane, that were short. */
  readonly #shortLives: number[] = [];
  readonly #deaths = new Deaths();
  readonly #stopping = new AbortController();
  #lives = 0;
  #hasBegun = false;
  #hasGivenUp = false;
  /** Of a thread that died before the sources were let in. */
  #startFailure: Error | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Lets the threads load, which takes as long as the start of everything else. */
  prepare(): void {
    const { lanes } = this.#options.setup;
    void this.#watch();
    for (let lane = 0; lane < lanes; lane++) this.#spawn(lane);
  }

  /** Resolves when every lane's sinks are up; rejects with the first reason why one is not. */
  async start(): Promise<void> {
    if (this.#startFailure !== undefined) throw this.#startFailure;
    await Promise.all(this.#alive.map((worker) => worker.ready()));
  }

  async begin(): Promise<void> {
    this.#hasBegun = true;
    if (this.#startFailure !== undefined) throw this.#startFailure;
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
      if (worker?.isReady === true && (best === undefined || isBetter(worker, best))) best = worker;
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
    const beats = new SharedArrayBuffer(4);
    const worker = new LaneWorker(
      { ...setup, lane, life, lifeId: `${processId}.${life}`, beats, ring: sharedRing(RING_BYTES) },
      {
        onEvent: (event) => onEvent(life, lane, event),
        onStuck: (why) => void this.#kill(worker, 'stuck', why),
        onEnd: (end) => {
          this.#workers[lane] = undefined;
          this.#options.onEnd(life, lane);
          this.#mourn(lane, clock.monotonicMs() - bornMs, end);
        },
      },
    );
    this.#workers[lane] = worker;
    return worker;
  }

  /** Looks for threads that do not run any more. */
  async #watch(): Promise<void> {
    const { clock, setup } = this.#options;
    const limitMs = setup.config.service.spanweir.watchdogMs;
    const everyMs = limitMs > 0 ? Math.min(LONGEST_LOOK_MS, limitMs / 5) : LONGEST_LOOK_MS;
    for (;;) {
      await clock.sleep(everyMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      for (const worker of this.#alive) {
        if (worker.look(everyMs) < limitMs || limitMs === 0) continue;
        this.#deaths.hung(limitMs);
        void this.#kill(worker, 'hang', `it has not run for ${Math.round(limitMs / 1000)} s`);
      }
    }
  }

  async #kill(worker: LaneWorker, death: Death, why: string): Promise<void> {
    const { lane } = worker;
    if (await worker.kill({ death, error: new SpanweirError('UNAVAILABLE', why) })) return;
    this.#giveUp(
      `ingest thread ${lane} has to be replaced (${why}) and can not be ended: it is inside of native code`,
    );
  }

  #mourn(lane: number, livedMs: number, { death, error }: LaneEnd): void {
    const { clock, deaths } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (death !== 'start') {
      deaths(death).add(1);
      const last = this.#deaths.add({ lane, death, why: error.message }, clock.monotonicMs());
      if (last !== undefined && this.#hasBegun) this.#giveUp(told(last));
    }
    if (!this.#hasBegun) this.#startFailure = error;
    else if (!this.#hasGivenUp) void this.#respawn(lane, livedMs, { death, error });
  }

  #giveUp(message: string): void {
    if (this.#stopping.signal.aborted || this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    this.#options.onFatal(new SpanweirError('UNAVAILABLE', message));
  }

  async #respawn(lane: number, livedMs: number, { death, error }: LaneEnd): Promise<void> {
    const { clock, random, log } = this.#options;
    this.#shortLives[lane] = livedMs > STABLE_AFTER_MS ? 0 : (this.#shortLives[lane] ?? 0) + 1;
    const waitMs = backoffMs(this.#shortLives[lane], { initialMs: 250, maxMs: 30_000, clock, random });
    log.error({ err: error, lane, death, waitMs }, 'an ingest thread died; starting it again');
    const reason = `the ingest thread died (${death}: ${error.message}) and is started again`;
    this.#options.onHealth(lane, 'recoverable', reason);
    await clock.sleep(waitMs, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    const worker = this.#spawn(lane);
    try {
      await worker.ready();
      await worker.begin();
      this.#options.onHealth(lane, 'ok');
    } catch (err) {
      log.error({ err, lane }, 'the ingest thread could not be started again');
      // Its end brings us back here.
      await worker.kill({ death: 'start', error: toError(err) });
    }
  }
}

function isBetter(worker: LaneWorker, best: LaneWorker): boolean {
  return worker.isSilent === best.isSilent ? worker.busy < best.busy : best.isSilent;
}

function told(last: readonly DeathRecord[]): string {
  const list = last.map(({ lane, death, why }) => `thread ${lane} of ${death} (${why})`).join(', ');
  return `${last.length} ingest threads died within a minute: ${list}`;
}
