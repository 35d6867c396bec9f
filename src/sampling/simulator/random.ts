/**
 * A generator whose every stream is named by numbers: what is drawn for one operation in one second depends on the
 * seed alone, never on what was drawn elsewhere. Two runs with one seed therefore meet the very same requests,
 * whatever their controllers decide.
 */
export class SeededRandom {
  readonly #seed: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  constructor(seed: number) {
    this.#seed = Math.imul(seed | 0, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32);
    this.stream(0, 0, 0);
  }

  /** Begins the stream of that name (three whole numbers). */
  stream(kind: number, which: number, when: number): this {
    this.#a = this.hash(kind, which, when);
    this.#b = mixed(this.#a ^ 0x6a09e667);
    this.#c = mixed(this.#b + 0x3c6ef372);
    this.#counter = 1;
    for (let i = 0; i < 4; i++) this.next32();
    return this;
  }

  /** 32 bits that belong to the name: as random as a draw, at a fraction of the cost of a stream. */
  hash(kind: number, which: number, when: number): number {
    const first = mixed(this.#seed ^ Math.imul(kind + 1, 0x85ebca6b));
    const second = mixed((first + Math.imul(which + 1, 0x9e3779b1)) | 0);
    return mixed((second ^ Math.imul(when + 1, 0xc2b2ae35)) | 0) >>> 0;
  }

  /** A whole number in [0, 2^32). */
  next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** In [0, 1), 53 bits. */
  uniform(): number {
    return ((this.next32() >>> 5) * 2 ** 26 + (this.next32() >>> 6)) / 2 ** 53;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** With mean 1. */
  exponential(): number {
    return -Math.log1p(-this.uniform());
  }

  /** With mean 0 and variance 1. */
  normal(): number {
    const radius = Math.sqrt(2 * this.exponential());
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  poisson(mean: number): number {
    if (mean <= 0) return 0;
    return mean < 10 ? poissonBySearch(mean, this.uniform()) : this.#poissonByRejection(mean);
  }

  /** Hoermann's transformed rejection (PTRS), exact for means from 10 up. */
  #poissonByRejection(mean: number): number {
    const slope = 0.931 + 2.53 * Math.sqrt(mean);
    const shift = -0.059 + 0.02483 * slope;
    const inverseAlpha = 1.1239 + 1.1328 / (slope - 3.4);
    const accept = 0.9277 - 3.6224 / (slope - 2);
    const logMean = Math.log(mean);
    for (;;) {
      const u = this.uniform() - 0.5;
      const v = 1 - this.uniform();
      const half = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * shift) / half + slope) * u + mean + 0.43);
      if (half >= 0.07 && v <= accept) return k;
      if (k < 0 || (half < 0.013 && v > half)) continue;
      const density = Math.log((v * inverseAlpha) / (shift / (half * half) + slope));
      if (density <= k * logMean - mean - logFactorial(k)) return k;
    }
  }
}

/** The Poisson number at the quantile `u`: search from 0 up. For small means. */
export function poissonBySearch(mean: number, u: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  let k = 0;
  while (u >= sum && k < 200) {
    k += 1;
    term *= mean / k;
    sum += term;
  }
  return k;
}

const SMALL_FACTORIALS = 32;
const LOG_FACTORIALS = (() => {
  const logs = [0];
  for (let n = 1; n < SMALL_FACTORIALS; n++) logs.push((logs[n - 1] as number) + Math.log(n));
  return logs;
})();

function logFactorial(n: number): number {
  if (n < SMALL_FACTORIALS) return LOG_FACTORIALS[n] as number;
  const x = n + 1;
  // Stirling's series; its next term is below 1e-11 from n = 32 on.
  return (
    (x - 0.5) * Math.log(x) -
    x +
    0.5 * Math.log(2 * Math.PI) +
    1 / (12 * x) -
    1 / (360 * x ** 3) +
    1 / (1260 * x ** 5)
  );
}

/** Murmur3's last step: every bit of the input moves every bit of the output. */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
