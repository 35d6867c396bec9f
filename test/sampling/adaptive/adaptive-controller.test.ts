import { describe, expect, test } from 'vitest';
import { AdaptiveController } from '../../../src/sampling/adaptive/adaptive-controller.ts';
import {
  type AdaptiveControlOptions,
  DEFAULT_ADAPTIVE_CONTROL_OPTIONS,
} from '../../../src/sampling/adaptive/options.ts';
import { SmallFleet, type Traffic } from './support.ts';

const SHOP = 'shop';
const CART = 'GET /cart';

function fleetOf(
  traffic: readonly Traffic[],
  options: Partial<AdaptiveControlOptions> = {},
  seed = 1,
): SmallFleet {
  const controller = new AdaptiveController({ ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS, ...options });
  return new SmallFleet(controller, traffic, seed);
}

const cart = (rate: (second: number) => number): Traffic => ({ service: SHOP, operation: CART, rate });

describe('a lone operation', () => {
  test('comes from nothing to its target of one trace per second within four minutes', () => {
    for (const seed of [1, 2, 3]) {
      const fleet = fleetOf([cart(() => 5)], {}, seed);
      fleet.run(240);
      expect(fleet.served(SHOP, CART)).toBeGreaterThan(0.12);
      expect(fleet.served(SHOP, CART)).toBeLessThan(0.32);
    }
  });

  test('is sampled whole when it has less than its target', () => {
    const fleet = fleetOf([cart(() => 0.2)]);
    fleet.run(1800);
    expect(fleet.served(SHOP, CART)).toBe(1);
  });

  test('has a tenth of the probability half a minute after ten times the traffic', () => {
    const fleet = fleetOf([cart((second) => (second < 1200 ? 100 : 1000))]);
    fleet.run(1200);
    const before = fleet.served(SHOP, CART);
    fleet.run(1230);
    expect(fleet.served(SHOP, CART) / before).toBeLessThan(0.17);
  });

  test('tells its rate with an interval, the samples behind it and the rule', () => {
    const fleet = fleetOf([cart(() => 100)]);
    fleet.run(1200);
    const { rate, rateLow, rateHigh, samples, overS, target, rule, conformance } = fleet.decision(SHOP, CART);
    expect(rateLow).toBeLessThan(100);
    expect(rateHigh).toBeGreaterThan(100);
    expect(rate).toBeGreaterThan(rateLow);
    expect(rate).toBeLessThan(rateHigh);
    expect(samples).toBeGreaterThan(300);
    expect(overS).toBeGreaterThan(300);
    expect([target, rule, conformance]).toEqual([1, 'kept', 'follows']);
  });
});

describe('silence', () => {
  test('moves nothing, and what comes back meets the probability that it left', () => {
    const fleet = fleetOf([cart((second) => (second >= 1200 && second < 1680 ? 0 : 500))]);
    fleet.run(1215);
    const before = fleet.served(SHOP, CART);
    fleet.run(1680);
    expect(fleet.served(SHOP, CART)).toBe(before);
    expect(fleet.decision(SHOP, CART).rule).toBe('silent');
    fleet.run(1800);
    expect(fleet.mean(0, 1680, 1740)).toBeLessThan(1.6);
    expect(fleet.mean(0, 1680, 1740)).toBeGreaterThan(0.5);
  });

  test('does not hold an operation that has a tenth left', () => {
    const fleet = fleetOf([cart((second) => (second < 1200 ? 500 : 50))]);
    fleet.run(1440);
    expect(fleet.served(SHOP, CART)).toBeGreaterThan(0.012);
  });

  test('never more than doubles a probability, however long it lasts', () => {
    const fleet = fleetOf([cart((second) => (second < 1200 ? 500 : 0))], { leftAfterMs: 86_400_000 });
    fleet.run(1200);
    const before = fleet.served(SHOP, CART);
    fleet.run(8000);
    expect(fleet.served(SHOP, CART)).toBeLessThanOrEqual(before * 2.3);
  });
});

describe('late data', () => {
  test('move nothing while they are late, and nothing much when they are there', () => {
    const late = fleetOf([cart(() => 400)], { targetSamplesPerSecond: 4 });
    const twin = fleetOf([cart(() => 400)], { targetSamplesPerSecond: 4 });
    late.run(1800);
    twin.run(1800);
    late.isLagging = true;
    const snapshot = late.controller.snapshot();
    late.run(2100);
    expect(late.controller.snapshot()).toBe(snapshot);
    late.isLagging = false;
    late.run(2110);
    twin.run(2110);
    expect(Math.abs(late.served(SHOP, CART) / twin.served(SHOP, CART) - 1)).toBeLessThan(0.1);
  });
});

