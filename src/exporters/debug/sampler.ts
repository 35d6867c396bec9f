/** Lets the first blocks of every second through, and then every so many-th. */
export class BlockSampler {
  readonly #initial: number;
  readonly #thereafter: number;
  #second = Number.NaN;
  #seen = 0;

  constructor(initial: number, thereafter: number) {
    this.#initial = initial;
    this.#thereafter = thereafter;
  }

  lets(monotonicMs: number): boolean {
    const second = Math.floor(monotonicMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#seen = 0;
    }
    const beyond = ++this.#seen - this.#initial;
    return beyond <= 0 || (this.#thereafter > 0 && beyond % this.#thereafter === 0);
  }
}
