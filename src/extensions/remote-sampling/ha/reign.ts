import type { Message } from 'kafkajs';
import type { Clock } from '../../../base/clock.ts';
import type { ComponentContext } from '../../../base/component.ts';
import { isRetryable, SpanweirError, toError } from '../../../base/errors.ts';
import type { TransactionalWriter } from '../../../kafka/transactional-writer.ts';
import { jittered } from '../../../sampling/jitter.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import { changes, FORMAT, headRecord, inSends, serviceBodies, type TopicRecord } from './snapshot-records.ts';
import type { TopicFollower } from './topic-follower.ts';

/** What decides, from the start of a reign to its end. */
export interface Deciding {
  /**
   * Rejects retryable while the store can't be reached. `served`: what the topic says; while that is nothing
   * (undefined), what stands is published. Rejects with what publishing rejects with.
   */
  restore(served: StrategySnapshot | undefined): Promise<void>;
  /** Decides anew, and publishes what changed. Rejects with what publishing rejects with. */
  round(): Promise<void>;
}

/**
 * Resolves with the version under which the snapshot is served from now on: that of the snapshot or a higher one, or the
 * present one when the same is served already.
 */
export type Publish = (snapshot: StrategySnapshot) => Promise<number>;

export interface ReignDeps {
  readonly follower: Pick<TopicFollower, 'log' | 'catchUp' | 'reach'>;
  readonly openWriter: () => Promise<Pick<TransactionalWriter, 'write' | 'close'>>;
  readonly createDeciding: (publish: Publish) => Deciding;
  /** See Membership. */
  readonly mayDecide: () => boolean;
  /** What is served here, whatever the topic says: the next version is above it. */
  readonly servedVersion: () => number;
  readonly roundEveryMs: number;
  /** For the record. */
  readonly self: string;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log'>;
  readonly news: ReignNews;
}

export interface ReignNews {
  /** How long each step towards it took. */
  began(took: { readonly writerMs: number; readonly readMs: number; readonly restoreMs: number }): void;
  wrote(outcome: 'committed' | 'fenced' | 'failed'): void;
  storeAway(error: Error | undefined): void;
}

const RESTORE_RETRY_MS = 2000;
/** Between two generations of the group. */
const PAUSE_MS = 100;
/** For reading what was written. */
const READ_BACK_MS = 10_000;

/**
 * The time in which this replica decides for all. It begins with making itself the only writer and with reading the
 * topic to its end; what is read there goes on being served until a round decides otherwise. It ends, by rejecting with
 * FENCED, as soon as anybody else has written, and with UNAVAILABLE when it is not known whether a write came through:
 * whoever is the owner then begins anew, from the topic.
 */
export class Reign {
  readonly #deps: ReignDeps;
  readonly #bodies = new WeakMap<Strategy, readonly string[]>();
  /** Of the topic, as far as this reign has read or written it. */
  #version = 0;
  /** It ends the reign, whoever meets it first. */
  #writeError: unknown;

  constructor(deps: ReignDeps) {
    this.#deps = deps;
  }

