import { describe, expect, test } from 'vitest';
import { Cells } from '../../../src/sampling/adaptive/cells.ts';

function sums(cells: Cells): { samples: number; exposure: number; lengthS: number } {
  let [samples, exposure, lengthS] = [0, 0, 0];
  for (const cell of cells.all) {
    samples += cell.samples[0] as number;
    exposure += cell.exposure[0] as number;
    lengthS += cell.lengthS;
  }
  return { samples, exposure, lengthS };
}

describe('cells of the past', () => {
  test('keep all that came in within half an hour, in at most 36 cells', () => {
    const cells = new Cells(5, 1);
    for (let window = 0; window < 360; window++) {
      cells.advance();
      cells.newest.samples[0] = 1;
      cells.newest.exposure[0] = 0.5;
      expect(cells.all.length).toBeLessThanOrEqual(36);
    }
    expect(sums(cells)).toEqual({ samples: 360, exposure: 180, lengthS: 1800 });
  });

  test('are as fine as the windows for the last 20 seconds, and never longer than their age', () => {
    const cells = new Cells(5, 1);
    for (let window = 0; window < 800; window++) {
      cells.advance();
      if (window < 100) continue;
      if (window % 7 !== 0) continue;
      expect(cells.all.slice(0, 4).map(({ lengthS }) => lengthS)).toEqual([5, 5, 5, 5]);
      let ageS = 0;
      for (const { lengthS } of cells.all) {
        expect(lengthS).toBeLessThanOrEqual(Math.max(5, ageS));
        ageS += lengthS;
      }
      expect(ageS).toBeLessThanOrEqual(3600);
    }
  });

  test('grow with the number of operations and lose nothing', () => {
    const cells = new Cells(5, 1);
    cells.advance();
    cells.newest.samples[0] = 7;
    cells.grow(10);
    cells.advance();
    cells.newest.samples[9] = 3;
    expect(sums(cells).samples).toBe(7);
    expect(cells.newest.samples[9]).toBe(3);
  });
});
