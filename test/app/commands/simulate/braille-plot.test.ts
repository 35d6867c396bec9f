import { expect, test } from 'vitest';
import { braillePlot, resampled } from '../../../../src/app/commands/simulate/braille-plot.ts';
import { significant } from '../../../../src/app/commands/simulate/summary.ts';

test('a rising line goes from the lower left to the upper right', () => {
  expect(braillePlot(Float64Array.of(0, 1, 2, 3), { width: 2, height: 1 })).toEqual(['3.0 ⣠⠞']);
});

test('values fill the height between the scale, which stands at the left', () => {
  const plot = braillePlot(Float64Array.of(0, 0, 10, 10), { width: 2, height: 2 });
  expect(plot).toHaveLength(2);
  expect(plot[0]).toMatch(/^10 /);
  expect(plot[1]).toMatch(/^ 0 /);
});

test('a logarithmic scale gives every factor the same height', () => {
  const [line] = braillePlot(Float64Array.of(0.001, 0.01, 0.1, 1), {
    width: 2,
    height: 1,
    logarithmic: true,
  });
  expect(line?.slice(-2)).toBe('⣠⠞');
});

test('more values than columns are averaged', () => {
  expect([...resampled(Float64Array.of(1, 3, 5, 7), 2)]).toEqual([2, 6]);
  expect([...resampled(Float64Array.of(1, 3), 5)]).toEqual([1, 3]);
});

test('numbers have three digits that count', () => {
  expect(
    [1234.5, 12.34, 0.00123456, 1, 0, 100, Number.NaN, Number.POSITIVE_INFINITY].map(significant),
  ).toEqual(['1235', '12.3', '0.00123', '1', '0', '100', '-', 'never']);
});
