import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatGo, formatOpenMetrics } from '../../../src/exporters/prometheus/go-number.ts';
import { type NumberStyle, NumberText } from '../../../src/exporters/prometheus/number-text.ts';

const text = new NumberText();

function written(value: number, as: NumberStyle['as'], places = 0): string {
  text.write(value, { as, places });
  return Buffer.from(text.bytes).toString('latin1', 0, text.length);
}

test.each([
  [0, '0', '0', '0.0'],
  [7, '7', '7', '7.0'],
  [999_999, '999999', '999999', '999999.0'],
  [1_000_000, '1e+06', '1000000', '1e+06'],
  [1_234_567_890_123_456, '1.234567890123456e+15', '1234567890123456', '1.234567890123456e+15'],
  [1e21, '1e+21', '1e+21', '1e+21'],
  [0.5, '0.5', '0.5', '0.5'],
  [-3, '-3', '-3', '-3.0'],
  [Number.POSITIVE_INFINITY, '+Inf', '+Inf', '+Inf'],
])('%d is written as %s, as a whole count of OpenMetrics %s, as its float %s', (value, go, count, float) => {
  expect([written(value, 'go'), written(value, 'open count'), written(value, 'open float')]).toEqual([
    go,
    count,
    float,
  ]);
});

test.each([
  [1, '1e-06', '1e-09'],
  [99, '9.9e-05', '9.9e-08'],
  [100, '0.0001', '1e-07'],
  [1_500_000, '1.5', '0.0015'],
  [2_000_000_000, '2000', '2'],
  [999_999_999_999, '999999.999999', '999.999999999'],
  [1_000_000_000_000, '1e+06', '1000'],
  [123_456_789_012_345, '1.23456789012345e+08', '123456.789012345'],
  [0, '0', '0'],
  [1.5, '1.5e-06', '1.5e-09'],
])('%d ns are %s ms and %s s', (ns, ms, s) => {
  expect([written(ns, 'go', 6), written(ns, 'go', 9)]).toEqual([ms, s]);
});

test('every sum is written as the shortest text of the double that it is', () => {
  const sum = fc.oneof(
    fc.nat(),
    fc.maxSafeNat(),
    fc.tuple(fc.nat(999_999), fc.nat(12)).map(([digits, zeros]) => digits * 10 ** zeros),
    fc.double({ noNaN: true, min: 0, max: 1e18 }),
  );
  fc.assert(
    fc.property(sum, fc.constantFrom(6, 9), (ns, places) => {
      expect(written(ns, 'go', places)).toBe(formatGo(ns / 10 ** places));
      expect(written(ns, 'open float', places)).toBe(formatOpenMetrics(ns / 10 ** places));
    }),
    { numRuns: 20_000 },
  );
});
