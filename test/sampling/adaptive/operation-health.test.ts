import { describe, expect, test } from 'vitest';
import { OperationHealth } from '../../../src/sampling/adaptive/operation-health.ts';
import type { SampledRoots } from '../../../src/sampling/roots/root-row.ts';

const WINDOW_MS = 5000;

/** Roots that took as long as class `durationClass` says. */
function rootsOf(roots: number, durationClass: number, errors = 0): SampledRoots {
  return {
    roots,
    errors,
    durations: { classes: [durationClass], counts: [roots] },
  } as unknown as SampledRoots;
}

/** Windows, by their number, in which the operation was told to deviate. */
function deviations(windows: readonly SampledRoots[]): number[] {
  const health = new OperationHealth();
  return windows.flatMap((sampled, i) => (health.deviates(0, sampled, i * WINDOW_MS) ? [i] : []));
}

describe('the health of an operation', () => {
  test('is not judged by the windows from which its baseline is learned, however many roots they have', () => {
    const same = Array.from({ length: 40 }, () => rootsOf(25, 80));
    expect(deviations(same)).toEqual([]);
    expect(deviations([rootsOf(500, 80), ...same])).toEqual([]);
    expect(deviations([rootsOf(5000, 80, 50), ...same])).toEqual([]);
  });

  test('deviates soon after its roots become very slow, or fail', () => {
    const usual = Array.from({ length: 40 }, () => rootsOf(25, 80));
    const [slow] = deviations([...usual, ...Array.from({ length: 10 }, () => rootsOf(25, 100))]);
    expect(slow).toBeGreaterThanOrEqual(40);
    expect(slow).toBeLessThan(46);
    const [failing] = deviations([...usual, ...Array.from({ length: 10 }, () => rootsOf(25, 80, 15))]);
    expect(failing).toBeGreaterThanOrEqual(40);
    expect(failing).toBeLessThan(46);
  });
});
