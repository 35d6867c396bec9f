import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noView, ServedHistory } from '../../../src/sampling/adaptive/served-history.ts';

function look(history: ServedHistory, fromMs: number, untilMs = fromMs + 1000) {
  const view = noView();
  history.look(0, fromMs, fromMs, untilMs, view);
  return view;
}

describe('what pollers can go by', () => {
  test('is what was served since ever, as long as nothing else was', () => {
    const history = new ServedHistory(1);
    history.begin(0, 0.25, 0.25);
    expect(look(history, 0)).toEqual({
      lowest: 0.25,
      highest: 0.25,
      mean: 0.25,
      nextChangeMs: Number.POSITIVE_INFINITY,
    });
  });

  test('is all that was served at any time since the horizon', () => {
    const history = new ServedHistory(1);
    history.begin(0, 0.5, 0.5);
    history.push(0, 1000, 0.1, Number.NEGATIVE_INFINITY);
    history.push(0, 3000, 0.2, Number.NEGATIVE_INFINITY);
    expect(look(history, 500)).toMatchObject({ lowest: 0.1, highest: 0.5, nextChangeMs: 1000 });
    expect(look(history, 1000)).toMatchObject({ lowest: 0.1, highest: 0.2, nextChangeMs: 3000 });
    expect(look(history, 3000)).toMatchObject({ lowest: 0.2, highest: 0.2 });
  });

  test('has a mean over time', () => {
    const history = new ServedHistory(1);
    history.begin(0, 0.5, 0.5);
    history.push(0, 3000, 0.1, Number.NEGATIVE_INFINITY);
    expect(look(history, 0, 4000).mean).toBeCloseTo(0.4, 12);
  });

  test('has bounds that hold whatever was served and when, also when there were more changes than it keeps', () => {
    const change = fc.record({
      afterMs: fc.integer({ min: 1, max: 20_000 }),
      p: fc.double({ min: 1e-5, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.integer({ min: 0, max: 300_000 }),
        (changes, backMs) => {
          const history = new ServedHistory(1);
          history.begin(0, 0.5, 0.5);
          const served = [{ atMs: Number.NEGATIVE_INFINITY, p: 0.5 }];
          let atMs = 0;
          for (const { afterMs, p } of changes) {
            atMs += afterMs;
            history.push(0, atMs, p, atMs - 300_000);
            served.push({ atMs, p });
          }
          const fromMs = atMs - backMs;
          const inForce = served.filter((_, i) => (served[i + 1]?.atMs ?? Number.POSITIVE_INFINITY) > fromMs);
          const { lowest, highest } = look(history, fromMs);
          expect(lowest).toBeLessThanOrEqual(Math.min(...inForce.map(({ p }) => p)));
          expect(highest).toBeGreaterThanOrEqual(Math.max(...inForce.map(({ p }) => p)));
        },
      ),
    );
  });
});
