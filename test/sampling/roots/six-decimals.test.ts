import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sixDecimals } from '../../../src/sampling/roots/six-decimals.ts';

/** x * 10^6 rounded to even on the exact value, by integers alone: x = mantissa / 2^shift. */
function reference(x: number): string {
  const float = new DataView(new ArrayBuffer(8));
  float.setFloat64(0, Math.abs(x));
  const bits = float.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(exponent, 1) - 1075;
  const numerator = mantissa * 1_000_000n * (power > 0 ? 1n << BigInt(power) : 1n);
  const denominator = power < 0 ? 1n << BigInt(-power) : 1n;
  let scaled = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator || (twice === denominator && scaled % 2n === 1n)) scaled += 1n;
  const text = scaled.toString().padStart(7, '0');
  return `${x < 0 || Object.is(x, -0) ? '-' : ''}${text.slice(0, -6)}.${text.slice(-6)}`;
}

test('any number is rounded on its exact value', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
      expect(sixDecimals(x)).toBe(reference(x));
    }),
  );
});

test('numbers that lie exactly between two go to the even one', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), (k) => {
      const x = (2 * k + 1) / 128;
      expect(sixDecimals(x)).toBe(reference(x));
    }),
  );
  expect(sixDecimals(0.0078125)).toBe('0.007812');
  expect(sixDecimals(0.0234375)).toBe('0.023438');
});

test('what is no finite number has the names that Go gives it', () => {
  expect([Number.NaN, Infinity, -Infinity].map(sixDecimals)).toEqual(['NaN', '+Inf', '-Inf']);
});

test('large numbers have all their digits', () => {
  expect(sixDecimals(1e21)).toBe('1000000000000000000000.000000');
});
