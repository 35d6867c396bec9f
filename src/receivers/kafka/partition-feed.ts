import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Gauge, Log } from '../../base/instruments.ts';
import type { Encoding, PartitionIntake, SourceRecord } from '../../flow/intake.ts';
import type { Assignment } from '../../kafka/assignment.ts';
import type { FetchedBatch, TroubledRange } from '../../kafka/fetched-batch.ts';
import type { GroupMember } from '../../kafka/group-member.ts';
import type { DeadLetter } from './dead-letters.ts';
import { withHeaders } from './header-extraction.ts';

/** What all partitions of one lane share. */
export interface FeedDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly clusterId: string;
  readonly encoding: Encoding;
  /** Headers that become resource attributes. */
  readonly headers: readonly string[];
  /** Partitions whose records wait for room in the intake. */
  readonly waiting: { count: number };
  /** Some partition of the lane is forming again what an earlier owner planned. */
  isReforming(): boolean;
  putAside(letter: DeadLetter): Promise<void>;
  /** A batch that can't be read is put aside. */
  unreadable(kind: TroubledRange['kind']): void;
  failed(error: Error): void;
}

/** Beyond so many partitions that wait for room the fetches wait too: that is what bounds the fetched bytes in memory. */
const MAX_WAITING = 4;
/** How often a batch with a wrong checksum is fetched again before it is put aside. */
const CORRUPT_TRIES = 3;
/** Before the first of them; then twice and three times as long. All together well under a second, which nobody notices. */
const CORRUPT_WAIT_MS = 50;

/** One partition under one assignment: from fetched batches to the intake, in order, once. */
export class PartitionFeed {
  readonly topic: string;
  readonly partition: number;
  readonly lag: Gauge | undefined;
  readonly #assignment: Assignment;
  readonly #member: GroupMember;
  readonly #deps: FeedDeps;
  #intake: PartitionIntake;
  /** What the next batch must begin with; another one is a late answer to an older fetch. */
  #nextOffset: number;
  #corruptAt = -1;
  #corruptTries = 0;
  #isWaiting = false;
  /** Waits for something else than room, with nothing fetched but what can't be read: others go on. */
  #isHeld = false;
  /** As far as the brokers have told; undefined until they have. */
  #end: number | undefined;
  /** When something was read or committed last. */
  #movedMs: number;
  /** When it was last looked whether something stands still, and nothing had to move. */
  #idleMs = 0;
  /** Counted among those that wait for room. */
  #isCounted = false;
  /** Ends the wait of the fetches for this partition. */
  #freeFetches = (): void => {};

  constructor(
    at: { readonly topic: string; readonly partition: number; readonly offset: number },
    intake: PartitionIntake,
    of: { readonly assignment: Assignment; readonly member: GroupMember; readonly lag: Gauge | undefined },
    deps: FeedDeps,
  ) {
    this.topic = at.topic;
    this.partition = at.partition;
    this.lag = of.lag;
    this.#nextOffset = at.offset;
    this.#intake = intake;
    this.#assignment = of.assignment;
    this.#member = of.member;
    this.#deps = deps;
    this.#movedMs = deps.clock.monotonicMs();
  }

  get intake(): PartitionIntake {
    return this.#intake;
  }

  /** Paused until the intake has room: no fetch tells how far the partition's end has moved meanwhile. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Nobody has told yet where the partition ends: it may be far behind, or hold nothing. */
  get isEndUnknown(): boolean {
    return this.#end === undefined;
  }

  /**
   * All records before this are stored, by their timestamps. At the end of the log that is the time at which the
   * brokers last told so.
   */
  completeUntilMs(toldMs: number): number | undefined {
    const isAtEnd = this.#end !== undefined && this.#nextOffset >= this.#end && !this.#isWaiting;
    return isAtEnd && this.#intake.isSettled ? toldMs : this.#intake.storedUntilMs;
  }

  hasMoved(): void {
    this.#movedMs = this.#deps.clock.monotonicMs();
  }

  /** Milliseconds since something was read or committed. */
  get unmovedMs(): number {
    return this.#deps.clock.monotonicMs() - this.#movedMs;
  }

