import { SpanweirError, toError } from '../base/errors.ts';
import { isBroken, pass, passSoon } from '../base/failpoints.ts';
import { BlockLine, type CommitStep, type LineEnd } from './block-line.ts';
import { encodePlan, type PlannedBlock } from './block-plan.ts';
import type { SealedBlock } from './data-path.ts';
import type { Delivery } from './delivery.ts';
import type { PartitionSource, QuarantinedRecord, SourceRecord } from './intake.ts';
import { countCommitted, type IntakeDeps, releaseBlock } from './intake-shared.ts';
import type { PartitionBlock } from './partition-block.ts';
import { retrying } from './retry.ts';
import { Waiters } from './waiters.ts';

const IN_TOUCH_CHECK_MS = 100;

export interface PartitionBlocksOptions {
  readonly source: PartitionSource;
  readonly deps: IntakeDeps;
  /** Aborts when the partition is dropped. */
  readonly dropped: AbortSignal;
  readonly toReform: readonly PlannedBlock[];
  readonly end: () => LineEnd;
  /** The assignment is over (no error), or the source must read again what was not committed. */
  readonly lose: (error: Error | undefined) => void;
}

/** The sealed blocks of one partition under one assignment: makes them known, has them written, commits them. */
export class PartitionBlocks {
  readonly #options: PartitionBlocksOptions;
  readonly #line: BlockLine<PartitionBlock>;
  readonly #idle = new Waiters();
  #isCommitting = false;
  #committedUntilMs: number | undefined;
  #submitted = 0;
  #reformed = 0;
  /** Blocks whose commit is on its way: it tells what becomes of them, also after a drop. */
  #ending: readonly PartitionBlock[] = [];

