import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { Lateness } from '../../../src/receivers/otlp/lateness.ts';
import { heapInUse } from '../../support/heap.ts';

const TIMEOUT_MS = 1000;

/** Sleepers are woken by hand. */
function handClock() {
  const at = { ms: 0 };
  const sleepers = new Set<() => void>();
  const clock: Clock = {
    wallMs: () => at.ms,
    monotonicMs: () => at.ms,
    sleep: (ms, signal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted) return resolve();
        const dueMs = at.ms + ms;
        const look = (): void => {
          if (at.ms < dueMs && !signal?.aborted) return;
          sleepers.delete(look);
          resolve();
        };
        sleepers.add(look);
        signal?.addEventListener('abort', look, { once: true });
      }),
  };
  const goTo = async (ms: number): Promise<void> => {
    at.ms = ms;
    for (const look of Array.from(sleepers)) look();
    await setImmediate();
  };
  return { clock, goTo, sleepers };
}

test('who waits is told once its time is over, the oldest first, and who has ended is not', async () => {
  const { clock, goTo } = handClock();
  const lateness = new Lateness(clock, TIMEOUT_MS);
  const told: string[] = [];
  const first = lateness.watch(() => told.push('first'));
  await goTo(400);
  const second = lateness.watch(() => told.push('second'));
  lateness.watch(() => told.push('third'));
  expect(second()).toBe(true);
  await goTo(1000);
  expect(told).toEqual(['first']);
  expect(first()).toBe(false);
  await goTo(1400);
  expect(told).toEqual(['first', 'third']);
});

test('what has ended is held no longer, though an older one still waits', async () => {
  const { clock } = handClock();
  const lateness = new Lateness(clock, TIMEOUT_MS);
  lateness.watch(() => {});
  await setImmediate();
  const before = heapInUse();
  const inHand: (() => boolean)[] = [];
  for (let i = 0; i < 20_000; i++) {
    const payload = Array.from({ length: 100 }, () => i);
    inHand.push(lateness.watch(() => payload.push(1)));
    if (inHand.length > 64) inHand.shift()?.();
  }
  for (const end of inHand.splice(0)) end();
  expect(heapInUse() - before).toBeLessThan(4_000_000);
});

test('no timer is left once it ends and nobody waits', async () => {
  const { clock, sleepers } = handClock();
  const lateness = new Lateness(clock, TIMEOUT_MS);
  const done = lateness.watch(() => {});
  lateness.end();
  expect(sleepers.size).toBe(1);
  done();
  expect(sleepers.size).toBe(0);
  // Whoever comes all the same is told in time.
  await setImmediate();
  lateness.watch(() => {})();
  await setImmediate();
  expect(sleepers.size).toBe(0);
});
