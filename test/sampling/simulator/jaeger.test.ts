import { describe, expect, test } from 'vitest';
import { JaegerController } from '../../../src/sampling/jaeger/jaeger-controller.ts';
import { type AdaptiveOptions, DEFAULT_ADAPTIVE_OPTIONS } from '../../../src/sampling/jaeger/options.ts';
import { measure } from '../../../src/sampling/simulator/measures.ts';
import type { Fleet, RateStep } from '../../../src/sampling/simulator/scenario.ts';
import type { OperationSeries } from '../../../src/sampling/simulator/series.ts';
import { Simulation } from '../../../src/sampling/simulator/simulation.ts';
import { FLEET, scenarioOf } from './fixed-controller.ts';

const HOUR = 3600;
/** As section 8 of the report has it; Jaeger needs its tags. */
const JAEGERS: Fleet = {
  ...FLEET,
  instances: 20,
  lowerBound: true,
  tags: 'jaeger',
  initialProbability: 0.001,
};

function run(
  rate: readonly RateStep[],
  seed: number,
  options: AdaptiveOptions,
  fleet = JAEGERS,
): OperationSeries {
  const operations = [{ service: 's', operation: 'o', rate, errorShare: 0 }];
  const durationS = (rate.at(-1)?.atS ?? 0) + 2 * HOUR;
  const rhythm = {
    intervalS: options.calculationIntervalMs / 1000,
    delayS: options.calculationDelayMs / 1000,
    windowS: 5,
  };
  const create = () => new JaegerController(options, { listRetired: true });
  const simulation = new Simulation(scenarioOf(0, durationS, { operations, seed, fleet }), create, rhythm);
  simulation.run(durationS);
  return simulation.series()[0] as OperationSeries;
}

const UP = [
  { atS: 0, perSecond: 100 },
  { atS: HOUR, perSecond: 1000 },
];
const DOWN = [
  { atS: 0, perSecond: 1000 },
  { atS: HOUR, perSecond: 100 },
];

function meanSampled({ sampled }: OperationSeries, fromS: number, untilS: number): number {
  const part = sampled.subarray(fromS / 10, untilS / 10);
  return part.reduce((sum, value) => sum + value, 0) / part.length;
}

describe.each([1, 2, 3])("Jaeger's algorithm with its default intervals (seed %i)", (seed) => {
  test('brings the probability down within delay + two intervals of a tenfold step, and on target within half an hour', () => {
    const series = run(UP, seed, DEFAULT_ADAPTIVE_OPTIONS);
    const before = series.probability[HOUR / 10] as number;
    expect(before).toBeGreaterThan(0.005);
    expect(before).toBeLessThan(0.02);
    const moved = series.probability.findIndex((p, slice) => slice > HOUR / 10 && p < before);
    expect(moved * 10 - HOUR).toBeLessThanOrEqual(250);
    const late = meanSampled(series, HOUR + 1800, HOUR + 2700);
    expect(late).toBeGreaterThan(0.6);
    expect(late).toBeLessThan(1.5);
  });

  test('brings it up again when the traffic falls to a tenth', () => {
    const { probability } = run(DOWN, seed, DEFAULT_ADAPTIVE_OPTIONS);
    const before = probability[HOUR / 10] as number;
    const after = probability[(HOUR + 2700) / 10] as number;
    expect(after).toBeGreaterThan(before * 5);
    expect(after).toBeLessThan(0.02);
  });

  test('takes minutes and overshoots as the report found it', () => {
    // Section 8.2, S3 and S4 as designed: 15.4 min, peak 11.6, excess 1896; 20.4 min, deficit 289 (medians).
    const up = measure(run(UP, seed, DEFAULT_ADAPTIVE_OPTIONS), HOUR);
    expect(up.settlingS).toBeGreaterThan(600);
    expect(up.peak).toBeGreaterThan(8);
    expect(up.peak).toBeLessThan(17);
    expect(up.excess).toBeGreaterThan(1000);
    const down = measure(run(DOWN, seed, DEFAULT_ADAPTIVE_OPTIONS), HOUR);
    expect(down.settlingS).toBeGreaterThan(600);
    expect(down.deficit).toBeGreaterThan(150);
  });
});

test("Jaeger's algorithm leaves everything at the initial probability where spans have no tags", () => {
  const { probability } = run([{ atS: 0, perSecond: 100 }], 1, DEFAULT_ADAPTIVE_OPTIONS, {
    ...JAEGERS,
    tags: 'none',
  });
  expect(new Set(probability)).toEqual(new Set([0.001]));
});

test('with short intervals and polls a tenfold step is answered within seconds', () => {
  const options = { ...DEFAULT_ADAPTIVE_OPTIONS, calculationIntervalMs: 5000, calculationDelayMs: 10_000 };
  const { probability } = run(UP, 4, options, { ...JAEGERS, pollIntervalS: 2 });
  const before = probability[HOUR / 10] as number;
  expect(Math.min(...probability.subarray(HOUR / 10, HOUR / 10 + 5))).toBeLessThan(before / 3);
});
