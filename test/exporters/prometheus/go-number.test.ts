import { expect, test } from 'vitest';
import { formatGo, formatOpenMetrics } from '../../../src/exporters/prometheus/go-number.ts';

test.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [0.002, '0.002'],
  [0.0001, '0.0001'],
  [0.00005, '5e-05'],
  [0.00001234, '1.234e-05'],
  [999_999, '999999'],
  [999_999.5, '999999.5'],
  [1e6, '1e+06'],
  [1_234_567, '1.234567e+06'],
  [20_999_999, '2.0999999e+07'],
  [1e21, '1e+21'],
  [1.5e300, '1.5e+300'],
  [5e-324, '5e-324'],
  [-1_500_000, '-1.5e+06'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
])('%d is written as Go writes it: %s', (value, text) => {
  expect(formatGo(value)).toBe(text);
});

test.each([
  [0, '0.0'],
  [1, '1.0'],
  [15_000, '15000.0'],
  [0.5, '0.5'],
  [1e6, '1e+06'],
  [Number.POSITIVE_INFINITY, '+Inf'],
])('%d looks like a float in OpenMetrics: %s', (value, text) => {
  expect(formatOpenMetrics(value)).toBe(text);
});
