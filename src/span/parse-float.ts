const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEX = /^([+-]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?[pP]([+-]?\d+)$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
/** Go lets an underscore stand between two digits, and between 0x and a digit. */
const STRAY_UNDERSCORE = /(?<!\d)_|_(?!\d)/;
const STRAY_UNDERSCORE_HEX = /(?<![\da-fxA-FX])_|_(?![\da-fA-F])/;
/** No number needs more; what is longer is not worth the time. */
const MAX_LENGTH = 1000;

/** A number as Go's strconv.ParseFloat reads it, or undefined where that gives an error (overflow included). */
export function parseGoFloat(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  const isHex = /^[+-]?0[xX]/.test(text);
  if (text.includes('_') && (isHex ? STRAY_UNDERSCORE_HEX : STRAY_UNDERSCORE).test(text)) return undefined;
  const digits = text.replaceAll('_', '');
  const value = isHex ? hexadecimal(digits) : decimal(digits);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function decimal(text: string): number | undefined {
  return DECIMAL.test(text) ? Number(text) : undefined;
}

function hexadecimal(text: string): number | undefined {
  const match = HEX.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', power] = match;
  if (whole + fraction === '') return undefined;
  const magnitude = scaled(BigInt(`0x${whole}${fraction}`), Number(power) - 4 * fraction.length);
  return sign === '-' ? -magnitude : magnitude;
}

/** mantissa * 2^exponent, rounded once, ties to even. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  const top = bits + exponent;
  if (top > 1024) return Infinity;
  if (top < -1080) return 0;
  // A double has 53 bits, fewer below 2^-1022: what lies under the last one is rounded here.
  const drop = Math.max(bits - 53, -1074 - exponent);
  if (drop <= 0) return timesPowerOfTwo(Number(mantissa), exponent);
  const unit = 1n << BigInt(drop);
  const rest = mantissa % unit;
  let kept = mantissa / unit;
  if (rest * 2n > unit || (rest * 2n === unit && kept % 2n === 1n)) kept += 1n;
  return timesPowerOfTwo(Number(kept), exponent + drop);
}

/** In steps, since 2^exponent alone may be out of range; every step is exact. */
function timesPowerOfTwo(value: number, exponent: number): number {
  let result = value;
  let left = exponent;
  while (left > 1000) {
    result *= 2 ** 1000;
    left -= 1000;
  }
  while (left < -1000) {
    result *= 2 ** -1000;
    left += 1000;
  }
  return result * 2 ** left;
}
