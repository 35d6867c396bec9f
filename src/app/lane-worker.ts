import { Worker } from 'node:worker_threads';
import type { Deadline } from '../base/component.ts';
import { SpanweirError } from '../base/errors.ts';
import type { Encoding, RequestVerdict } from '../flow/intake.ts';
import {
  type FromLane,
  fromPlainError,
  type LaneRequest,
  type LaneSetup,
  type ToLane,
} from './lane-messages.ts';
import { RingWriter } from './request-ring.ts';

export type LaneEvent = Extract<FromLane, { type: 'slot' | 'health' | 'post' | 'red' }>;

/** What a thread died of. `start` = its start failed and said why: it was ended on purpose. */
export type Death = 'error' | 'memory' | 'hang' | 'stuck' | 'start';

export interface LaneEnd {
  readonly death: Death;
  readonly error: Error;
}

export interface LaneWorkerHooks {
  /** What components say. */
  readonly onEvent: (event: LaneEvent) => void;
  /** The thread moves nothing, and says so itself. */
  readonly onStuck: (why: string) => void;
  /** The thread has ended, for whatever reason; called once. */
  readonly onEnd: (end: LaneEnd) => void;
}

interface Pending {
  readonly resolve: (verdict: RequestVerdict) => void;
  readonly reject: (error: Error) => void;
}

interface Step {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Before its first sign of life a thread has to be loaded, which may take long on a busy machine. */
const LOADING_MS = 30_000;
/** Longest that the end of a thread is waited for once it was told to. */
const TERMINATION_MS = 5000;
const SMALLEST_HEAP_MB = 32;
/** Longest that a request waits for others to be handed over with it. */
const GATHER_MS = 2;
/** What is not waited with: some 5 requests of 512 spans, a quarter of the ring. */
const ENOUGH_BYTES = 1024 ** 2;

/** The main thread's end of one ingest thread, for one life of it. */
export class LaneWorker {
  readonly lane: number;
  readonly life: number;
  readonly #worker: Worker;
  readonly #beats: Int32Array;
  readonly #ring: RingWriter;
  readonly #pending = new Map<number, Pending>();
  readonly #steps = new Map<'ready' | 'begun' | 'stopped', Step>();
  readonly #ended: Promise<void>;
  #end: LaneEnd | undefined;
  #nextRequest = 0;
  #outbox: LaneRequest[] = [];
  #outboxBytes = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #isReady = false;
  /** To start. */
  #isTold = false;
  #seenBeats = 0;
  #silentMs = -LOADING_MS;

