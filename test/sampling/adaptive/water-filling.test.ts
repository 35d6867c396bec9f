import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClaimList } from '../../../src/sampling/adaptive/claims.ts';
import { claimAt, waterLevel } from '../../../src/sampling/adaptive/water-filling.ts';

type Claim = { low: number; high: number; weight: number; cost: number };

function listOf(claims: readonly Claim[]): ClaimList {
  const list = new ClaimList();
  for (const [owner, { low, high, weight, cost }] of claims.entries())
    list.add(owner, low, high, weight, cost);
  return list;
}

function amounts(claims: readonly Claim[], budget: number): number[] {
  const level = waterLevel(listOf(claims), budget);
  return claims.map(({ low, high, weight }) => claimAt(Math.min(low, high), high, weight, level));
}

const plain = (high: number): Claim => ({ low: 0, high, weight: 1, cost: 1 });

describe('water filling', () => {
  test('shares evenly, and what one can not use flows to the others', () => {
    expect(amounts([plain(1), plain(10), plain(10)], 9)).toEqual([1, 4, 4]);
  });

  test('gives all that there is when the budget is ample', () => {
    expect(amounts([plain(1), plain(10)], 20)).toEqual([1, 10]);
  });

  test('shares by weight', () => {
    const [light, heavy] = amounts([plain(100), { ...plain(100), weight: 3 }], 40) as [number, number];
    expect(light).toBeCloseTo(10, 6);
    expect(heavy).toBeCloseTo(30, 6);
  });

  test('lifts the small ones to their floors first', () => {
    const claims = [{ ...plain(100), low: 6 }, plain(100)];
    expect(amounts(claims, 8)).toEqual([6, 2]);
  });

  test('lowers all floors alike when they exceed the budget', () => {
    expect(
      amounts(
        [
          { ...plain(9), low: 4 },
          { ...plain(9), low: 2 },
        ],
        3,
      ),
    ).toEqual([2, 1]);
  });

  test('an operation whose traces cost more takes more of the budget for the same number of them', () => {
    const [cheap, dear] = amounts([plain(100), { ...plain(100), cost: 4 }], 50) as [number, number];
    expect(cheap).toBeCloseTo(10, 6);
    expect(dear).toBeCloseTo(10, 6);
  });

  const claim = fc.record({
    low: fc.double({ min: 0, max: 5, noNaN: true }),
    high: fc.double({ min: 0, max: 1000, noNaN: true }),
    weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
    cost: fc.double({ min: 0.1, max: 50, noNaN: true }),
  });

  test('costs the budget exactly, or all that can be used if that is less; everyone within its bounds', () => {
    fc.assert(
      fc.property(
        fc.array(claim, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0.01, max: 20_000, noNaN: true }),
        (claims, budget) => {
          const given = amounts(claims, budget);
          const cost = given.reduce((sum, each, i) => sum + each * (claims[i] as Claim).cost, 0);
          const most = claims.reduce((sum, { high, cost: each }) => sum + high * each, 0);
          expect(Math.abs(cost - Math.min(budget, most))).toBeLessThanOrEqual(1e-6 * Math.max(1, budget));
          for (const [i, each] of given.entries()) {
            expect(each).toBeLessThanOrEqual((claims[i] as Claim).high + 1e-9);
          }
        },
      ),
    );
  });

  test('nobody who could use more has less per weight than another, floors aside', () => {
    fc.assert(
      fc.property(
        fc.array(claim, { minLength: 2, maxLength: 50 }),
        fc.double({ min: 0.01, max: 500, noNaN: true }),
        (written, budget) => {
          const claims = written.map((one) => ({ ...one, low: 0 }));
          const given = amounts(claims, budget);
          const perWeight = given.map((each, i) => each / (claims[i] as Claim).weight);
          const highest = Math.max(...perWeight);
          given.forEach((each, i) => {
            if (each < (claims[i] as Claim).high - 1e-9) {
              expect(perWeight[i] as number).toBeGreaterThanOrEqual(highest * (1 - 1e-6));
            }
          });
        },
      ),
    );
  });
});
