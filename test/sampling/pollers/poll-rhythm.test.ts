import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PollTimes, type Rhythm } from '../../../src/sampling/pollers/poll-rhythm.ts';

const T0 = 1_700_000_000_000;
const USUAL_MS = 60_000;

/** Polls at these seconds, over the connection that stands beside each. */
function rhythm(polls: readonly (readonly [atS: number, connection: number])[], usualMs = USUAL_MS): Rhythm {
  const times = new PollTimes();
  for (const [atS, connection] of polls) times.add(T0 + atS * 1000, connection, usualMs);
  return times.rhythm(usualMs);
}

/** Instances that poll every `everyS`, each at its phase, over its own kept connection. */
function fleet(phasesS: readonly number[], everyS: number, untilS: number): [number, number][] {
  const polls = phasesS.flatMap((phaseS, i) => {
    const count = Math.ceil((untilS - phaseS) / everyS);
    return Array.from({ length: count }, (_, n): [number, number] => [phaseS + n * everyS, 5000 + i]);
  });
  return polls.sort(([a], [b]) => a - b);
}

/** As a balancer that opens a connection for every poll shows them. */
const unconnected = (polls: readonly [number, number][]): [number, number][] =>
  polls.map(([atS], i) => [atS, 10_000 + i]);

test('one instance has its own interval once five polls agree', () => {
  expect(rhythm(fleet([0], 60, 300))).toEqual({ intervalMs: 60_000, slowestMs: 60_000, instances: 1 });
});

test('one that polls every second is believed too', () => {
  expect(rhythm(fleet([0], 1, 20))).toEqual({ intervalMs: 1000, slowestMs: 1000, instances: 1 });
});

test('after two polls there is a guess on the long side', () => {
  expect(rhythm(fleet([0], 10, 20))).toEqual({ intervalMs: undefined, slowestMs: 60_000, instances: 1 });
  expect(rhythm(fleet([0], 90, 180))).toEqual({ intervalMs: undefined, slowestMs: 90_000, instances: 1 });
});

test('after one there is none', () => {
  expect(rhythm([[0, 1]])).toEqual({ intervalMs: undefined, slowestMs: undefined, instances: 1 });
});

describe('three instances behind one address', () => {
  test('are three with their own interval, not one with a third of it', () => {
    expect(rhythm(fleet([0, 13, 37], 60, 600))).toEqual({
      intervalMs: 60_000,
      slowestMs: 60_000,
      instances: 3,
    });
  });

  test('also where every poll has a connection of its own', () => {
    expect(rhythm(unconnected(fleet([0, 13, 37], 60, 600)))).toMatchObject({
      intervalMs: 60_000,
      instances: 3,
    });
  });

  test('that poll exactly in turn are told apart by their connections', () => {
    expect(rhythm(fleet([0, 20, 40], 60, 600))).toMatchObject({ intervalMs: 60_000, instances: 3 });
  });

  test('look like the usual interval before anything is known', () => {
    expect(rhythm(fleet([0, 13, 37], 60, 60))).toMatchObject({ intervalMs: undefined, slowestMs: 60_000 });
  });
});

test('thirty behind one address are counted by their rate', () => {
  const phases = Array.from({ length: 30 }, (_, i) => (i * 37.3 + i * i * 1.7) % 60);
  const seen = rhythm(unconnected(fleet(phases, 60, 600)));
  expect(seen.slowestMs).toBe(60_000);
  expect(seen.instances).toBeGreaterThan(20);
  expect(seen.instances).toBeLessThan(45);
});

test('a slow instance among fast ones at one address is seen by its connection', () => {
  const fast = fleet([0], 5, 400);
  const slow = fleet([2], 50, 400).map(([atS]): [number, number] => [atS, 9999]);
  const polls = [...fast, ...slow].sort(([a], [b]) => a - b);
  expect(rhythm(polls).slowestMs).toBe(50_000);
});

test('a poll that was missed makes the slowest interval two of them, for a while', () => {
  const polls = fleet([0], 60, 600).filter(([atS]) => atS !== 300);
  expect(rhythm(polls)).toMatchObject({ intervalMs: 60_000, slowestMs: 120_000 });
  const later = [...polls, ...fleet([600], 60, 2000)];
  expect(rhythm(later)).toMatchObject({ intervalMs: 60_000, slowestMs: 60_000 });
});

test('one that comes back after a long silence begins anew', () => {
  const polls = [...fleet([0], 60, 600), [4000, 1] as const];
  expect(rhythm(polls)).toEqual({ intervalMs: undefined, slowestMs: undefined, instances: 1 });
});

test('a new connection now and then does not make two of one', () => {
  const polls = fleet([0], 60, 1200).map(([atS], i): [number, number] => [atS, i < 11 ? 1 : 2]);
  expect(rhythm(polls)).toMatchObject({ intervalMs: 60_000, instances: 1 });
});

test('however many stand behind an address, their interval is never taken for much shorter than it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 59, noNaN: true }), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 60, max: 900 }),
      (phases, kept, untilS) => {
        const polls = fleet(phases, 60, untilS);
        const { slowestMs } = rhythm(kept ? polls : unconnected(polls));
        // Instances whose phases agree to within the tolerance can not be told apart without connections.
        const spread = phases.length === 1 || kept;
        if (slowestMs !== undefined && spread) expect(slowestMs).toBeGreaterThanOrEqual(54_000);
      },
    ),
    { seed: 5, numRuns: 200 },
  );
});
