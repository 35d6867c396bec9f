import { SpanweirError } from '../../base/errors.ts';

/** A fixed number of things that are used one at a time, made when they are first needed; first come, first served. */
export class SlotPool<T> {
  readonly #free: T[] = [];
  readonly #waiting: ((slot: T) => void)[] = [];
  readonly #make: () => T;
  #unmade: number;

  constructor(size: number, make: () => T) {
    this.#unmade = size;
    this.#make = make;
  }

  /** Rejects with UNAVAILABLE when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<T> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade > 0) {
      this.#unmade--;
      return this.#make();
    }
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(receive), 1);
        reject(
          new SpanweirError('UNAVAILABLE', 'earlier blocks are still on their way', { retry: 'backoff' }),
        );
      };
      const receive = (slot: T): void => {
        signal.removeEventListener('abort', leave);
        resolve(slot);
      };
      if (signal.aborted) {
        this.#waiting.push(receive);
        leave();
        return;
      }
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(receive);
    });
  }

  give(slot: T): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}