describe('what is served', () => {
  test('is the same object while nothing changes, and the same strategy for a service that did not', () => {
    const fleet = fleetOf([cart(() => 100), { service: 'other', operation: 'x', rate: () => 0.5 }]);
    fleet.run(2400);
    let same = 0;
    let reused = 0;
    for (let second = 2405; second < 3000; second += 5) {
      const before = fleet.controller.snapshot();
      fleet.run(second);
      const after = fleet.controller.snapshot();
      if (after === before) same++;
      else if (after.services.get('other') === before.services.get('other')) reused++;
    }
    expect(same).toBeGreaterThan(60);
    expect(same + reused).toBeGreaterThan(100);
  });

  test('shares the lower bound over the instances that poll', () => {
    const fleet = fleetOf([cart(() => 100)]);
    fleet.run(60);
    const strategy = fleet.controller.snapshot().services.get(SHOP);
    expect(strategy?.operationSampling?.defaultLowerBoundTracesPerSecond).toBeCloseTo(1 / 600, 10);
  });

  test('lists no more operations than a reply may carry, those with the most traffic', () => {
    const traffic = Array.from({ length: 30 }, (_, i) => ({
      service: SHOP,
      operation: `operation ${i}`,
      rate: () => (i < 5 ? 50 : 5),
    }));
    const fleet = fleetOf(traffic, { maxOperationsPerReply: 5 });
    fleet.run(900);
    const listed = fleet.controller.snapshot().services.get(SHOP)?.operationSampling?.perOperationStrategies;
    expect(listed?.map(({ operation }) => operation)).toEqual([0, 1, 2, 3, 4].map((i) => `operation ${i}`));
    expect(fleet.decision(SHOP, 'operation 20').rule).toBe('tail');
    expect(fleet.decision(SHOP, 'operation 20').probability).toBe(fleet.decision(SHOP, '').probability);
  });

  test('keeps an operation that has left at the default for a while, and then forgets it', () => {
    const traffic = [
      cart(() => 100),
      { service: SHOP, operation: 'gone', rate: (s: number) => (s < 600 ? 50 : 0) },
    ];
    const fleet = fleetOf(traffic, { leftAfterMs: 300_000, forgottenAfterMs: 600_000 });
    fleet.run(1200);
    expect(fleet.decision(SHOP, 'gone').rule).toBe('left');
    expect(fleet.served(SHOP, 'gone')).toBe(fleet.decision(SHOP, '').probability);
    fleet.run(1800);
    expect(fleet.decision(SHOP, 'gone')).toBeUndefined();
  });
});

test('services that nobody asks for any more, and that had no root, are forgotten without a trace', () => {
  const traffic = [
    ...['a', 'b'].map((operation) => ({ service: 'bank', operation, rate: () => 30 })),
    cart(() => 100),
  ];
  const [fleet, twin] = [fleetOf(traffic), fleetOf(traffic)];
  const own = [...fleet.pollers];
  fleet.pollers.clear();
  for (let i = 0; i < 20; i++) {
    const asks = own[i % 2] as (typeof own)[number];
    // Some were there before the others, and some between them.
    fleet.pollers.set(i === 5 ? SHOP : i === 11 ? 'bank' : `made up ${i}`, asks[1]);
  }
  fleet.run(900);
  expect(fleet.controller.snapshot().services.size).toBe(20);
  fleet.pollers.clear();
  for (const [service, asks] of own) fleet.pollers.set(service, asks);
  fleet.run(1800);
  expect([...fleet.controller.snapshot().services.keys()].sort()).toEqual(['bank', SHOP]);
  for (const second of [2400, 3000]) {
    fleet.run(second);
    twin.run(second);
    expect(fleet.controller.standing()).toHaveLength(6);
    for (const { service, operation, probability, rate } of twin.controller.standing()) {
      const decision = fleet.decision(service, operation);
      // Defaults are let be within 15 %, and operations are looked at in turns.
      expect(Math.abs(decision.probability / probability - 1)).toBeLessThan(operation === '' ? 0.3 : 0.05);
      if (operation !== '') expect(Math.abs(decision.rate / rate - 1)).toBeLessThan(0.05);
    }
  }
});

