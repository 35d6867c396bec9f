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

  /** Resolves when there is room, or when `signal` aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.isExceeded && !signal.aborted) await this.#waiters.wait(signal);
  }
}
