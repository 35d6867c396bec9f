import { isBroken } from '../base/failpoints.ts';
import { type BlockPlan, MAX_PLANNED_BLOCKS, type PlannedBlock } from './block-plan.ts';

/** A commit that has become possible. */
export interface CommitStep<T> {
  /** Blocks that it ends, oldest first; none when it only makes a plan known or moves over offsets without data. */
  readonly ended: readonly T[];
  readonly nextOffset: number;
  /** Undefined where blocks are not planned. */
  readonly plan: BlockPlan | undefined;
}

interface Entry<T> {
  readonly block: T;
  state: 'sealed' | 'planned' | 'writing' | 'written';
}

/** What is known of the partition besides the blocks in the line. */
export interface LineEnd {
  /** All below was read, or holds nothing. */
  readonly nextOffset: number;
  /** Where the block that is open, or comes next, begins. */
  readonly openFrom: number;
  readonly isOpen: boolean;
  /** `BlockPlan.isAsking`. */
  readonly isAsking?: boolean;
}

/**
 * The blocks of one partition on their way, oldest first: sealed, planned, being written, written. A commit is
 * never ahead of a block that is not written. Where blocks are planned, none is written before a commit that names
 * it was acknowledged, and one at a time: then a table that has a block has all before it.
 */
export class BlockLine<T extends { readonly planned: PlannedBlock }> {
  readonly #isPlanned: boolean;
  readonly #entries: Entry<T>[] = [];
  /** Of an earlier owner's plan, not formed again yet; they come behind all entries. */
  #toReform: readonly PlannedBlock[];
  #committedOffset: number;

  constructor(
    isPlanned: boolean,
    start: { readonly committedOffset: number; readonly toReform: readonly PlannedBlock[] },
  ) {
    this.#isPlanned = isPlanned;
    this.#committedOffset = start.committedOffset;
    this.#toReform = start.toReform;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Blocks whose write has not begun: they wait for their plan, or for the block before them. */
  get waiting(): number {
    let waiting = 0;
    for (const { state } of this.#entries) if (state === 'sealed' || state === 'planned') waiting++;
    return waiting;
  }

  /** The blocks in it, oldest first. */
  *[Symbol.iterator](): Generator<T> {
    for (const { block } of this.#entries) yield block;
  }

  /** A block that was sealed, behind all others. The one that the broker's plan names next is planned already. */
  add(block: T): void {
    const isReformed = this.#toReform[0]?.firstOffset === block.planned.firstOffset;
    if (isReformed) this.#toReform = this.#toReform.slice(1);
    this.#entries.push({ block, state: isReformed ? 'planned' : 'sealed' });
  }

  /** The block whose write may begin now; it counts as being written from here on. */
  nextToWrite(): T | undefined {
    const entry = this.#isPlanned
      ? this.#entries.find(({ state }) => state !== 'written')
      : this.#entries.find(({ state }) => state === 'sealed');
    const isUnplanned = entry?.state === 'sealed' && isBroken('insert_before_plan');
    if (entry === undefined || (entry.state !== (this.#isPlanned ? 'planned' : 'sealed') && !isUnplanned))
      return undefined;
    entry.state = 'writing';
    return entry.block;
  }

  markWritten(block: T): void {
    const entry = this.#entries.find((candidate) => candidate.block === block);
    if (entry !== undefined) entry.state = 'written';
  }

  /** The commit that is due now, if any. Stays due until `acknowledged`. */
  nextCommit(end: LineEnd): CommitStep<T> | undefined {
    const firstUnwritten = this.#entries.findIndex(({ state }) => state !== 'written');
    const count = firstUnwritten === -1 ? this.#entries.length : firstUnwritten;
    const ended = this.#entries.slice(0, count).map(({ block }) => block);
    const rest = this.#entries.slice(count);
    const isAtEnd = rest.length === 0 && this.#toReform.length === 0 && !end.isOpen;
    const endedAt = (ended.at(-1)?.planned.lastOffset ?? -2) + 1;
    const nextOffset = Math.max(this.#committedOffset, isAtEnd ? end.nextOffset : endedAt);
    const hasProgress = ended.length > 0 || nextOffset > this.#committedOffset;
    const needsPlan = this.#isPlanned && rest[0]?.state === 'sealed';
    if (!hasProgress && !needsPlan) return undefined;
    return { ended, nextOffset, plan: this.#isPlanned ? this.#planOf(rest, end) : undefined };
  }

  acknowledged({ ended, nextOffset, plan }: CommitStep<T>): void {
    this.#entries.splice(0, ended.length);
    this.#committedOffset = nextOffset;
    const named = new Set(plan?.blocks);
    for (const entry of this.#entries) {
      if (entry.state === 'sealed' && named.has(entry.block.planned)) entry.state = 'planned';
    }
  }

  /** Empties the line and returns what was in it. */
  clear(): T[] {
    return this.#entries.splice(0).map(({ block }) => block);
  }

  /** Whatever the broker has been told of stays in it; new blocks join as far as there is room. */
  #planOf(rest: readonly Entry<T>[], end: LineEnd): BlockPlan {
    const known = rest.filter(({ state }) => state !== 'sealed').length + this.#toReform.length;
    const joining = rest.filter(({ state }) => state === 'sealed');
    const named = [
      ...rest.filter(({ state }) => state !== 'sealed'),
      ...joining.slice(0, Math.max(0, MAX_PLANNED_BLOCKS - known)),
    ].map(({ block }) => block.planned);
    const blocks = [...named, ...this.#toReform];
    const from = blocks[0]?.firstOffset ?? end.openFrom;
    return { from, blocks, ...(end.isAsking && { isAsking: true }) };
  }
}
