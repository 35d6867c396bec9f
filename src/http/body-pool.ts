const SMALLEST = 1 << 14;
/** Most that is kept for later, all sizes together. */
const MAX_KEPT_BYTES = 8 << 20;
/** Most that is in use: a body has its memory once its head has come, and heads are cheap to send. */
const MAX_USED_BYTES = 64 << 20;

/**
 * Memory for bodies that is used again: a fresh buffer for each body has to be collected, and for every 64 MB of them V8 looks
 * through its whole heap.
 */
export class BodyPool {
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;
  #usedBytes = 0;

  /** At least so many bytes, with anything in them; undefined while too many are in use. */
  take(bytes: number): Buffer | undefined {
    const size = bytes <= SMALLEST ? SMALLEST : 2 ** Math.ceil(Math.log2(bytes));
    if (this.#usedBytes + size > MAX_USED_BYTES) return undefined;
    this.#usedBytes += size;
    const kept = this.#free.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** What came from `take` and nobody writes to or reads from any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    this.#usedBytes -= size;
    if (this.#keptBytes + size > MAX_KEPT_BYTES) return;
    this.#keptBytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
  }
}
