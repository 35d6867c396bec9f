import type { SpanBatch } from '../span/span-batch.ts';
import type { Budget } from './budget.ts';

/** A block that is still being filled, and its share of the lane's budget. */
export class OpenBlock {
  readonly batch: SpanBatch;
  readonly openedAtMs: number;
  readonly #budget: Budget;
  #accountedBytes = 0;
  #heldBytes = 0;

  constructor(batch: SpanBatch, openedAtMs: number, budget: Budget) {
    this.batch = batch;
    this.openedAtMs = openedAtMs;
    this.#budget = budget;
  }

  /** Bytes beside the batch that live until the block is released: those of records that are put aside. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /** Tells the budget what the block holds by now. */
  account(): void {
    const bytes = usedBytes(this.batch) + this.#heldBytes;
    this.#budget.take(bytes - this.#accountedBytes);
    this.#accountedBytes = bytes;
  }

  /** Gives the share back; once. */
  release(): void {
    this.#budget.give(this.#accountedBytes);
    this.#accountedBytes = 0;
  }
}

/** Columns weigh about 120 bytes a span; what is derived and encoded from a batch is in proportion to it. */
const COLUMN_BYTES_PER_SPAN = 120;

export function usedBytes(batch: SpanBatch): number {
  return batch.arenaUsed + batch.spans * COLUMN_BYTES_PER_SPAN;
}
