import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cells } from '../../../src/sampling/adaptive/cells.ts';
import {
  estimateRate,
  noEstimate,
  rateAbove,
  rateBelow,
} from '../../../src/sampling/adaptive/rate-estimate.ts';
import { poisson, randomOf } from './support.ts';

/** Windows of 5 s, oldest first, each with a gate and a true rate. */
function cellsOf(windows: readonly { gate: number; rate: number }[], seed: number): Cells {
  const random = randomOf(seed);
  const cells = new Cells(5, 1);
  for (const { gate, rate } of windows) {
    cells.advance();
    cells.newest.samples[0] = poisson(rate * gate * 5, random);
    cells.newest.exposure[0] = gate * 5;
  }
  return cells;
}

function estimateOf(cells: Cells, aheadS = 0) {
  const estimate = noEstimate();
  estimateRate({ cells: cells.all, slot: 0, dispersion: 1, aheadS, looks: 1 }, estimate);
  return estimate;
}

const times = <T>(count: number, what: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => what(i));

describe('the estimate of a rate', () => {
  test('has no bias, whatever probabilities were served meanwhile', () => {
    const gates = fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(gates, (served) => {
        const rate = 40 / Math.max(...served);
        let [samples, exposure] = [0, 0];
        for (let seed = 0; seed < 40; seed++) {
          const estimate = estimateOf(
            cellsOf(
              served.map((gate) => ({ gate, rate })),
              seed + 1,
            ),
          );
          samples += estimate.samples;
          exposure += estimate.exposure;
        }
        // 4 deviations, and what windows that end at supposed changes may add.
        const deviation = 1 / Math.sqrt(rate * exposure);
        expect(Math.abs(samples / exposure / rate - 1)).toBeLessThan(4 * deviation + 0.02);
      }),
      { numRuns: 30 },
    );
  });

  test('goes as far back as the traffic was the same', () => {
    const { overS, rate } = estimateOf(
      cellsOf(
        times(240, () => ({ gate: 0.01, rate: 100 })),
        3,
      ),
    );
    expect(overS).toBeGreaterThanOrEqual(1000);
    expect(Math.abs(rate / 100 - 1)).toBeLessThan(0.1);
  });

  test('forgets what was before a step up within 10 seconds, before a step down within half a minute', () => {
    const up = [
      ...times(240, () => ({ gate: 0.01, rate: 100 })),
      ...times(2, () => ({ gate: 0.01, rate: 1000 })),
    ];
    const down = [
      ...times(240, () => ({ gate: 0.01, rate: 100 })),
      ...times(6, () => ({ gate: 0.01, rate: 10 })),
    ];
    for (let seed = 1; seed <= 20; seed++) {
      expect(estimateOf(cellsOf(up, seed)).overS).toBeLessThanOrEqual(10);
      expect(estimateOf(cellsOf(down, seed)).overS).toBeLessThanOrEqual(40);
    }
  });

  test('follows a steady growth to the moment that is asked for', () => {
    const growth = 0.001;
    const windows = times(160, (i) => ({ gate: 0.02, rate: 50 * Math.exp(growth * i * 5) }));
    const truth = 50 * Math.exp(growth * (800 + 40));
    const errors = times(20, (seed) => estimateOf(cellsOf(windows, seed + 1), 40).rate / truth - 1);
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    expect(Math.abs(mean)).toBeLessThan(0.08);
  });

  test('is nothing without exposure, and 0 with nothing but exposure', () => {
    expect(estimateOf(new Cells(5, 1))).toEqual({ samples: 0, exposure: 0, overS: 0, rate: 0 });
    const cells = new Cells(5, 1);
    cells.advance();
    cells.newest.exposure[0] = 2;
    expect(estimateOf(cells)).toMatchObject({ samples: 0, exposure: 2, rate: 0 });
  });

  test('has bounds that widen with the deviations and close in with the samples', () => {
    expect(rateBelow(0, 10, 2)).toBe(0);
    expect(rateAbove(0, 10, 2)).toBeCloseTo((Math.sqrt(0.375) + 1) ** 2 / 10, 12);
    expect(rateAbove(10_000, 10_000, 2)).toBeLessThan(1.03);
    expect(rateBelow(10_000, 10_000, 2)).toBeGreaterThan(0.97);
  });
});
