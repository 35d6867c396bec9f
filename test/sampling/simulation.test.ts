import { describe, expect, test } from 'vitest';
import { DEFAULT_ADAPTIVE_OPTIONS } from '../../src/sampling/options.ts';
import { meanSampled, type Scenario, simulate } from './simulation.ts';

const MINUTE = 60;
const SETTLED = 60 * MINUTE;

const SDKS = { instances: 20, pollSeconds: 60 };

function scenario(load: Scenario['load'], seconds: number, seed: number): Scenario {
  return { ...SDKS, options: DEFAULT_ADAPTIVE_OPTIONS, load, seconds, seed };
}

describe.each([1, 2, 3])('with the default intervals (seed %i)', (seed) => {
  test('a tenfold step brings the probability down within delay + two intervals, and on target within half an hour', async () => {
    const step = (second: number): number => (second < SETTLED ? 100 : 1000);
    const history = await simulate(scenario(step, SETTLED + 45 * MINUTE, seed));
    const before = history[SETTLED]?.served ?? 0;
    expect(before).toBeGreaterThan(0.005);
    expect(before).toBeLessThan(0.02);
    const firstMove = history.findIndex(({ served }, second) => second > SETTLED && served !== before);
    expect(history[firstMove]?.served).toBeLessThan(before);
    expect(firstMove - SETTLED).toBeLessThanOrEqual(4 * MINUTE);
    const late = meanSampled(history, SETTLED + 30 * MINUTE, SETTLED + 45 * MINUTE);
    expect(late).toBeGreaterThan(0.6);
    expect(late).toBeLessThan(1.5);
  });

  test('a step down by ten brings the probability up again', async () => {
    const step = (second: number): number => (second < SETTLED ? 1000 : 100);
    const history = await simulate(scenario(step, SETTLED + 45 * MINUTE, seed));
    const before = history[SETTLED]?.served ?? 0;
    const after = history.at(-1)?.served ?? 0;
    expect(after).toBeGreaterThan(before * 5);
    expect(after).toBeLessThan(0.02);
  });
});

test('with short intervals a tenfold step is answered within delay + two intervals', async () => {
  const options = { ...DEFAULT_ADAPTIVE_OPTIONS, calculationIntervalMs: 5000, calculationDelayMs: 10_000 };
  const step = (second: number): number => (second < 600 ? 200 : 2000);
  const history = await simulate({
    options,
    load: step,
    seconds: 700,
    seed: 4,
    instances: 5,
    pollSeconds: 2,
  });
  const before = history[600]?.served ?? 0;
  const lowest = Math.min(...history.slice(600, 625).map(({ served }) => served));
  expect(lowest).toBeLessThan(before / 3);
});