  constructor(options: PartitionBlocksOptions) {
    this.#options = options;
    this.#line = new BlockLine(options.deps.flow.isEffectOnce, {
      committedOffset: options.source.position.offset,
      toReform: options.toReform,
    });
  }

  /** Sealed blocks that the sinks have not answered for, or not even been given. */
  get unwritten(): number {
    return this.#submitted + this.#line.waiting;
  }

  /** Sealed blocks that are not committed, whatever they wait for. */
  get uncommitted(): number {
    return this.#line.length;
  }

  /** Blocks that an earlier owner planned and that still take memory. */
  get reformed(): number {
    return this.#reformed;
  }

  /** See PartitionIntake. `open` is the block behind all others. */
  storedUntilMs(open: PartitionBlock | undefined): number | undefined {
    for (const { bounds } of this.#line) if (bounds !== undefined) return bounds.firstMs;
    return open?.bounds?.firstMs ?? this.#committedUntilMs;
  }

  get isBusy(): boolean {
    return this.#line.length > 0 || this.#isCommitting;
  }

  /** Resolves when nothing is on its way any more, or one of the signals aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    const { dropped } = this.#options;
    while (this.isBusy && !signal.aborted && !dropped.aborted) await this.#idle.wait(signal, dropped);
  }

  add(sealed: PartitionBlock): void {
    this.#line.add(sealed);
    if (sealed.isReformed) this.#reformed += 1;
    this.advance();
  }

  /** Lets everything begin that may begin now. */
  advance(): void {
    if (this.#options.dropped.aborted) return;
    for (let next = this.#line.nextToWrite(); next !== undefined; next = this.#line.nextToWrite()) {
      this.#submit(next);
      if (isBroken('commit_before_insert')) this.#line.markWritten(next);
    }
    void this.#commit();
  }

  #submit(sealed: PartitionBlock): void {
    sealed.isInFlight = true;
    this.#submitted += 1;
    this.#options.deps.flow.submit(this.#delivery(sealed));
  }

  /** Forgets all blocks. One that a sink still reads is released when the sink is done with it. */
  drop(): void {
    const { deps } = this.#options;
    for (const sealed of this.#line.clear()) {
      if (this.#ending.includes(sealed)) continue;
      deps.instruments.blocks('dropped').add(1);
      if (!sealed.isInFlight) releaseBlock(deps, sealed.block);
    }
  }

  quarantine(quarantined: QuarantinedRecord): Promise<void> {
    const { deps, dropped, source } = this.#options;
    deps.instruments.quarantined(quarantined.reason).add(1);
    return retrying(() => source.quarantine(quarantined), dropped, {
      initialMs: 200,
      maxMs: 10_000,
      clock: deps.clock,
      random: deps.random,
      isFinal: () => false,
      onFailure: (err, waitMs) =>
        deps.log.warn({ err, waitMs }, 'a bad record could not be put aside; trying again'),
    }).catch(() => {
      // Only an abort ends the tries: the record will be read again by whoever owns the partition next.
    });
  }

  #delivery(sealed: PartitionBlock): Delivery<SealedBlock> {
    const { source, dropped } = this.#options;
    const outlivesDrop = isBroken('commit_under_newer_generation');
    const mayBegin = (): boolean =>
      outlivesDrop || isBroken('write_after_session_timeout') || (!dropped.aborted && source.mayBegin());
    return {
      value: { origin: sealed.origin(source), batch: sealed.block.batch, mayBegin },
      signal: outlivesDrop ? new AbortController().signal : dropped,
      ack: () => {
        this.#submitted -= 1;
        void this.#written(sealed);
      },
      nack: (error) => {
        this.#submitted -= 1;
        void this.#refused(sealed, error);
      },
    };
  }

  async #written(sealed: PartitionBlock): Promise<void> {
    await Promise.all(sealed.quarantines);
    sealed.isInFlight = false;
    pass('inserted');
    const { deps, dropped, source } = this.#options;
    if (dropped.aborted) {
      if (isBroken('commit_under_newer_generation')) await source.commit(sealed.planned.lastOffset + 1, null);
      releaseBlock(deps, sealed.block);
      return;
    }
    this.#line.markWritten(sealed);
    this.advance();
  }

  /** No sink can ever take this block: its records are put aside, so that the partition goes on. */
  async #refused(sealed: PartitionBlock, error: Error): Promise<void> {
    const { deps, dropped, source, lose } = this.#options;
    const isRefusal =
      error instanceof SpanweirError && (error.code === 'REFUSED' || error.code === 'BAD_DATA');
    if (!isRefusal || dropped.aborted) {
      sealed.isInFlight = false;
      if (dropped.aborted) releaseBlock(deps, sealed.block);
      else if (isOutOfTouch(error)) await this.#writeOnceInTouch(sealed);
      else lose(error);
      return;
    }
    deps.instruments.blocks('refused').add(1);
    const { firstOffset, lastOffset } = sealed.planned;
    const where = { topic: source.topic, partition: source.partition, firstOffset, lastOffset };
    deps.log.error({ err: error, ...where }, 'a block was refused for good: quarantined');
    const { batch } = sealed.block;
    deps.flow.forget(batch);
    for (let i = 0; i < batch.records; i++) {
      const record: SourceRecord = {
        offset: batch.recordOffset[i] as number,
        timestampMs: batch.recordTimestampMs[i] as number,
        key: null,
        value: batch.arena.subarray(batch.recordAt[i], batch.recordEnd[i]),
      };
      sealed.countQuarantined(this.quarantine({ record, reason: 'block_refused' }));
    }
    await Promise.all(sealed.quarantines);
    if (dropped.aborted || !deps.flow.isEffectOnce || batch.records === 0) return await this.#written(sealed);
    // The range is still told of, as a block without rows: else it would look as if it had been lost.
    batch.reset();
    this.#submit(sealed);
  }

  /**
   * The coordinator was not heard of for a while, and perhaps nothing has happened: leaving the group for that would
   * make all its members begin anew. The next heartbeat tells; who has lost the partition is dropped then.
   */
  async #writeOnceInTouch(sealed: PartitionBlock): Promise<void> {
    const { deps, dropped, source } = this.#options;
    while (!dropped.aborted && !source.mayBegin()) await deps.clock.sleep(IN_TOUCH_CHECK_MS, dropped);
    if (dropped.aborted) return;
    sealed.wasTried = true;
    this.#submit(sealed);
  }

  /** One commit at a time. Nothing left is found in the turn in which this ends, so that no block is overlooked. */
  async #commit(): Promise<void> {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    try {
      for (let next = this.#nextCommit(); next !== undefined; next = this.#nextCommit()) {
        await this.#commitStep(next);
      }
    } finally {
      this.#isCommitting = false;
      if (!this.isBusy) this.#idle.wake();
    }
  }

  #nextCommit(): CommitStep<PartitionBlock> | undefined {
    return this.#options.dropped.aborted ? undefined : this.#line.nextCommit(this.#options.end());
  }

  async #commitStep(step: CommitStep<PartitionBlock>): Promise<void> {
    const { deps, dropped } = this.#options;
    this.#ending = step.ended;
    const isCommitted = (await this.#commitUntilAnswered(step)) === 'committed';
    this.#ending = [];
    for (const { block, isReformed, bounds } of step.ended) {
      if (isReformed) this.#reformed -= 1;
      if (isCommitted) this.#committedUntilMs = bounds?.lastMs ?? this.#committedUntilMs;
      // Also when the partition was dropped meanwhile: the broker has moved the position, so it counts.
      if (isCommitted) deps.flow.committed(block.batch);
      if (isCommitted) countCommitted(deps, block);
      else deps.instruments.blocks('dropped').add(1);
      releaseBlock(deps, block);
    }
    deps.budget.nudge();
    if (!isCommitted || dropped.aborted) return;
    this.#line.acknowledged(step);
    if ((step.plan?.blocks.length ?? 0) > 0) pass('plan_committed');
    this.advance();
  }

  async #commitUntilAnswered({
    ended,
    nextOffset,
    plan,
  }: CommitStep<PartitionBlock>): Promise<'committed' | 'fenced'> {
    const { source, deps, dropped, lose } = this.#options;
    const { clock, random, log } = deps;
    const metadata = plan === undefined ? null : encodePlan(plan);
    const offset = isBroken('committed_offset_one_ahead') ? nextOffset + 1 : nextOffset;
    const commit = (): Promise<'committed' | 'fenced'> => {
      const answer = source.commit(offset, metadata);
      passSoon(ended.length > 0 ? 'end_commit_sent' : 'plan_commit_sent');
      return answer;
    };
    try {
      const answer = await retrying(commit, dropped, {
        initialMs: 100,
        maxMs: 2000,
        clock,
        random,
        isFinal: (error) => error instanceof SpanweirError && error.code === 'FENCED',
        onFailure: (err, waitMs) => log.warn({ err, waitMs, nextOffset }, 'commit failed; trying again'),
      });
      if (answer === 'fenced') lose(undefined);
      return answer;
    } catch (error) {
      lose(toError(error));
      return 'fenced';
    }
  }
}

function isOutOfTouch(error: Error): boolean {
  return error instanceof SpanweirError && error.code === 'FENCED';
}
