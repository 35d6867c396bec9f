import type { ComponentContext } from '../../../base/component.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import { failureOf } from '../../../kafka/errors.ts';
import type { FetchedBatch } from '../../../kafka/fetched-batch.ts';
import type { PartitionEnds } from '../../../kafka/log-reader.ts';
import { jittered } from '../../../sampling/jitter.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import { SnapshotLog } from './snapshot-log.ts';

/** What is used of a LogReader. */
export interface PartitionReader {
  ends(topic: string): Promise<readonly PartitionEnds[]>;
  fetch(topic: string, partition: number, offset: number, maxWaitMs: number): Promise<FetchedBatch>;
  close(): Promise<void>;
}

export interface FollowerDeps {
  readonly topic: string;
  readonly open: () => Promise<PartitionReader>;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log'>;
  /** A version was read, whole; when reading begins anew, only the last one that the topic has then. */
  onVersion(snapshot: StrategySnapshot): void;
  onTrouble(action: 'read' | 'malformed', message: string): void;
}

interface Waiter {
  /** Waits for this version; undefined = for all that is committed. */
  readonly version: number | undefined;
  /** Offset up to which that is; undefined = still to be asked for. */
  until: number | undefined;
  readonly resolve: () => void;
}

/** A fetch that finds nothing holds up whoever asks where the end is, which a new controller does. */
const WAIT_MS = 100;
const RETRY_MS = 500;
const MAX_RETRY_MS = 5000;

/** Reads the control topic from its beginning and on, committed records only, for as long as the process lives. */
export class TopicFollower {
  readonly #deps: FollowerDeps;
  #log = new SnapshotLog();
  /** Undefined = begin at the beginning. */
  #position: number | undefined;
  /** What was there when reading began: up to there, versions are passed through and not served. */
  #loadUntil = 0;
  #served: StrategySnapshot | undefined;
  #trouble: string | undefined;
  #waiting: Waiter[] = [];
  #lastAnswerMs: number;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#lastAnswerMs = deps.context.clock.monotonicMs();
  }

  /** What was read so far. */
  get log(): SnapshotLog {
    return this.#log;
  }

  /** Since the brokers last answered. */
  get silentMs(): number {
    return this.#deps.context.clock.monotonicMs() - this.#lastAnswerMs;
  }

  /** Why the newest version is not served, in words. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Resolves when all is read that was committed before the call, or when aborted. */
  async catchUp(signal: AbortSignal): Promise<void> {
    await this.#wait(undefined, signal);
  }

  /** Resolves when the version, or a later one, has been read, or when aborted. */
  async reach(version: number, signal: AbortSignal): Promise<void> {
    if (this.#log.version < version) await this.#wait(version, signal);
  }

  /** Resolves when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps.context;
    for (let failures = 0; !signal.aborted; ) {
      const answeredMs = this.#lastAnswerMs;
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        failures = this.#lastAnswerMs === answeredMs ? failures + 1 : 1;
        if (failureOf(error).type === 'OFFSET_OUT_OF_RANGE') this.#position = undefined;
        else this.#deps.onTrouble('read', toError(error).message);
        log.debug({ err: toError(error) }, 'reading the control topic anew');
        await clock.sleep(jittered(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (failures - 1)), random), signal);
      }
    }
  }

  /** One reader's life. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { open, topic } = this.#deps;
    const reader = await open();
    try {
      await this.#locate(reader);
      while (!signal.aborted) {
        await this.#answerWaiters(reader);
        this.#take(await reader.fetch(topic, 0, this.#position ?? 0, WAIT_MS));
        this.#lastAnswerMs = this.#deps.context.clock.monotonicMs();
      }
    } finally {
      await reader.close();
    }
  }

  async #locate(reader: PartitionReader): Promise<void> {
    const { low, high } = await this.#ends(reader);
    // A topic that was made anew has other records at the same offsets.
    if (this.#position !== undefined && this.#position >= low && this.#position <= high) return;
    this.#log = new SnapshotLog();
    this.#position = low;
    this.#loadUntil = high;
    for (const waiter of this.#waiting) waiter.until = undefined;
  }

  async #ends(reader: PartitionReader): Promise<PartitionEnds> {
    const { topic } = this.#deps;
    const ends = await reader.ends(topic);
    const only = ends.find(({ partition }) => partition === 0);
    if (only === undefined || ends.length !== 1) {
      throw new SpanweirError('REFUSED', `${topic} has ${ends.length} partitions and needs exactly one`);
    }
    this.#lastAnswerMs = this.#deps.context.clock.monotonicMs();
    return only;
  }

  #take(batch: FetchedBatch): void {
    const wasLoading = (this.#position ?? 0) < this.#loadUntil;
    for (const { key, value } of batch.records) {
      const taken = this.#log.take(key, value);
      if (taken.kind === 'version') this.#trouble = undefined;
      else if (taken.kind === 'malformed') this.#malformed(taken.why, wasLoading);
    }
    if (batch.trouble !== undefined) this.#malformed(batch.trouble.message, wasLoading);
    this.#position = Math.max(batch.nextOffset, (batch.trouble?.lastOffset ?? -1) + 1);
    if (this.#position < this.#loadUntil) return;
    const { snapshot } = this.#log;
    if (snapshot !== undefined && snapshot !== this.#served) {
      this.#served = snapshot;
      this.#deps.onVersion(snapshot);
    }
    if (wasLoading && this.#trouble !== undefined) this.#deps.onTrouble('malformed', this.#trouble);
    for (const { version, until, resolve } of this.#waiting) {
      const isThere =
        version === undefined ? until !== undefined && until <= this.#position : version <= this.#log.version;
      if (isThere) resolve();
    }
  }

  async #wait(version: number | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    // The signal may live for months: nothing of a wait stays with it.
    await new Promise<void>((resolve) => {
      const waiter: Waiter = { version, until: undefined, resolve: () => over() };
      const over = (): void => {
        signal.removeEventListener('abort', over);
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        resolve();
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', over, { once: true });
    });
  }

  /** While loading, compaction has taken some of what older versions had: only what remains in the end counts. */
  #malformed(why: string, isLoading: boolean): void {
    this.#trouble = why;
    if (!isLoading) this.#deps.onTrouble('malformed', why);
  }

  async #answerWaiters(reader: PartitionReader): Promise<void> {
    const asking = this.#waiting.filter(({ version, until }) => version === undefined && until === undefined);
    if (asking.length === 0) return;
    const { high } = await this.#ends(reader);
    for (const waiter of asking) {
      waiter.until = high;
      if (high <= (this.#position ?? 0)) waiter.resolve();
    }
  }
}
