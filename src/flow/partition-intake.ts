import { aborted } from '../base/aborted.ts';
import { isBroken } from '../base/failpoints.ts';
import type { StoredRange } from './block.ts';
import { type BlockPlan, decodePlan } from './block-plan.ts';
import { type Cut, Cuts } from './cuts.ts';
import type { PartitionIntake, PartitionSource, RecordHeader, SourceRecord } from './intake.ts';
import { type IntakeDeps, isFull, openBlock, reasonOf, releaseBlock } from './intake-shared.ts';
import { usedBytes } from './open-block.ts';
import { PartitionBlock } from './partition-block.ts';
import { PartitionBlocks } from './partition-blocks.ts';
import type { PacedPartition } from './seal-pacer.ts';
import { storedRanges } from './stored-ranges.ts';

/** More than an owner had on their way at once. */
const DOUBTED_BLOCKS = 8;
const HELD = 'has a plan of a newer release, which has to finish it';

export interface PartitionHooks {
  /** Seals what waits anywhere in the lane, because the budget is used up. */
  relieve(): void;
  closed(intake: LanePartitionIntake): void;
  /** Of those that take over what others planned, the one that goes on whatever memory is used. */
  hasTurn(intake: LanePartitionIntake): boolean;
}

/**
 * One partition under one assignment: cuts its records into blocks, first exactly those that an earlier owner
 * planned, then its own. What the sinks have stored without a plan that says so is passed over.
 */
export class LanePartitionIntake implements PartitionIntake, PacedPartition {
  readonly ready: Promise<void>;
  readonly held: string | undefined;
  readonly #source: PartitionSource;
  readonly #deps: IntakeDeps;
  readonly #hooks: PartitionHooks;
  readonly #abort = new AbortController();
  readonly #blocks: PartitionBlocks;
  #cuts: Cuts;
  #open: PartitionBlock | undefined;
  /** Where the block that is open, or comes next, begins. */
  #from: number;
  #nextOffset: number;
  #isReady = false;
  #newBytes = 0;
  /** Blocks to come that may be stored in part, though no plan says so. */
  #doubted = 0;

