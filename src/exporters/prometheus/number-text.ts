import { formatGo, formatOpenMetrics } from './go-number.ts';

/** How a number is written. */
export interface NumberStyle {
  /** As Prometheus does, as OpenMetrics has whole counts, or as it has floats. */
  readonly as: 'go' | 'open count' | 'open float';
  /** What is written is the value over ten to this power: 0, 6 or 9. */
  readonly places: number;
}

/** Whole numbers below have at most 15 digits, as many as a double tells apart: they are what it is written with. */
const EXACT = 1e15;
const HALF = 1e7;
const [ZERO, POINT] = [0x30, 0x2e] as const;

/** Three digits each, of 0 to 999. */
const TRIPLES = Uint8Array.from(
  { length: 3000 },
  (_, i) => ZERO + ((((i / 3) | 0) / 10 ** (2 - (i % 3))) % 10),
);

/** A whole number from 0 below 1e6. */
export function isSmall(value: number): boolean {
  return (value | 0) === value && value < 1e6 && (value > 0 || Object.is(value, 0));
}

/** How many digits such a number has. */
export function digitsOf(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3;
  return value < 10_000 ? 4 : value < 100_000 ? 5 : 6;
}

/** Writes its digits, `digits` of them, from `at` on. */
export function writeDigits(to: Uint8Array, at: number, value: number, digits: number): void {
  const thousands = (value / 1000) | 0;
  let from = (value - thousands * 1000) * 3 + 2;
  let place = at + digits - 1;
  const middle = digits > 3 ? place - 2 : at;
  while (place >= middle) to[place--] = TRIPLES[from--] as number;
  from = thousands * 3 + 2;
  while (place >= at) to[place--] = TRIPLES[from--] as number;
}

/** The text of the number that was written last. */
export class NumberText {
  readonly bytes = new Uint8Array(32);
  length = 0;
  readonly #digits = new Uint8Array(16);

  write(value: number, { as, places }: NumberStyle): void {
    if (places === 0 && as !== 'open float' && isSmall(value)) {
      this.length = digitsOf(value);
      writeDigits(this.bytes, 0, value, this.length);
      return;
    }
    const isWhole = value >= 0 && value < EXACT && value === Math.floor(value) && !Object.is(value, -0);
    if (places === 0 && isWhole && as === 'open count') {
      this.length = 0;
      this.#append(this.#digitsOf(value), 0);
    } else if (places > 0 && isWhole && value > 0) this.#fraction(value, places, as === 'open float');
    else {
      const shown = places === 0 ? value : value / 10 ** places;
      if (as === 'open float') this.#ascii(formatOpenMetrics(shown));
      else if (as === 'open count' && Number.isInteger(shown) && shown >= EXACT && shown < 1e21) {
        this.#ascii(String(shown));
      } else this.#ascii(formatGo(shown));
    }
  }

  /** As `formatGo` would, of value / 10^places. */
  #fraction(value: number, places: number, isOpen: boolean): void {
    const all = this.#digitsOf(value);
    const digits = this.#digits;
    let end = all;
    while (digits[end - 1] === ZERO) end--;
    const exponent = all - places - 1;
    const { bytes } = this;
    this.length = 0;
    if (exponent >= -4 && exponent < 6) {
      if (exponent < 0) {
        bytes[0] = ZERO;
        bytes[1] = POINT;
        this.length = 2;
        for (let i = -1; i > exponent; i--) bytes[this.length++] = ZERO;
        this.#append(end, 0);
        return;
      }
      this.#append(exponent + 1, 0);
      if (end > exponent + 1 || isOpen) bytes[this.length++] = POINT;
      if (end > exponent + 1) this.#append(end, exponent + 1);
      else if (isOpen) bytes[this.length++] = ZERO;
      return;
    }
    this.#append(1, 0);
    if (end > 1) bytes[this.length++] = POINT;
    this.#append(end, 1);
    bytes[this.length++] = 0x65;
    bytes[this.length++] = exponent < 0 ? 0x2d : 0x2b;
    const power = Math.abs(exponent);
    bytes[this.length++] = ZERO + ((power / 10) | 0);
    bytes[this.length++] = ZERO + (power % 10);
  }

  /** Digits `from` up to `end`; behind the last one are zeros. */
  #append(end: number, from: number): void {
    for (let i = from; i < end; i++) this.bytes[this.length++] = this.#digits[i] as number;
  }

  /** How many there are. */
  #digitsOf(value: number): number {
    let length = 1;
    for (let limit = 10; value >= limit; limit *= 10) length++;
    const digits = this.#digits;
    const high = value < HALF ? 0 : Math.floor(value / HALF);
    let rest = value - high * HALF;
    let at = length - 1;
    for (const first = high === 0 ? 0 : length - 7; at >= first; at--) {
      const next = (rest / 10) | 0;
      digits[at] = ZERO + rest - next * 10;
      rest = next;
    }
    rest = high;
    for (; at >= 0; at--) {
      const next = (rest / 10) | 0;
      digits[at] = ZERO + rest - next * 10;
      rest = next;
    }
    return length;
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[i] = text.charCodeAt(i);
    this.length = text.length;
  }
}
