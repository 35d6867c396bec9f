import { expect, test } from 'vitest';
import { StrategyCache } from '../../../../src/extensions/remote-sampling/sources/strategy-cache.ts';
import type { Strategy } from '../../../../src/sampling/strategies/strategy.ts';
import { FakeClock } from '../../../flow/fake-clock.ts';

function setUp(options: { freshMs?: number; maxServices?: number; maxPending?: number } = {}) {
  const clock = new FakeClock();
  const asked: { service: string; answer: (rate: number) => void; fail: () => void }[] = [];
  const outcomes: string[] = [];
  const cache = new StrategyCache({
    freshMs: 10_000,
    maxServices: 100,
    maxPending: 100,
    clock,
    fetch: (service) =>
      new Promise((resolve, reject) => {
        asked.push({
          service,
          answer: (samplingRate) =>
            resolve({ strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate } }),
          fail: () => reject(new Error('away')),
        });
      }),
    told: (outcome) => void outcomes.push(outcome),
    ...options,
  });
  const rate = async (service = 'shop'): Promise<number | undefined> =>
    (await cache.of(service)).probabilisticSampling?.samplingRate;
  return { clock, asked, outcomes, cache, rate };
}

/** What is there at once. */
const now = (strategy: Strategy | Promise<Strategy>): number | undefined =>
  strategy instanceof Promise ? undefined : strategy.probabilisticSampling?.samplingRate;

test('those who ask at the same time share one question', async () => {
  const { asked, rate, cache } = setUp();
  const all = [rate(), rate(), rate()];
  expect(asked).toHaveLength(1);
  asked[0]?.answer(0.5);
  expect(await Promise.all(all)).toEqual([0.5, 0.5, 0.5]);
  expect(now(cache.of('shop'))).toBe(0.5);
});

test('a fresh answer is given at once, an old one is asked for again', async () => {
  const { asked, clock, rate, cache } = setUp();
  const first = rate();
  asked[0]?.answer(0.5);
  await first;
  await clock.advance(9999);
  expect(now(cache.of('shop'))).toBe(0.5);
  await clock.advance(1);
  const second = rate();
  asked[1]?.answer(0.6);
  expect(await second).toBe(0.6);
});

test('while the other does not answer the last answer is given, and it is asked once a second', async () => {
  const { asked, clock, rate, cache, outcomes } = setUp();
  const first = rate();
  asked[0]?.answer(0.5);
  await first;
  await clock.advance(10_000);
  const second = rate();
  asked[1]?.fail();
  expect(await second).toBe(0.5);
  expect(now(cache.of('shop'))).toBe(0.5);
  expect(asked).toHaveLength(2);
  await clock.advance(1000);
  void rate();
  expect(asked).toHaveLength(3);
  expect(outcomes).toEqual(['ok', 'stale']);
});

test('when there has never been an answer, that is an error, and a second long the same one', async () => {
  const { asked, rate, outcomes } = setUp();
  const first = rate();
  asked[0]?.fail();
  await expect(first).rejects.toThrow('away');
  await expect(rate()).rejects.toThrow('away');
  expect(asked).toHaveLength(1);
  expect(outcomes).toEqual(['failed']);
});

test('the service that was unused longest makes room', async () => {
  const { asked, rate, cache } = setUp({ maxServices: 2 });
  for (const [i, service] of ['a', 'b'].entries()) {
    const answer = rate(service);
    asked[i]?.answer(0.5);
    await answer;
  }
  expect(now(cache.of('a'))).toBe(0.5);
  void rate('c');
  expect(cache.size).toBe(2);
  expect(now(cache.of('a'))).toBe(0.5);
});

test('more questions at a time than there may be are refused, unless there is an old answer', async () => {
  const { rate, outcomes } = setUp({ maxPending: 1 });
  void rate('a');
  await expect(rate('b')).rejects.toMatchObject({ code: 'OVER_LIMIT' });
  expect(outcomes).toEqual(['refused']);
});

test('with nothing kept fresh, each who comes after the answer asks again', async () => {
  const { asked, rate } = setUp({ freshMs: 0 });
  const first = rate();
  asked[0]?.answer(0.5);
  await first;
  const second = rate();
  asked[1]?.answer(0.6);
  expect(await second).toBe(0.6);
});
