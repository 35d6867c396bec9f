import type { Gauge } from '../../base/instruments.ts';

/** Bytes of requests in flight, over all protocols of one receiver: 0 <= taken <= limit. */
export class ByteBudget {
  readonly #limit: number;
  readonly #gauge: Gauge;
  #taken = 0;

  constructor(limitBytes: number, gauge: Gauge) {
    this.#limit = limitBytes;
    this.#gauge = gauge;
  }

  lease(): ByteLease {
    return new ByteLease(this);
  }

  /** False when there is no room; then nothing was taken. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#limit) return false;
    this.#taken += bytes;
    this.#gauge.set(this.#taken);
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#gauge.set(this.#taken);
  }
}

/** What one request holds; given back once, whole. */
export class ByteLease {
  readonly #budget: ByteBudget;
  #bytes = 0;
  #ended = false;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  take(bytes: number): boolean {
    if (this.#ended || !this.#budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#budget.give(this.#bytes);
  }
}
