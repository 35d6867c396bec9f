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
  #isEnding = false;
  #running: AbortController | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The function that is returned ends the wait: false when it was told already, which happens once. */
  watch(tell: () => void): () => boolean {
    const waiting = { dueMs: this.#clock.monotonicMs() + this.#timeoutMs, tell };
    this.#waiting.add(waiting);
    if (this.#running === undefined) void this.#run();
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
    const running = new AbortController();
    this.#running = running;
    for (let oldest = this.#oldest(); oldest !== undefined; oldest = this.#oldest()) {
      const waitMs = oldest.dueMs - this.#clock.monotonicMs();
      if (waitMs > 0) {
        oldest = undefined;
        await this.#clock.sleep(waitMs, running.signal);
      } else {
        this.#waiting.delete(oldest);
        oldest.tell();
      }
    }
    this.#running = undefined;
  }

  /** No iterator may live while time passes: V8 keeps everything for it that was in the set meanwhile. */
  #oldest(): Waiting | undefined {
    const [oldest] = this.#waiting;
    return oldest;
  }

  #endIfIdle(): void {
    if (this.#isEnding && this.#waiting.size === 0) this.#running?.abort();
  }
}