  /** To be asked every second or so: for how long nothing moved though something should. */
  stalledMs(isAble: boolean): number {
    const isBehind = this.#nextOffset < (this.#end ?? 0) || !this.#intake.isSettled;
    const nowMs = this.#deps.clock.monotonicMs();
    const isHeld = this.#isHeld || this.#intake.held !== undefined;
    if (!isBehind || isHeld || !isAble) this.#idleMs = nowMs;
    return nowMs - Math.max(this.#movedMs, this.#idleMs);
  }

  /** The partition ends before this offset. */
  endsAt(offset: number): void {
    this.#end = offset;
    this.lag?.set(Math.max(0, offset - this.#nextOffset));
  }

  /** Resolves when the next fetch may begin: at once, unless many partitions wait for room already. */
  async take(batch: FetchedBatch): Promise<void> {
    if (Number(batch.fetchedOffset) !== this.#nextOffset) return;
    this.#moveTo(batch.nextOffset);
    this.endsAt(Number(batch.highWatermark));
    let isDone = false;
    this.#isHeld = this.#intake.held !== undefined;
    const { waiting } = this.#deps;
    const work = this.#offer(batch)
      .catch((error: unknown) => this.#deps.failed(toError(error)))
      .then(() => {
        isDone = true;
      });
    await nextTurn();
    if (isDone || !this.#isCurrent()) return;
    this.#member.pause(this.topic, this.partition);
    this.#isWaiting = true;
    this.#count(!this.#isHeld);
    const free = new Promise<void>((resolve) => {
      this.#freeFetches = resolve;
    });
    void work.then(() => {
      this.#count(false);
      this.#isWaiting = false;
      if (this.#isCurrent()) this.#member.resume(this.topic, this.partition);
      this.#freeFetches();
    });
    // Where planned blocks have to be read on before anything is given back, those who wait must not hold them up.
    if (this.#isHeld || waiting.count <= MAX_WAITING || this.#deps.isReforming()) return;
    await this.#member.holdFor(settledOrAborted(free, this.#assignment.ending));
  }

  #count(isCounted: boolean): void {
    if (isCounted !== this.#isCounted) this.#deps.waiting.count += isCounted ? 1 : -1;
    this.#isCounted = isCounted;
  }

  /** The log does not hold the position any more: goes on at `offset`, with `reopen`ed intake if that is back. */
  moved(offset: number, reopen: () => PartitionIntake): 'back' | 'on' {
    const way = offset < this.#nextOffset ? 'back' : 'on';
    if (way === 'back') {
      this.#intake.drop();
      this.#intake = reopen();
    } else this.#intake.skipTo(offset);
    this.#nextOffset = offset;
    return way;
  }

  async #offer(batch: FetchedBatch): Promise<void> {
    const records = this.#prepared(batch.records);
    const intake = this.#intake;
    await intake.ready;
    if (intake !== this.#intake || !this.#isCurrent()) return batch.release();
    const offered = records.length > 0 ? intake.offer(records) : undefined;
    // The intake has copied what it takes by now. What is put aside for trouble still refers to the bytes.
    if (batch.trouble === undefined) batch.release();
    await offered;
    if (intake !== this.#intake || !this.#isCurrent()) return;
    if ((records.at(-1)?.offset ?? -1) + 1 < batch.nextOffset) intake.skipTo(batch.nextOffset);
    if (batch.trouble !== undefined) await this.#pass(batch.trouble);
  }

  #prepared(records: readonly SourceRecord[]): readonly SourceRecord[] {
    const { headers, encoding } = this.#deps;
    if (headers.length === 0) return records;
    return records.map((record) => withHeaders(record, headers, encoding));
  }

  /** Deals with a batch that can't be read: fetch it again, or put it aside and go on behind it. */
  async #pass(trouble: TroubledRange): Promise<void> {
    const { clock, log } = this.#deps;
    const where = { topic: this.topic, partition: this.partition, offset: trouble.firstOffset };
    this.#isHeld = true;
    this.#count(false);
    this.#freeFetches();
    if (trouble.kind === 'corrupt' && this.#mayTryAgain(trouble.firstOffset)) {
      log.warn(where, 'a record batch has a wrong checksum: fetching it again');
      return await clock.sleep(CORRUPT_WAIT_MS * this.#corruptTries, this.#assignment.ending);
    }
    this.#deps.unreadable(trouble.kind);
    log.error(
      { ...where, lastOffset: trouble.lastOffset },
      `a record batch is put aside: ${trouble.message}`,
    );
    await this.#putAside(trouble);
    if (!this.#isCurrent()) return;
    this.#moveTo(trouble.lastOffset + 1);
    this.#intake.skipTo(trouble.lastOffset + 1);
  }

  #mayTryAgain(offset: number): boolean {
    if (offset !== this.#corruptAt) this.#corruptTries = 0;
    this.#corruptAt = offset;
    this.#corruptTries += 1;
    return this.#corruptTries <= CORRUPT_TRIES;
  }

  async #putAside(trouble: TroubledRange): Promise<void> {
    const { clock, log, clusterId } = this.#deps;
    const letter: DeadLetter = {
      clusterId,
      topic: this.topic,
      partition: this.partition,
      record: { offset: trouble.firstOffset, timestampMs: 0, key: null, value: trouble.bytes },
      lastOffset: trouble.lastOffset,
      reason: `batch_${trouble.kind}`,
    };
    for (let waitMs = 200; this.#isCurrent(); waitMs = Math.min(10_000, waitMs * 2)) {
      try {
        return await this.#deps.putAside(letter);
      } catch (error) {
        log.warn({ err: toError(error), waitMs }, 'a record batch could not be put aside; trying again');
        await clock.sleep(waitMs, this.#assignment.ending);
      }
    }
  }

  #moveTo(nextOffset: number): void {
    if (nextOffset === this.#nextOffset) return;
    this.#nextOffset = nextOffset;
    this.hasMoved();
    this.#member.goOnAt(this.topic, this.partition, nextOffset);
  }

  #isCurrent(): boolean {
    return this.#assignment.isCurrent && !this.#assignment.ending.aborted;
  }
}

async function settledOrAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let release = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    release = resolve;
  });
  signal.addEventListener('abort', release, { once: true });
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', release);
}
