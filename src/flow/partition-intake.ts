import { SpanweirError, toError } from '../base/errors.ts';
import { CommitQueue } from './commit-queue.ts';
import type { SealedBlock } from './data-path.ts';
import type { Delivery } from './delivery.ts';
import type {
  PartitionIntake,
  PartitionSource,
  QuarantinedRecord,
  RecordHeader,
  SourceRecord,
} from './intake.ts';
import { type IntakeDeps, isFull, openBlock, reasonOf, releaseBlock } from './intake-shared.ts';
import type { OpenBlock } from './open-block.ts';
import { retrying } from './retry.ts';
import { Waiters } from './waiters.ts';

/** An exact range of offsets, from its first record to its commit. */
interface PartitionBlock {
  readonly block: OpenBlock;
  readonly firstOffset: number;
  lastOffset: number;
  readonly firstTimestampMs: number;
  /** Records put aside; the block is not safe before they are. */
  readonly quarantines: Promise<void>[];
  /** Still read by a sink. */
  isInFlight: boolean;
}

type CommitRun = { readonly run: readonly PartitionBlock[]; readonly nextOffset: number };

export interface PartitionHooks {
  /** Seals what waits anywhere in the lane, because the budget is used up. */
  relieve(): void;
  closed(intake: LanePartitionIntake): void;
}

/** One partition under one assignment: cuts records into blocks and commits them in order. */
export class LanePartitionIntake implements PartitionIntake {
  readonly #source: PartitionSource;
  readonly #deps: IntakeDeps;
  readonly #hooks: PartitionHooks;
  readonly #queue = new CommitQueue<PartitionBlock>();
  readonly #abort = new AbortController();
  #open: PartitionBlock | undefined;
  #nextOffset = -1;
  #committedOffset = -1;
  #isCommitting = false;
  readonly #idle = new Waiters();

  constructor(source: PartitionSource, deps: IntakeDeps, hooks: PartitionHooks) {
    this.#source = source;
    this.#deps = deps;
    this.#hooks = hooks;
  }

