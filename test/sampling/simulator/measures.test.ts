import { describe, expect, test } from 'vitest';
import { measure, measuredFromS } from '../../../src/sampling/simulator/measures.ts';
import type { OperationSeries } from '../../../src/sampling/simulator/series.ts';

const HOUR = 360;

/** Per slice of 10 s. */
function seriesOf(sampled: readonly number[], rate = 100, target = 1): OperationSeries {
  const column = Float64Array.from(sampled);
  return {
    service: 's',
    operation: 'o',
    sampled: column,
    rate: column.map(() => rate),
    probability: column.map(() => 0.01),
    lowerBound: column.map(() => 5),
    target,
  };
}

function constant(value: number, slices: number): number[] {
  return Array.from({ length: slices }, () => value);
}

describe('settling', () => {
  test('is at once where the target is held', () => {
    expect(measure(seriesOf(constant(1, HOUR)), 0).settlingS).toBe(0);
  });

  test('is the first moment from which the mean of 3 minutes around it is within 30 %', () => {
    // 600 s of nothing: the centred mean of 18 slices reaches 0.7 when 13 of them (0.722) are after the step.
    const sampled = [...constant(0, 60), ...constant(1, HOUR)];
    expect(measure(seriesOf(sampled), 0).settlingS).toBe(640);
    expect(measure(seriesOf(sampled), 600).settlingS).toBe(40);
  });

  test('begins again where the mean leaves the band within 10 minutes', () => {
    const sampled = [...constant(1, 30), ...constant(4, 6), ...constant(1, HOUR)];
    // With two of 18 slices at 4 the mean is 1.33, with one 1.17; slices 30..35 are high.
    expect(measure(seriesOf(sampled), 0).settlingS).toBe(440);
  });

  test('never happens without 10 minutes within the band', () => {
    expect(measure(seriesOf(constant(2, HOUR)), 0).settlingS).toBe(Number.POSITIVE_INFINITY);
    expect(measure(seriesOf(constant(1, 59)), 0).settlingS).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('peak, excess and deficit', () => {
  test('are of means over 60 seconds after the moment that is asked for', () => {
    const sampled = [...constant(9, 60), ...constant(1, 60), ...constant(7, 6), ...constant(1, 60)];
    const found = measure(seriesOf(sampled), 600);
    expect(found.peak).toBe(7);
    // Means of 6 slices as the high ones pass through: 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, each 10 s.
    expect(found.excess).toBeCloseTo(10 * (47 - 11 * 1.3), 9);
    expect(found.deficit).toBe(0);
  });

  test('a deficit is what is missing below 0.7 times the target', () => {
    const found = measure(seriesOf(constant(0.5, 66)), 0);
    // 61 means of 60 s.
    expect(found.deficit).toBeCloseTo(61 * 10 * 0.2, 9);
    expect(found.excess).toBe(0);
  });
});

describe('steady RMS', () => {
  test('is over the 5-minute means of the last hour', () => {
    const hour = Array.from({ length: HOUR }, (_, i) => (Math.floor(i / 30) % 2 === 0 ? 1.1 : 0.9));
    expect(measure(seriesOf([...constant(50, 100), ...hour]), 0).steadyRms).toBeCloseTo(0.1, 9);
  });

  test('does not see what evens out within 5 minutes', () => {
    const hour = Array.from({ length: HOUR }, (_, i) => (i % 2 === 0 ? 2 : 0));
    expect(measure(seriesOf(hour), 0).steadyRms).toBe(0);
  });
});

describe('the target', () => {
  test('is what there is of requests where that is less', () => {
    const found = measure(seriesOf(constant(0.25, HOUR), 0.25), 0);
    expect(found).toMatchObject({ target: 0.25, settlingS: 0, peak: 1, excess: 0, deficit: 0, steadyRms: 0 });
  });

  test('that nobody told leaves nothing to measure', () => {
    const found = measure(seriesOf(constant(1, HOUR), 100, Number.NaN), 0);
    for (const value of [found.settlingS, found.peak, found.excess, found.deficit, found.steadyRms])
      expect(value).toBeNaN();
  });
});

describe('measuring begins', () => {
  const step = (atS: number, perSecond: number) => ({ atS, perSecond });

  test('with the first step to some traffic after the start', () => {
    expect(measuredFromS([step(0, 100), step(3600, 1000), step(3900, 100)], [])).toBe(3600);
  });

  test('with the return from silence', () => {
    expect(measuredFromS([step(0, 500), step(3600, 0), step(4080, 500)], [])).toBe(4080);
  });

  test('with the first event, and else at the start', () => {
    expect(measuredFromS([step(0, 100)], [{ atS: 3600 }])).toBe(3600);
    expect(measuredFromS([step(0, 100)], [])).toBe(0);
  });
});
