import { SpanBatch } from '../span/span-batch.ts';

export interface BatchSize {
  readonly arenaBytes: number;
  readonly spans: number;
}

/**
 * Batches are large and short-lived; using them again keeps the garbage collector out of the hot path. A new one
 * is made for a whole block at once, since growing would copy it several times; memory that no span has
 * touched costs nothing.
 */
export class BatchPool {
  readonly #idle: SpanBatch[] = [];
  readonly #keep: number;
  readonly #size: BatchSize;

  /**
   * @param keep how many idle batches to hold on to
   * @param size of a full block; a batch grows where that is not enough
   */
  constructor(keep: number, size: BatchSize) {
    this.#keep = keep;
    this.#size = size;
  }

  take(): SpanBatch {
    return this.#idle.pop() ?? new SpanBatch(this.#size.arenaBytes, this.#size.spans);
  }

  give(batch: SpanBatch): void {
    if (this.#idle.length >= this.#keep) return;
    batch.reset(this.#size.arenaBytes);
    this.#idle.push(batch);
  }
}