  async offer(records: readonly SourceRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#abort.signal.aborted) return;
      this.#take(record);
    }
    if (this.#deps.limits.lingerMs === 0) this.seal();
    if (!this.#deps.budget.isExceeded) return;
    this.#hooks.relieve();
    await this.#deps.budget.room(this.#abort.signal);
  }

  skipTo(nextOffset: number): void {
    if (nextOffset <= this.#nextOffset) return;
    this.#nextOffset = nextOffset;
    if (this.#open !== undefined) this.#open.lastOffset = nextOffset - 1;
    else if (this.#queue.length === 0) this.#commitSoon();
  }

  /** Ends the open block when it has waited for `lingerMs`. */
  sealIfOlder(nowMs: number, lingerMs: number): void {
    if (this.#open !== undefined && nowMs - this.#open.block.openedAtMs >= lingerMs) this.seal();
  }

  seal(): void {
    const sealed = this.#open;
    if (sealed === undefined) return;
    this.#open = undefined;
    sealed.isInFlight = true;
    this.#queue.add(sealed);
    this.#deps.flow.submit(this.#delivery(sealed));
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.seal();
    while (this.#isBusy() && !signal.aborted && !this.#abort.signal.aborted) {
      await this.#idle.wait(signal, this.#abort.signal);
    }
  }

  drop(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    if (this.#open !== undefined) releaseBlock(this.#deps, this.#open.block);
    this.#open = undefined;
    // A block that a sink still reads is released when the sink is done with it.
    for (const block of this.#queue.clear()) {
      this.#deps.instruments.blocks('dropped').add(1);
      if (!block.isInFlight) releaseBlock(this.#deps, block.block);
    }
    this.#hooks.closed(this);
  }

  /** Given up without having been told to: the source must read again what was not committed. */
  #abandon(error: Error): void {
    if (this.#abort.signal.aborted) return;
    this.drop();
    this.#source.abandoned?.(error);
  }

  #isBusy(): boolean {
    return this.#queue.length > 0 || this.#isCommitting;
  }

  #take(record: SourceRecord): void {
    this.#open ??= {
      block: openBlock(this.#deps),
      firstOffset: record.offset,
      lastOffset: record.offset,
      firstTimestampMs: record.timestampMs,
      quarantines: [],
      isInFlight: false,
    };
    const open = this.#open;
    open.lastOffset = record.offset;
    this.#nextOffset = record.offset + 1;
    const { instruments, limits, scan } = this.#deps;
    instruments.records.add(1);
    if (record.value === null) {
      instruments.tombstones.add(1);
    } else {
      instruments.bytes.add(record.value.length);
      try {
        instruments.spans.add(scan(open.block.batch, record.value, this.#source.encoding, record));
      } catch (error) {
        open.quarantines.push(this.#quarantine({ record: copied(record), reason: reasonOf(error) }));
      }
    }
    open.block.account();
    if (isFull(open.block.batch, limits)) this.seal();
  }

  #quarantine(quarantined: QuarantinedRecord): Promise<void> {
    this.#deps.instruments.quarantined(quarantined.reason).add(1);
    const { clock, random, log } = this.#deps;
    return retrying(() => this.#source.quarantine(quarantined), this.#abort.signal, {
      initialMs: 200,
      maxMs: 10_000,
      clock,
      random,
      isFinal: () => false,
      onFailure: (err, waitMs) =>
        log.warn({ err, waitMs }, 'a bad record could not be put aside; trying again'),
    }).catch(() => {
      // Only an abort ends the tries: the record will be read again by whoever owns the partition next.
    });
  }

  #delivery(sealed: PartitionBlock): Delivery<SealedBlock> {
    const { clusterId, topic, partition, revision } = this.#source;
    const { firstOffset, lastOffset, firstTimestampMs } = sealed;
    return {
      value: {
        origin: {
          kind: 'kafka',
          clusterId,
          topic,
          partition,
          firstOffset,
          lastOffset,
          firstTimestampMs,
          revision,
        },
        batch: sealed.block.batch,
      },
      signal: this.#abort.signal,
      ack: () => void this.#written(sealed),
      nack: (error) => void this.#refused(sealed, error),
    };
  }

  async #written(sealed: PartitionBlock): Promise<void> {
    await Promise.all(sealed.quarantines);
    sealed.isInFlight = false;
    if (this.#abort.signal.aborted) {
      releaseBlock(this.#deps, sealed.block);
      return;
    }
    this.#queue.markSafe(sealed);
    await this.#commit();
  }

  /** No sink can ever take this block: its records are put aside, so that the partition goes on. */
  async #refused(sealed: PartitionBlock, error: Error): Promise<void> {
    const isRefusal =
      error instanceof SpanweirError && (error.code === 'REFUSED' || error.code === 'BAD_DATA');
    if (!isRefusal || this.#abort.signal.aborted) {
      sealed.isInFlight = false;
      if (this.#abort.signal.aborted) releaseBlock(this.#deps, sealed.block);
      else this.#abandon(error);
      return;
    }
    this.#deps.instruments.blocks('refused').add(1);
    this.#deps.log.error({ err: error, ...this.#where(sealed) }, 'a block was refused for good: quarantined');
    const { batch } = sealed.block;
    this.#deps.flow.forget(batch);
    for (let i = 0; i < batch.records; i++) {
      const value = batch.arena.subarray(batch.recordAt[i], batch.recordEnd[i]);
      const record: SourceRecord = {
        offset: batch.recordOffset[i] as number,
        timestampMs: batch.recordTimestampMs[i] as number,
        key: null,
        value,
      };
      sealed.quarantines.push(this.#quarantine({ record, reason: 'block_refused' }));
    }
    await this.#written(sealed);
  }

  #where(sealed: PartitionBlock): object {
    const { topic, partition } = this.#source;
    return { topic, partition, firstOffset: sealed.firstOffset, lastOffset: sealed.lastOffset };
  }

  #commitSoon(): void {
    if (this.#committedOffset < this.#nextOffset) void this.#commit();
  }

  /** One commit at a time. Nothing left is found in the turn in which this ends, so that no block is overlooked. */
  async #commit(): Promise<void> {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    try {
      for (let next = this.#committable(); next !== undefined; next = this.#committable()) {
        await this.#commitRun(next);
      }
    } finally {
      this.#isCommitting = false;
      if (!this.#isBusy()) this.#idle.wake();
    }
  }

  /** What may be committed now; undefined when there is nothing or the assignment is over. */
  #committable(): CommitRun | undefined {
    if (this.#abort.signal.aborted) return undefined;
    const run = this.#queue.committable();
    const isAtEnd = run.length === this.#queue.length && this.#open === undefined;
    const nextOffset = isAtEnd ? this.#nextOffset : (run.at(-1)?.lastOffset ?? -2) + 1;
    return nextOffset <= this.#committedOffset ? undefined : { run, nextOffset };
  }

  async #commitRun({ run, nextOffset }: CommitRun): Promise<void> {
    this.#queue.remove(run.length);
    const isCommitted = (await this.#commitUntilAnswered(nextOffset)) === 'committed';
    // Also when the partition was dropped meanwhile: the broker has moved the position, so it counts.
    if (isCommitted) this.#committedOffset = nextOffset;
    for (const { block } of run) {
      if (isCommitted) this.#deps.flow.committed(block.batch);
      this.#deps.instruments.blocks(isCommitted ? 'committed' : 'dropped').add(1);
      releaseBlock(this.#deps, block);
    }
  }

  async #commitUntilAnswered(nextOffset: number): Promise<'committed' | 'fenced'> {
    const { clock, random, log } = this.#deps;
    try {
      const answer = await retrying(() => this.#source.commit(nextOffset), this.#abort.signal, {
        initialMs: 100,
        maxMs: 2000,
        clock,
        random,
        isFinal: (error) => error instanceof SpanweirError && error.code === 'FENCED',
        onFailure: (err, waitMs) => log.warn({ err, waitMs, nextOffset }, 'commit failed; trying again'),
      });
      if (answer === 'fenced') this.drop();
      return answer;
    } catch (error) {
      this.#abandon(toError(error));
      return 'fenced';
    }
  }
}

/** The record's bytes belong to the fetch buffer, which is gone by the time that the dead letter is written. */
function copied(record: SourceRecord): SourceRecord {
  return {
    ...record,
    key: record.key === null ? null : Uint8Array.from(record.key),
    value: record.value === null ? null : Uint8Array.from(record.value),
    ...(record.headers && { headers: record.headers.map(copiedHeader) }),
  };
}

function copiedHeader({ key, value }: RecordHeader): RecordHeader {
  return { key, value: typeof value === 'string' || value === null ? value : Uint8Array.from(value) };
}
