import { describe, expect, test } from 'vitest';
import { poissonBySearch, SeededRandom } from '../../../src/sampling/simulator/random.ts';

function moments(draw: () => number, n: number): { readonly mean: number; readonly variance: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const x = draw();
    sum += x;
    squares += x * x;
  }
  return { mean: sum / n, variance: squares / n - (sum / n) ** 2 };
}

test('a stream depends on the seed and its name alone', () => {
  const first = new SeededRandom(5).stream(1, 2, 3);
  const other = new SeededRandom(5);
  other.stream(9, 9, 9).next32();
  other.stream(1, 2, 3);
  const draws = [first, other].map((random) => [random.next32(), random.uniform(), random.below(100)]);
  expect(draws[0]).toEqual(draws[1]);
  expect(new SeededRandom(6).stream(1, 2, 3).next32()).not.toBe(new SeededRandom(5).stream(1, 2, 3).next32());
});

test('streams of neighbouring names have nothing in common', () => {
  const random = new SeededRandom(1);
  const firsts = new Set<number>();
  for (let kind = 0; kind < 10; kind++)
    for (let which = 0; which < 10; which++)
      for (let when = 0; when < 100; when++) firsts.add(random.stream(kind, which, when).next32());
  // Of 10,000 draws out of 2^32 hardly two are the same.
  expect(firsts.size).toBeGreaterThan(9990);
});

describe.each([0.01, 0.7, 9.5, 10.5, 80, 3000])('a Poisson number with mean %d', (mean) => {
  test('has that mean and that variance', () => {
    const random = new SeededRandom(11).stream(1, Math.round(mean * 100), 0);
    const n = 40_000;
    const found = moments(() => random.poisson(mean), n);
    expect(Math.abs(found.mean - mean)).toBeLessThan(4 * Math.sqrt(mean / n));
    const spread = Math.sqrt((mean + 2 * mean * mean) / n);
    expect(Math.abs(found.variance - mean)).toBeLessThan(4 * spread);
  });
});

test('the search for a Poisson number ends where its quantile lies', () => {
  // e^-1 = 0.3679, twice that = 0.7358.
  expect([0, 0.36, 0.37, 0.73, 0.74].map((u) => poissonBySearch(1, u))).toEqual([0, 0, 1, 1, 2]);
});

test('uniform, exponential and normal numbers have their means and variances', () => {
  const random = new SeededRandom(2).stream(0, 0, 0);
  const n = 40_000;
  const uniform = moments(() => random.uniform(), n);
  expect(uniform.mean).toBeCloseTo(0.5, 2);
  expect(uniform.variance).toBeCloseTo(1 / 12, 2);
  const exponential = moments(() => random.exponential(), n);
  expect(Math.abs(exponential.mean - 1)).toBeLessThan(0.02);
  expect(Math.abs(exponential.variance - 1)).toBeLessThan(0.06);
  const normal = moments(() => random.normal(), n);
  expect(Math.abs(normal.mean)).toBeLessThan(0.02);
  expect(Math.abs(normal.variance - 1)).toBeLessThan(0.03);
});