test('made-up names leave room for services that have roots', () => {
  const fleet = fleetOf([cart(() => 100)], { maxOperations: 10 });
  const [asks] = fleet.pollers.values();
  if (asks !== undefined) for (let i = 0; i < 50; i++) fleet.pollers.set(`made up ${i}`, asks);
  fleet.run(600);
  expect(fleet.controller.standing().length).toBe(6);
  expect(fleet.decision(SHOP, CART).rule).toBe('kept');
});

test('what finds no place has the default of services that nobody knows', () => {
  const traffic = Array.from({ length: 9 }, (_, i) => ({ ...cart(() => 100), service: `service ${i}` }));
  const fleet = fleetOf(traffic, { maxOperations: 7 });
  fleet.pollers.clear();
  fleet.run(900);
  expect(fleet.controller.standing()).toHaveLength(7);
  const served = traffic.map(({ service }) => fleet.served(service, CART));
  expect(new Set(served).size).toBeGreaterThan(2);
  expect(served.filter((each) => each === fleet.served('unheard of', CART)).length).toBeGreaterThan(4);
});

test('operations that did not fit are listed when there is room for them', () => {
  const traffic = ['a', 'b', 'c'].map((operation) => ({ service: SHOP, operation, rate: () => 50 }));
  const crowded = fleetOf(traffic, { maxOperationsPerReply: 1 });
  crowded.run(900);
  const rules = (fleet: SmallFleet) =>
    traffic.map(({ operation }) => fleet.decision(SHOP, operation).rule === 'tail');
  expect(rules(crowded).filter(Boolean)).toHaveLength(2);
  const roomy = fleetOf(traffic);
  roomy.controller.restore(crowded.controller.standing(), 0);
  roomy.run(300);
  expect(rules(roomy)).toEqual([false, false, false]);
});

describe('only observing', () => {
  test('tells what it would serve, and serves what it served', () => {
    const fleet = fleetOf([cart(() => 2000)], { mode: 'observe' });
    fleet.run(600);
    expect(fleet.served(SHOP, CART)).toBe(0.001);
    const { probability, previous } = fleet.decision(SHOP, CART);
    expect(previous).toBe(0.001);
    expect(probability).toBeGreaterThan(0.0004);
    expect(probability).toBeLessThan(0.0006);
  });

  test('tells with each decision what is served beside it, also after it has taken over', () => {
    const before = fleetOf([cart(() => 2000)]);
    before.run(600);
    const served = before.served(SHOP, CART);
    expect(before.decision(SHOP, CART).previous).not.toBe(served);
    const fleet = fleetOf([cart(() => 2000)], { mode: 'observe' });
    fleet.controller.restore(before.controller.standing(), 0);
    expect(fleet.decision(SHOP, CART).previous).toBe(served);
    fleet.run(600);
    expect(fleet.decision(SHOP, CART)).toMatchObject({ previous: served, gateLow: served, gateHigh: served });
  });
});

describe('another process', () => {
  test('serves the very same after it has taken over, with and without a budget, and goes on from there', () => {
    const traffic = Array.from({ length: 12 }, (_, i) => ({
      service: `service ${i % 3}`,
      operation: `operation ${i}`,
      rate: () => 10 * (i + 1),
    }));
    for (const budget of [undefined, { tracesPerSecond: 5 }]) {
      const options = { ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS, budget };
      const fleet = fleetOf(traffic, { budget });
      fleet.run(1500);
      const before = fleet.controller.snapshot();
      const next = new AdaptiveController(options);
      next.restore(structuredClone(fleet.controller.standing()), 1_500_000);
      expect(next.snapshot().fallback).toEqual(before.fallback);
      expect(next.snapshot().services).toEqual(before.services);
      const gates = (of: AdaptiveController) =>
        of
          .standing()
          .map(
            ({ service, operation, gateLow, gateHigh }) => `${service} ${operation} ${gateLow} ${gateHigh}`,
          )
          .sort();
      expect(gates(next)).toEqual(gates(fleet.controller));
      const first = next.round({
        nowMs: 1_510_000,
        startMs: 1_495_000,
        endMs: 1_500_000,
        rows: [],
        pollers: fleet.pollers,
      });
      for (const { operation, probability, previous } of first) {
        // A default stands for operations that may come; those that are there are what must not jump.
        if (operation !== '') expect(Math.abs(probability / previous - 1)).toBeLessThan(0.1);
      }
    }
  });
});
