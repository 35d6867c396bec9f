import type { Admin } from 'kafkajs';

/** Watches how long records wait at the head of their partition while the committed position stands still. */
export class GapWatch {
  readonly #admin: Admin;
  readonly #group: string;
  readonly #topic: string;
  /** By partition: when the record at an offset was acknowledged to its producer. */
  readonly #ackedMs = new Map<number, Map<number, number>>();
  readonly #committed = new Map<number, number>();
  readonly #movedMs = new Map<number, number>();
  #longest = new Map<number, number>();
  #isOver = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(admin: Admin, of: { group: string; topic: string }) {
    this.#admin = admin;
    this.#group = of.group;
    this.#topic = of.topic;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  acked(partition: number, offset: number): void {
    const known = this.#ackedMs.get(partition) ?? new Map<number, number>();
    this.#ackedMs.set(partition, known.set(offset, performance.now()));
  }

  committed(partition: number): number {
    return this.#committed.get(partition) ?? 0;
  }

  /** Longest waits since the last call, by partition, ms. */
  takeLongest(): ReadonlyMap<number, number> {
    const longest = this.#longest;
    this.#longest = new Map();
    return longest;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      // A broker that has just been started does not know its groups at once.
      const topics = [this.#topic];
      const [answer] = await this.#admin.fetchOffsets({ groupId: this.#group, topics }).catch(() => []);
      const nowMs = performance.now();
      for (const { partition, offset } of answer?.partitions ?? [])
        this.#look(partition, Number(offset), nowMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #look(partition: number, committed: number, nowMs: number): void {
    if (committed < 0) return;
    const before = this.#committed.get(partition);
    if (before !== undefined) {
      // Counted also in the look in which it has moved: the wait has been that long at most.
      const headMs = this.#ackedMs.get(partition)?.get(before) ?? nowMs;
      const waitedMs = nowMs - Math.max(headMs, this.#movedMs.get(partition) ?? 0);
      this.#longest.set(partition, Math.max(this.#longest.get(partition) ?? 0, waitedMs));
    }
    if (committed === before) return;
    this.#committed.set(partition, committed);
    this.#movedMs.set(partition, nowMs);
  }
}
