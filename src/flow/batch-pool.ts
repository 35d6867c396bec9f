import { SpanBatch } from '../span/span-batch.ts';

export interface BatchSize {
  readonly arenaBytes: number;
  readonly spans: number;
}

/** Of a batch that is made for less than a whole block. */
const SMALLEST_BYTES = 1 << 18;

/**
 * Batches are large and short-lived; using them again keeps the garbage collector out of the hot path. While few are
 * in use a new one is made for a whole block at once, since growing would copy it several times; memory that no
 * span has touched costs nothing. Beyond that, where each of many partitions has a block, it is made for what is there to be
 * put into it: V8 counts all of a batch's memory as used, and looks through its heap for every 64 MB of it.
 */
export class BatchPool {
  /** From the smallest to the largest. */
  readonly #idle: SpanBatch[] = [];
  readonly #few: number;
  readonly #full: BatchSize;
  readonly #mostIdleBytes: number;
  #idleBytes = 0;
  #used = 0;

  /**
   * @param few up to how many are made for a whole block; as much memory of idle ones is held on to
   * @param full of a full block; a batch grows where that is not enough
   */
  constructor(few: number, full: BatchSize) {
    this.#few = few;
    this.#full = full;
    this.#mostIdleBytes = few * full.arenaBytes;
  }

  /** @param wantedBytes that will be put into it; more may come */
  take(wantedBytes = this.#full.arenaBytes): SpanBatch {
    this.#used += 1;
    const wanted = this.#used > this.#few ? sizeFor(wantedBytes, this.#full) : this.#full;
    const place = this.#idle.findIndex(({ arena }) => arena.length >= wanted.arenaBytes);
    const [batch] = place < 0 ? [] : this.#idle.splice(place, 1);
    if (batch === undefined) return new SpanBatch(wanted.arenaBytes, wanted.spans);
    this.#idleBytes -= batch.arena.length;
    return batch;
  }

  give(batch: SpanBatch): void {
    this.#used -= 1;
    batch.reset(this.#full.arenaBytes);
    const place = this.#idle.findIndex(({ arena }) => arena.length >= batch.arena.length);
    this.#idle.splice(place < 0 ? this.#idle.length : place, 0, batch);
    this.#idleBytes += batch.arena.length;
    while (this.#idleBytes > this.#mostIdleBytes) this.#idleBytes -= this.#idle.shift()?.arena.length ?? 0;
  }
}

/** A power of two of bytes, and the spans that come with them in a full block; no more than that. */
function sizeFor(bytes: number, full: BatchSize): BatchSize {
  const arenaBytes = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))));
  if (arenaBytes >= full.arenaBytes) return full;
  return { arenaBytes, spans: Math.ceil(full.spans * (arenaBytes / full.arenaBytes)) };
}
