import { Worker } from 'node:worker_threads';
import type { Deadline } from '../base/component.ts';
import { SpanweirError } from '../base/errors.ts';
import type { Encoding, RequestVerdict } from '../flow/intake.ts';
import { type FromLane, fromPlainError, type LaneSetup, type ToLane } from './lane-messages.ts';

export type LaneEvent = Extract<FromLane, { type: 'slot' | 'health' | 'post' | 'red' }>;

interface Pending {
  readonly resolve: (verdict: RequestVerdict) => void;
  readonly reject: (error: Error) => void;
}

interface Step {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's end of one ingest thread, for one life of it. */
export class LaneWorker {
  readonly lane: number;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #steps = new Map<'ready' | 'begun' | 'stopped', Step>();
  #nextRequest = 0;
  #hasEnded = false;

  /**
   * @param onEvent what components say
   * @param onEnd the thread has ended, for whatever reason; called once
   */
  constructor(
    setup: LaneSetup,
    onEvent: (event: LaneEvent) => void,
    onEnd: (error: Error | undefined) => void,
  ) {
    this.lane = setup.lane;
    this.#worker = new Worker(entry(), { workerData: setup, name: `lane ${setup.lane}` });
    let failure: Error | undefined;
    this.#worker.on('error', (error: Error) => {
      failure = error;
    });
    this.#worker.on('exit', () => {
      this.#hasEnded = true;
      const error = new SpanweirError('UNAVAILABLE', `ingest thread ${this.lane} has ended`, {
        retry: 'backoff',
        retryAfterMs: 1000,
        cause: failure,
      });
      for (const { reject } of this.#pending.values()) reject(error);
      for (const { reject } of this.#steps.values()) reject(failure ?? error);
      onEnd(failure);
    });
    this.#worker.on('message', (message: FromLane) => this.#receive(message, onEvent));
  }

  /** Requests that wait for an answer. */
  get busy(): number {
    return this.#pending.size;
  }

  /** Resolves when the lane's sinks are up. */
  ready(): Promise<void> {
    return this.#step('ready');
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
      // A copy of its own can change hands; the payload may be a slice of a pool that others use too.
      const own = new Uint8Array(payload);
      this.#tell({ type: 'request', id, receiver, payload: own, encoding, timestampMs }, [own.buffer]);
    });
  }

  quiesce(): void {
    this.#tell({ type: 'quiesce' });
  }

  /** Ends the thread: in order as long as the deadline allows, else at once. */
  async stop(deadline: Deadline): Promise<void> {
    if (this.#hasEnded) return;
    const stopped = this.#step('stopped');
    this.#tell({ type: 'stop', remainingMs: deadline.remainingMs() });
    const tooLate = new Promise<void>((resolve) => {
      if (deadline.signal.aborted) resolve();
      deadline.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([stopped.catch(() => {}), tooLate]);
    await this.#worker.terminate();
  }

  #tell(message: ToLane, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #step(name: 'ready' | 'begun' | 'stopped'): Promise<void> {
    return new Promise((resolve, reject) => this.#steps.set(name, { resolve, reject }));
  }

  #receive(message: FromLane, onEvent: (event: LaneEvent) => void): void {
    switch (message.type) {
      case 'answer':
        this.#pending.get(message.id)?.resolve(message.verdict);
        this.#pending.delete(message.id);
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
