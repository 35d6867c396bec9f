/**
 * The blocks of one partition, oldest first. A block may become safe before an older one does, but the
 * position only moves over a gapless run of safe blocks: the commit is never ahead of durable data.
 */
export class CommitQueue<T> {
  readonly #entries: Entry<T>[] = [];

  get length(): number {
    return this.#entries.length;
  }

  /** Blocks must be added in offset order. */
  add(block: T): void {
    this.#entries.push({ block, isSafe: false });
  }

  markSafe(block: T): void {
    const entry = this.#entries.find((candidate) => candidate.block === block);
    if (entry !== undefined) entry.isSafe = true;
  }

  /** The blocks that may be committed now, oldest first; they stay queued until `remove`. */
  committable(): T[] {
    const firstUnsafe = this.#entries.findIndex((entry) => !entry.isSafe);
    const run = firstUnsafe === -1 ? this.#entries : this.#entries.slice(0, firstUnsafe);
    return run.map((entry) => entry.block);
  }

  /** Takes the oldest `count` blocks off the queue. */
  remove(count: number): void {
    this.#entries.splice(0, count);
  }

  /** Empties the queue and returns what was in it. */
  clear(): T[] {
    return this.#entries.splice(0).map((entry) => entry.block);
  }
}

interface Entry<T> {
  readonly block: T;
  isSafe: boolean;
}