  /** Resolves when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { follower, openWriter, createDeciding, news, context } = this.#deps;
    const since = stopwatch(context.clock);
    const writer = await openWriter();
    try {
      const writerMs = since();
      await follower.catchUp(signal);
      const readMs = since();
      if (signal.aborted) return;
      if (follower.log.isNewer) {
        const message = `the topic is written by a newer release: this one (format ${FORMAT}) leaves it alone`;
        throw new SpanweirError('REFUSED', message);
      }
      this.#version = follower.log.version;
      const deciding = createDeciding((snapshot) => this.#publish(writer, snapshot, signal));
      await this.#restore(deciding, signal);
      if (signal.aborted) return;
      news.began({ writerMs, readMs, restoreMs: since() });
      await this.#rounds(deciding, signal);
    } finally {
      await writer.close();
    }
  }

  async #restore(deciding: Deciding, signal: AbortSignal): Promise<void> {
    const { follower, news, context } = this.#deps;
    while (!signal.aborted) {
      try {
        await deciding.restore(follower.log.snapshot);
        return news.storeAway(undefined);
      } catch (error) {
        if (error === this.#writeError || !isRetryable(error)) throw error;
        news.storeAway(toError(error));
        await context.clock.sleep(jittered(RESTORE_RETRY_MS, context.random), signal);
      }
    }
  }

  async #rounds(deciding: Deciding, signal: AbortSignal): Promise<void> {
    const { roundEveryMs, mayDecide, context } = this.#deps;
    const { clock } = context;
    for (let nextMs = clock.monotonicMs(); !signal.aborted; ) {
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), signal);
      while (!mayDecide() && !signal.aborted) await clock.sleep(PAUSE_MS, signal);
      if (signal.aborted) return;
      this.#assertAlone();
      await deciding.round();
      const behindMs = clock.monotonicMs() - nextMs;
      nextMs += roundEveryMs * (1 + Math.max(0, Math.floor(behindMs / roundEveryMs)));
    }
  }

  /** @throws SpanweirError FENCED */
  #assertAlone(): void {
    const { version } = this.#deps.follower.log;
    if (version === this.#version) return;
    throw new SpanweirError('FENCED', `version ${version} was written by somebody else`);
  }

  async #publish(writer: Writer, snapshot: StrategySnapshot, signal: AbortSignal): Promise<number> {
    const { follower, mayDecide, servedVersion, self, context, news } = this.#deps;
    this.#assertAlone();
    // Higher than all that was ever served, also when the topic was made anew.
    const version = Math.max(this.#version + 1, servedVersion() + 1, snapshot.version);
    const records = changes(follower.log.bodies, snapshot, version, (strategy) => this.#bodiesOf(strategy));
    if (records.length === 0 && follower.log.snapshot !== undefined) return this.#version;
    if (!mayDecide()) throw new SpanweirError('FENCED', 'another replica may have been chosen');
    const { services } = snapshot;
    const madeAtMs = context.clock.wallMs();
    records.push(headRecord({ v: version, format: FORMAT, by: self, madeAtMs, services: services.size }));
    try {
      await writer.write(inSends(records).map(toMessages), mayDecide);
    } catch (error) {
      news.wrote(isFenced(error) ? 'fenced' : 'failed');
      this.#writeError = error;
      throw error;
    }
    news.wrote('committed');
    this.#version = version;
    await this.#readBack(version, signal);
    return version;
  }

  /** What is not read here, others may not have either. */
  async #readBack(version: number, signal: AbortSignal): Promise<void> {
    const { follower, context } = this.#deps;
    const patience = new AbortController();
    const waited = context.clock.sleep(READ_BACK_MS, patience.signal);
    await Promise.race([follower.reach(version, signal), waited]);
    patience.abort();
    if (follower.log.version < version) {
      this.#writeError = new SpanweirError('UNAVAILABLE', `version ${version} was written and can't be read`);
      throw this.#writeError;
    }
  }

  #bodiesOf(strategy: Strategy): readonly string[] {
    const known = this.#bodies.get(strategy);
    if (known !== undefined) return known;
    const bodies = serviceBodies(strategy);
    this.#bodies.set(strategy, bodies);
    return bodies;
  }
}

export function isFenced(error: unknown): boolean {
  return error instanceof SpanweirError && error.code === 'FENCED';
}

/** Whole milliseconds since it was last asked. */
function stopwatch(clock: Clock): () => number {
  let lastMs = clock.monotonicMs();
  return () => {
    const nowMs = clock.monotonicMs();
    const sinceMs = Math.round(nowMs - lastMs);
    lastMs = nowMs;
    return sinceMs;
  };
}

type Writer = Pick<TransactionalWriter, 'write'>;

function toMessages(records: readonly TopicRecord[]): Message[] {
  return records.map(({ key, value }) => ({ key, value }));
}
