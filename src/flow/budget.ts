import type { Gauge } from '../base/instruments.ts';
import { Waiters } from './waiters.ts';

/** Bytes that a lane may hold in blocks; who is over it waits. */
export class Budget {
  readonly limitBytes: number;
  #usedBytes = 0;
  readonly #waiters = new Waiters();
  readonly #gauge: Gauge | undefined;

  constructor(limitBytes: number, gauge?: Gauge) {
    this.limitBytes = limitBytes;
    this.#gauge = gauge;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  get isExceeded(): boolean {
    return this.#usedBytes > this.limitBytes;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
    this.#gauge?.set(this.#usedBytes);
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#gauge?.set(this.#usedBytes);
    if (!this.isExceeded) this.#waiters.wake();
  }

  /** Lets everyone who waits look again, for another reason than room. */
  nudge(): void {
    this.#waiters.wake();
  }

  /** Resolves when it is worth to look again, or when `signal` aborts. */
  change(signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(signal);
  }
}
