import type { StoredRange } from './block.ts';
import type { PlannedBlock } from './block-plan.ts';
import type { SourceRecord } from './intake.ts';

/** Where the blocks of a partition must begin and end, because of what was there before this assignment. */
export type Cut =
  | { readonly kind: 'planned'; readonly range: PlannedBlock }
  | { readonly kind: 'stored'; readonly range: StoredRange };

/** Cuts in offset order, disjoint; those that lie behind are forgotten. */
export class Cuts {
  readonly #cuts: readonly Cut[];
  #at = 0;

  constructor(cuts: readonly Cut[]) {
    this.#cuts = cuts;
  }

  /** The cut that comes next or that the records are in. */
  get next(): Cut | undefined {
    return this.#cuts[this.#at];
  }

  /** The plan that the block at hand has to follow. */
  get planned(): PlannedBlock | undefined {
    const cut = this.#cuts[this.#at];
    return cut?.kind === 'planned' ? cut.range : undefined;
  }

  /** Something that is stored lies ahead, or the records are in it. */
  get hasStored(): boolean {
    return this.#cuts.at(-1)?.kind === 'stored' && this.#at < this.#cuts.length;
  }

  /** The next cut lies behind. */
  leave(): void {
    this.#at += 1;
  }

  forget(): void {
    this.#at = this.#cuts.length;
  }

  /**
   * Whether a record is a part of what is stored. 'other_log' when what is stored under its offset came from a log
   * that was there before, of the same name: a record at the very beginning of a stored block has the block's
   * timestamp, and none is younger than its youngest.
   */
  placeOf({ offset, timestampMs }: SourceRecord): 'stored' | 'new' | 'other_log' {
    const cut = this.#cuts[this.#at];
    if (cut?.kind !== 'stored' || offset < cut.range.firstOffset) return 'new';
    const { firstOffset, firstTimestampMs, lastTimestampMs } = cut.range;
    const timeMs = Math.max(0, timestampMs);
    const isOther = offset === firstOffset ? timeMs !== firstTimestampMs : timeMs > lastTimestampMs;
    return isOther ? 'other_log' : 'stored';
  }
}