  constructor(setup: LaneSetup, hooks: LaneWorkerHooks) {
    this.lane = setup.lane;
    this.life = setup.life;
    this.#beats = new Int32Array(setup.beats);
    this.#ring = new RingWriter(setup.ring);
    const heapMb = Math.floor(setup.config.service.spanweir.workerHeapBytes / 1024 ** 2);
    this.#worker = new Worker(entry(), {
      workerData: setup,
      name: `lane ${setup.lane}`,
      resourceLimits: { maxOldGenerationSizeMb: Math.max(SMALLEST_HEAP_MB, heapMb) },
    });
    this.#worker.on('error', (error: Error) => {
      const isMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#end ??= { death: isMemory ? 'memory' : 'error', error };
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#exited(code, hooks);
        resolve();
      });
    });
    this.#worker.on('message', (message: FromLane) => this.#receive(message, hooks));
  }

  /** Requests that wait for an answer. */
  get busy(): number {
    return this.#pending.size;
  }

  /** Its sinks are up: requests may go there. */
  get isReady(): boolean {
    return this.#isReady && this.#end === undefined;
  }

  /** It has not run lately: what it is given may have to wait for its end. */
  get isSilent(): boolean {
    return this.#silentMs > 0;
  }

  /**
   * To be called every `everyMs`; returns for how long the thread has shown no sign of life. Looks are counted, not
   * the clock: when the process as a whole stood still (SIGSTOP, a closed lid) that is nobody's fault.
   */
  look(everyMs: number): number {
    const beats = Atomics.load(this.#beats, 0);
    if (beats === this.#seenBeats) this.#silentMs += everyMs;
    else this.#silentMs = 0;
    this.#seenBeats = beats;
    return this.#silentMs;
  }

  /** Lets the lane bring its sinks up, and resolves when they are. Until then its thread only loads. */
  async ready(): Promise<void> {
    const ready = this.#step('ready');
    this.#isTold = true;
    this.#tell({ type: 'start' });
    await ready;
    this.#isReady = true;
  }

  /** Resolves when the lane's receivers are up. */
  begin(): Promise<void> {
    const begun = this.#step('begun');
    this.#tell({ type: 'begin' });
    return begun;
  }

  request(
    receiver: string,
    payload: Uint8Array,
    encoding: Encoding,
    timestampMs: number,
  ): Promise<RequestVerdict> {
    return new Promise((resolve, reject) => {
      const id = this.#nextRequest++;
      this.#pending.set(id, { resolve, reject });
      // JSON's decoder does not read shared memory.
      const place = encoding === 'otlp_proto' ? this.#ring.put(payload) : undefined;
      // A copy of its own can change hands; the payload is the caller's again.
      const held = place === undefined ? new Uint8Array(payload) : { place };
      this.#post({ id, receiver, payload: held, encoding, timestampMs }, payload.length);
    });
  }

  /** Each message wakes the thread up, so requests that come together share one. */
  #post(request: LaneRequest, bytes: number): void {
    const waiting = this.#outbox.push(request);
    this.#outboxBytes += bytes;
    if (this.#outboxBytes >= ENOUGH_BYTES) this.#flush();
    else if (waiting === 1) this.#flushTimer = setTimeout(() => this.#flush(), GATHER_MS);
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    clearTimeout(this.#flushTimer);
    const requests = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    const own = requests.flatMap(({ payload }) =>
      'place' in payload ? [] : [payload.buffer as ArrayBuffer],
    );
    this.#worker.postMessage({ type: 'requests', requests } satisfies ToLane, own);
  }

  quiesce(): void {
    this.#tell({ type: 'quiesce' });
  }

  /** Ends the thread: in order as long as the deadline allows, else at once. */
  async stop(deadline: Deadline): Promise<void> {
    if (this.#hasEnded) return;
    if (!this.#isTold) {
      await this.#terminate();
      return;
    }
    const stopped = this.#step('stopped');
    this.#tell({ type: 'stop', remainingMs: deadline.remainingMs() });
    const tooLate = new Promise<void>((resolve) => {
      if (deadline.signal.aborted) resolve();
      deadline.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([stopped.catch(() => {}), tooLate]);
    await this.#terminate();
  }

  /** Ends the thread at once, as if it had died of `end`. Resolves with false when even that does not end it. */
  async kill(end: LaneEnd): Promise<boolean> {
    if (this.#hasEnded) return true;
    this.#end ??= end;
    return await this.#terminate();
  }

  /** A thread inside of native code can't be ended. */
  async #terminate(): Promise<boolean> {
    void this.#worker.terminate();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, TERMINATION_MS);
    });
    await Promise.race([this.#ended, tooLate]);
    clearTimeout(timer);
    return this.#hasEnded;
  }

  #exited(code: number, { onEnd }: LaneWorkerHooks): void {
    this.#hasEnded = true;
    clearTimeout(this.#flushTimer);
    const end = this.#end ?? { death: 'error', error: new Error(`the thread ended by itself, with ${code}`) };
    this.#end = end;
    const error = new SpanweirError('UNAVAILABLE', `ingest thread ${this.lane} has ended`, {
      retry: 'backoff',
      retryAfterMs: 1000,
      cause: end.error,
    });
    for (const { reject } of this.#pending.values()) reject(error);
    for (const { reject } of this.#steps.values()) reject(end.error);
    onEnd(end);
  }

  #tell(message: ToLane): void {
    this.#flush();
    this.#worker.postMessage(message);
  }

  #step(name: 'ready' | 'begun' | 'stopped'): Promise<void> {
    if (this.#hasEnded) return Promise.reject(this.#end?.error ?? new Error('the thread has ended'));
    return new Promise((resolve, reject) => this.#steps.set(name, { resolve, reject }));
  }

  #receive(message: FromLane, { onEvent, onStuck }: LaneWorkerHooks): void {
    switch (message.type) {
      case 'answers':
        for (const { id, verdict } of message.answers) {
          this.#pending.get(id)?.resolve(verdict);
          this.#pending.delete(id);
        }
        break;
      case 'refusal':
        this.#pending.get(message.id)?.reject(fromPlainError(message.error));
        this.#pending.delete(message.id);
        break;
      case 'ready':
      case 'begun':
      case 'stopped':
        this.#steps.get(message.type)?.resolve();
        this.#steps.delete(message.type);
        break;
      case 'failed':
        for (const { reject } of this.#steps.values()) reject(fromPlainError(message.error));
        this.#steps.clear();
        break;
      case 'stuck':
        onStuck(message.why);
        break;
      case 'slot':
      case 'health':
      case 'post':
      case 'red':
        onEvent(message);
        break;
    }
  }
}

/** From source (tests, tsx) the thread is TypeScript too. */
function entry(): URL | string {
  if (!import.meta.url.endsWith('.ts')) return new URL('./lane-thread.js', import.meta.url);
  return new URL('./lane-thread-source.mjs', import.meta.url);
}
