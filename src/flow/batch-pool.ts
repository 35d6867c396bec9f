import { SpanBatch } from '../span/span-batch.ts';

/** Batches are large and short-lived; using them again keeps the garbage collector out of the hot path. */
export class BatchPool {
  readonly #idle: SpanBatch[] = [];
  readonly #keep: number;

  /** @param keep how many idle batches to hold on to */
  constructor(keep: number) {
    this.#keep = keep;
  }

  take(): SpanBatch {
    return this.#idle.pop() ?? new SpanBatch();
  }

  give(batch: SpanBatch): void {
    if (this.#idle.length >= this.#keep) return;
    batch.reset();
    this.#idle.push(batch);
  }
}
