import { describe, expect, test } from 'vitest';
import { ConformanceWatch } from '../../../src/sampling/adaptive/conformance-watch.ts';
import type { Conformance } from '../../../src/sampling/adaptive/controller.ts';
import { Intake } from '../../../src/sampling/adaptive/intake.ts';
import { DEFAULT_ADAPTIVE_CONTROL_OPTIONS } from '../../../src/sampling/adaptive/options.ts';
import { Registry } from '../../../src/sampling/adaptive/registry.ts';
import { poisson, randomOf, rootsOf, WINDOW_MS } from './support.ts';

/** A service that was always told 0.5; `draw` says which variates a window of it has. */
function verdictsOf(
  draw: (window: number, random: () => number) => readonly number[],
  { windows = 60, seed = 1, hasLowerBound = false } = {},
): { verdict: Conformance; roots: number } {
  const options = { ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS, initialSamplingProbability: 0.5 };
  const registry = new Registry(options);
  const watch = new ConformanceWatch(registry.table);
  const intake = new Intake(registry, WINDOW_MS, [watch]);
  const random = randomOf(seed);
  registry.meet(
    new Map([['shop', { instances: 20, slowestIntervalMs: 60_000, hasLowerBound }]]),
    0,
    () => 1 / 60,
  );
  const shop = registry.service('shop', 0);
  let roots = 0;
  for (let window = 0; window < windows; window++) {
    const variates = draw(window, random);
    roots += variates.length;
    const row = { windowS: window * 5, service: 'shop', operation: 'GET /cart', sampled: rootsOf(variates) };
    intake.window(window * WINDOW_MS, [row], window * WINDOW_MS);
    watch.judge();
    const verdict = watch.of(shop);
    if (verdict !== 'unknown' && verdict !== 'follows') return { verdict, roots };
  }
  return { verdict: watch.of(shop), roots };
}

const spread = (count: number, below: number, random: () => number): number[] =>
  Array.from({ length: count }, () => random() * below);

describe('whether a service samples as it is told', () => {
  test('is unknown at first, and then it follows', () => {
    const follows = (_: number, random: () => number) => spread(poisson(5, random), 0.5, random);
    expect(verdictsOf(follows, { windows: 2 }).verdict).toBe('unknown');
    expect(verdictsOf(follows, { windows: 600 }).verdict).toBe('follows');
  });

  test('a tenth of the instances that samples everything is found within 200 roots, in 99 of 100 runs', () => {
    const some = (_: number, random: () => number) => [
      ...spread(poisson(4.5, random), 0.5, random),
      ...spread(poisson(1, random), 1, random),
    ];
    let found = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const { verdict, roots } = verdictsOf(some, { seed });
      if (verdict === 'samples_more' && roots <= 200) found++;
    }
    expect(found).toBeGreaterThanOrEqual(99);
  });

  test('nobody who follows is named, in 100 runs of an hour', () => {
    const follows = (_: number, random: () => number) => spread(poisson(5, random), 0.5, random);
    for (let seed = 1; seed <= 100; seed++) {
      expect(verdictsOf(follows, { windows: 720, seed }).verdict).toBe('follows');
    }
  });

  test('what a lower bound keeps is no evidence, also when all instances have a token at the same time', () => {
    // 20 instances keep one trace each at once, and again each 20 minutes; half of the tokens go to kept traces.
    const bounded = (window: number, random: () => number) => {
      const tokens = window % 240 < 4 ? spread(5, 1, random).filter((u) => u >= 0.5) : [];
      return [...spread(poisson(5, random), 0.5, random), ...tokens];
    };
    for (let seed = 1; seed <= 50; seed++) {
      expect(verdictsOf(bounded, { windows: 960, seed, hasLowerBound: true }).verdict).toBe('follows');
    }
  });

  test('one that keeps less than it was told is found', () => {
    const less = (_: number, random: () => number) => spread(poisson(5, random), 0.2, random);
    expect(verdictsOf(less, { windows: 100 }).verdict).toBe('samples_less');
  });

  test('ids that are not random are found', () => {
    const clumsy = (_: number, random: () => number) =>
      spread(poisson(5, random), 0.5, random).map((u) => (u < 0.25 ? u / 8 + 0.1 : u));
    expect(verdictsOf(clumsy, { windows: 200 }).verdict).toBe('not_uniform');
  });
});