  constructor(source: PartitionSource, deps: IntakeDeps, hooks: PartitionHooks) {
    this.#source = source;
    this.#deps = deps;
    this.#hooks = hooks;
    const plan = planOf(source, deps);
    const toReform = typeof plan === 'string' ? [] : plan.blocks;
    this.#from = typeof plan === 'string' ? source.position.offset : plan.from;
    this.#nextOffset = source.position.offset;
    this.#cuts = new Cuts(toReform.map((range): Cut => ({ kind: 'planned', range })));
    this.#blocks = new PartitionBlocks({
      source,
      deps,
      dropped: this.#abort.signal,
      toReform,
      end: () => ({
        nextOffset: this.#nextOffset,
        openFrom: this.#from,
        isOpen: this.#open !== undefined,
        isAsking: this.#cuts.hasStored,
      }),
      lose: (error) => this.#lose(error),
    });
    this.held = plan === 'newer' ? HELD : undefined;
    this.ready = this.#prepare(plan).then(() => {
      this.#isReady = true;
      if (this.#open === undefined) this.#blocks.advance();
    });
  }

  get isReforming(): boolean {
    return this.#cuts.planned !== undefined;
  }

  /** Its planned blocks are not all formed, or not all out of memory. */
  get isTakingOver(): boolean {
    return this.isReforming || this.#blocks.reformed > 0;
  }

  /** When the open block was opened; undefined when there is none, or when it ends where its plan says. */
  get lingersSinceMs(): number | undefined {
    return this.#isSealable ? this.#open?.block.openedAtMs : undefined;
  }

  get openBytes(): number {
    return this.#open === undefined ? 0 : usedBytes(this.#open.block.batch);
  }

  get unwrittenBlocks(): number {
    return this.#blocks.unwritten;
  }

  get uncommittedBlocks(): number {
    return this.#blocks.uncommitted;
  }

  get storedUntilMs(): number | undefined {
    return this.#blocks.storedUntilMs(this.#open);
  }

  get isSettled(): boolean {
    return this.#open === undefined && !this.#blocks.isBusy;
  }

  async offer(records: readonly SourceRecord[]): Promise<void> {
    this.#newBytes = records.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0);
    for (const record of records) {
      if (this.#abort.signal.aborted) return;
      this.#take(record);
    }
    if (this.#deps.limits.lingerMs === 0) this.seal();
    if (!this.#deps.budget.isExceeded) return;
    this.#hooks.relieve();
    // Planned blocks have to be read to their end before they give anything back: one partition at a time does so.
    const isFree = (): boolean =>
      !this.#deps.budget.isExceeded || (this.isReforming && this.#hooks.hasTurn(this));
    while (!isFree() && !this.#abort.signal.aborted) await this.#deps.budget.change(this.#abort.signal);
  }

  skipTo(nextOffset: number): void {
    if (nextOffset <= this.#nextOffset || this.#abort.signal.aborted) return;
    this.#reach(nextOffset);
    this.#nextOffset = nextOffset;
    // Before it is known what is stored, a commit would say that this owner knew it.
    if (this.#open === undefined && this.#isReady) this.#blocks.advance();
  }

  /** Ends the open block, unless a plan says where it ends. */
  seal(): void {
    if (this.#isSealable) this.#sealAt(this.#nextOffset - 1);
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.seal();
    await this.#blocks.idle(signal);
  }

  drop(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    if (this.#open !== undefined) releaseBlock(this.#deps, this.#open.block);
    this.#open = undefined;
    this.#blocks.drop();
    this.#hooks.closed(this);
  }

  get #isSealable(): boolean {
    return this.#cuts.planned === undefined || isBroken('seal_by_clock_while_reforming');
  }

  /** With an error: given up without having been told to, so the source must read again what was not committed. */
  #lose(error: Error | undefined): void {
    if (this.#abort.signal.aborted) return;
    this.drop();
    if (error !== undefined) this.#source.abandoned?.(error);
  }

  async #prepare(plan: BlockPlan | 'none' | 'newer'): Promise<void> {
    const { deps, source, where } = { deps: this.#deps, source: this.#source, where: this.#where() };
    if (plan === 'newer') {
      deps.instruments.held.add(1);
      deps.log.error(where, `the partition ${HELD}: it waits`);
      return await aborted(this.#abort.signal);
    }
    if (plan !== 'none' && !plan.isAsking) return;
    const planned = plan === 'none' ? [] : plan.blocks;
    const behind = (planned.at(-1)?.lastOffset ?? source.position.offset - 1) + 1;
    const found = await storedRanges(deps, source, behind, this.#abort.signal);
    const stored = found.filter(({ firstOffset }) => planned.length === 0 || firstOffset >= behind);
    // Nobody knows how far an owner without plans got with the next few blocks.
    if (plan === 'none') this.#doubted = DOUBTED_BLOCKS;
    if (stored.length === 0) return;
    const offsets = stored.reduce(
      (sum, { firstOffset, lastOffset }) => sum + lastOffset - firstOffset + 1,
      0,
    );
    deps.log.warn(
      { ...where, offset: source.position.offset, offsets },
      'records behind the position are stored already, though no plan led to them: they are passed over',
    );
    this.#cuts = new Cuts([
      ...planned.map((range): Cut => ({ kind: 'planned', range })),
      ...stored.map((range: StoredRange): Cut => ({ kind: 'stored', range })),
    ]);
  }

  #take(record: SourceRecord): void {
    this.#reach(record.offset);
    const { instruments, limits, scan } = this.#deps;
    if (this.#isStored(record)) {
      instruments.passedOver.add(1);
      this.#nextOffset = record.offset + 1;
      return;
    }
    this.#open ??= new PartitionBlock(openBlock(this.#deps, this.#newBytes), this.#from, this.#cuts.planned);
    const open = this.#open;
    open.count(record);
    this.#nextOffset = record.offset + 1;
    instruments.records.add(1);
    if (record.value === null) {
      instruments.tombstones.add(1);
    } else {
      instruments.bytes.add(record.value.length);
      try {
        instruments.spans.add(scan(open.block.batch, record.value, this.#source.encoding, record));
      } catch (error) {
        open.block.hold(record.value.length);
        open.countQuarantined(this.#blocks.quarantine({ record: copied(record), reason: reasonOf(error) }));
      }
    }
    open.block.account();
    if (this.#cuts.planned !== undefined) this.#reach(this.#nextOffset);
    if (isFull(open.block.batch, limits)) this.seal();
  }

  /** Makes the cuts that lie below `offset`; what comes next is at `offset` or behind it. */
  #reach(offset: number): void {
    for (let cut = this.#cuts.next; cut !== undefined; cut = this.#cuts.next) {
      const { firstOffset, lastOffset } = cut.range;
      if (cut.kind === 'stored' && this.#open !== undefined && offset >= firstOffset)
        this.#sealAt(firstOffset - 1);
      if (offset <= lastOffset) return;
      if (cut.kind === 'planned') {
        // Nothing of it may be left in the log: then it is an empty block, and said to be one.
        this.#open ??= new PartitionBlock(openBlock(this.#deps, 0), firstOffset, cut.range);
        this.#cuts.leave();
        this.#sealAt(lastOffset);
      } else {
        this.#cuts.leave();
        this.#from = lastOffset + 1;
      }
    }
  }

  #isStored(record: SourceRecord): boolean {
    const place = this.#cuts.placeOf(record);
    if (place !== 'other_log') return place === 'stored';
    this.#deps.instruments.changed('other_log').add(1);
    this.#deps.log.warn(
      { ...this.#where(), offset: record.offset },
      'what is stored under these offsets came from another log of this name: nothing is passed over',
    );
    this.#cuts.forget();
    return false;
  }

  #sealAt(lastOffset: number): void {
    const sealed = this.#open;
    if (sealed === undefined) return;
    this.#open = undefined;
    this.#from = lastOffset + 1;
    if (this.#doubted-- > 0) sealed.wasTried = true;
    const verdict = sealed.seal(lastOffset, this.#source.revision);
    if (verdict !== 'same') {
      const { instruments, log } = this.#deps;
      instruments.changed(verdict).add(1);
      const range = { firstOffset: sealed.firstOffset, lastOffset };
      log.error(
        { ...this.#where(), ...range, verdict },
        'the log does not hold what a planned block was made of',
      );
    }
    this.#blocks.add(sealed);
  }

  #where(): object {
    const { topic, partition } = this.#source;
    return { topic, partition };
  }
}

function planOf(source: PartitionSource, deps: IntakeDeps): BlockPlan | 'none' | 'newer' {
  if (!deps.flow.isEffectOnce) return { from: source.position.offset, blocks: [] };
  const plan = decodePlan(source.position.metadata);
  if (typeof plan === 'string') return plan;
  if (isBroken('plan_ignored_on_takeover')) return { from: plan.from, blocks: [] };
  const blocks = isBroken('plan_cut_short_on_takeover') ? plan.blocks.slice(0, -1) : plan.blocks;
  if (blocks.length > 0) deps.instruments.reformed.add(blocks.length);
  return { ...plan, blocks };
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
