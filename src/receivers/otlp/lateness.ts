import type { Clock } from '../../base/clock.ts';

interface Waiting {
  readonly dueMs: number;
  readonly tell: () => void;
}

/**
 * Tells each that waits when it has waited for too long, a time that is the same for all: so the oldest is due first, and
 * one timer does for all of them. A timer and a signal for each request cost more than handing its bytes over.
 */
export class Lateness {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>();
  readonly #ended = new AbortController();
  #isEnding = false;
  #isRunning = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The function that is returned ends the wait: false when it was told already, which happens once. */
  watch(tell: () => void): () => boolean {
    const waiting = { dueMs: this.#clock.monotonicMs() + this.#timeoutMs, tell };
    this.#waiting.add(waiting);
    if (!this.#isRunning) void this.#run();
    return () => {
      const wasWaiting = this.#waiting.delete(waiting);
      this.#endIfIdle();
      return wasWaiting;
    };
  }

  /** Those that wait are still told; then no timer is left. */
  end(): void {
    this.#isEnding = true;
    this.#endIfIdle();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (const waiting of this.#waiting) {
      for (;;) {
        const waitMs = waiting.dueMs - this.#clock.monotonicMs();
        if (waitMs <= 0 || !this.#waiting.has(waiting)) break;
        await this.#clock.sleep(waitMs, this.#ended.signal);
      }
      if (this.#waiting.delete(waiting)) waiting.tell();
    }
    this.#isRunning = false;
  }

  #endIfIdle(): void {
    if (this.#isEnding && this.#waiting.size === 0) this.#ended.abort();
  }
}
