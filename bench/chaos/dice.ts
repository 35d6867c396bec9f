/** Random numbers that the same seed gives again, so that a schedule of faults can be run a second time. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  roll(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.roll() * (high - low);
  }

  /** A whole number in [0, count). */
  index(count: number): number {
    return Math.floor(this.roll() * count);
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.index(list.length)] as T;
  }
}
