import { describe, expect, test } from 'vitest';
import { AdaptiveController } from '../../../src/sampling/adaptive/adaptive-controller.ts';
import { globMatcher } from '../../../src/sampling/adaptive/glob.ts';
import {
  type AdaptiveControlOptions,
  DEFAULT_ADAPTIVE_CONTROL_OPTIONS,
  type Override,
} from '../../../src/sampling/adaptive/options.ts';
import { SmallFleet } from './support.ts';

const names = ['GET /cart', 'GET /health', 'POST /order'];

function fleetOf(options: Partial<AdaptiveControlOptions>, rate = 100): SmallFleet {
  const controller = new AdaptiveController({ ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS, ...options });
  const traffic = names.map((operation) => ({ service: 'shop', operation, rate: () => rate }));
  return new SmallFleet(controller, traffic, 5);
}

const overrides = (...list: (Partial<Override> & { operation: string })[]) => ({
  overrides: list.map((one) => ({ service: 'shop', ...one })),
});

describe('globs', () => {
  test.each([
    ['GET /*', 'GET /cart/items', true],
    ['GET /?', 'GET /ab', false],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['*****************x', 'a'.repeat(5000), false],
    ['POST /order', 'POST /order', true],
  ])('%s and %s', (glob, name, matches) => {
    expect(globMatcher(glob)(name)).toBe(matches);
  });
});

describe('overrides', () => {
  test('never and fixed are served as they are, the first match wins', () => {
    const fleet = fleetOf(
      overrides({ operation: 'GET /health', never: true }, { operation: 'GET *', fixedProbability: 0.25 }),
    );
    fleet.run(600);
    expect(names.map((name) => fleet.decision('shop', name).rule)).toEqual(['fixed', 'never', 'kept']);
    expect(fleet.served('shop', 'GET /health')).toBe(0);
    expect(fleet.served('shop', 'GET /cart')).toBe(0.25);
    expect(fleet.served('shop', 'POST /order')).toBeLessThan(0.02);
  });

  test('a target, a minimum and a maximum bind the rules', () => {
    const fleet = fleetOf(
      overrides(
        { operation: 'GET /cart', targetTracesPerSecond: 5 },
        { operation: 'GET /health', minProbability: 0.3 },
        { operation: 'POST /order', maxProbability: 0.0004 },
      ),
    );
    fleet.run(900);
    expect(fleet.served('shop', 'GET /cart')).toBeGreaterThan(0.04);
    expect(fleet.served('shop', 'GET /cart')).toBeLessThan(0.06);
    expect(fleet.served('shop', 'GET /health')).toBe(0.3);
    expect(fleet.served('shop', 'POST /order')).toBe(0.0004);
  });

  test('end at their time', () => {
    const fleet = fleetOf(overrides({ operation: '*', fixedProbability: 0.5, untilMs: 300_000 }));
    fleet.run(295);
    expect(fleet.served('shop', 'GET /cart')).toBe(0.5);
    expect(fleet.served('shop', 'anything')).toBe(0.5);
    fleet.run(600);
    expect(fleet.served('shop', 'GET /cart')).toBeLessThan(0.02);
  });

  test('that said never leave a beginning behind when they end', () => {
    const fleet = fleetOf(overrides({ operation: '*', never: true, untilMs: 4_000_000 }));
    fleet.run(3990);
    expect(fleet.served('shop', 'GET /cart')).toBe(0);
    fleet.run(6000);
    expect(fleet.served('shop', 'GET /cart')).toBeGreaterThan(0.009);
    expect(fleet.served('shop', 'GET /cart')).toBeLessThan(0.011);
  });

  test('bind what is not listed, too', () => {
    const fleet = fleetOf(overrides({ operation: '*', maxProbability: 0.0004 }));
    fleet.run(600);
    expect(fleet.served('shop', 'GET /cart')).toBe(0.0004);
    expect(fleet.decision('shop', '')).toMatchObject({ rule: 'maximum', probability: 0.0004 });
    const least = fleetOf(overrides({ operation: '*', minProbability: 0.25 }));
    least.run(600);
    expect(least.decision('shop', '')).toMatchObject({ rule: 'minimum', probability: 0.25 });
  });

  test('of all services hold for those that nobody knows', () => {
    const fleet = fleetOf({ overrides: [{ service: '*', operation: '*', fixedProbability: 0.25 }] });
    fleet.run(100);
    expect(fleet.served('unheard of', 'GET /')).toBe(0.25);
    expect(fleet.decision('', '').rule).toBe('fixed');
  });

  test('hold for an operation that they name, however long it has had no root', () => {
    const fleet = fleetOf({
      ...overrides({ operation: 'yearly', fixedProbability: 1 }, { operation: 'new*', fixedProbability: 1 }),
      leftAfterMs: 100_000,
      forgottenAfterMs: 100_000,
    });
    fleet.run(1000);
    expect(fleet.served('shop', 'yearly')).toBe(1);
  });

  test('of many operations leave it to traffic which of them are listed', () => {
    const controller = new AdaptiveController({
      ...DEFAULT_ADAPTIVE_CONTROL_OPTIONS,
      maxOperationsPerReply: 3,
      ...overrides({ operation: 'rare 7', minProbability: 0.2 }, { operation: '*', weight: 2 }),
    });
    const traffic = Array.from({ length: 10 }, (_, i) => ({
      service: 'shop',
      operation: i < 8 ? `rare ${i}` : `busy ${i}`,
      rate: (second: number) => (i < 8 ? 20 : second < 900 ? 0 : 200),
    }));
    const fleet = new SmallFleet(controller, traffic, 5);
    fleet.run(2400);
    const strategy = fleet.controller.snapshot().services.get('shop');
    expect(strategy?.operationSampling?.perOperationStrategies.map(({ operation }) => operation)).toEqual([
      'busy 8',
      'busy 9',
      'rare 7',
    ]);
  });

  test('give way to pins, which may change from round to round', () => {
    const fleet = fleetOf(overrides({ operation: 'GET /cart', fixedProbability: 0.5 }));
    fleet.run(300);
    const pin = (operation: string, fixedProbability: number) => ({
      service: 'shop',
      operation,
      fixedProbability,
    });
    fleet.pins = [pin('GET /cart', 0.25), pin('GET /new', 0.125)];
    fleet.run(400);
    expect(fleet.decision('shop', 'GET /cart')).toMatchObject({ rule: 'fixed', probability: 0.25 });
    expect(fleet.decision('shop', 'GET /new')).toMatchObject({ rule: 'fixed', probability: 0.125 });
    fleet.pins = [];
    fleet.run(500);
    expect(fleet.decision('shop', 'GET /cart')).toMatchObject({ rule: 'fixed', probability: 0.5 });
    expect(fleet.decision('shop', 'GET /new').rule).not.toBe('fixed');
  });
});

describe('budgets', () => {
  const total = (fleet: SmallFleet, from: number, to: number): number =>
    names.reduce((sum, _, at) => sum + fleet.mean(at, from, to), 0);

  test('one for all is what all sampled traces come to', () => {
    const fleet = fleetOf({ budget: { tracesPerSecond: 6 } });
    fleet.run(2400);
    expect(total(fleet, 900, 2400)).toBeGreaterThan(5.7);
    expect(total(fleet, 900, 2400)).toBeLessThan(6.3);
  });

  test('a service has its own within it, and weights share it out', () => {
    const fleet = fleetOf({
      serviceBudgets: [{ service: 'sh*', tracesPerSecond: 8 }],
      ...overrides({ operation: 'POST *', weight: 2 }),
    });
    fleet.run(2400);
    expect(total(fleet, 900, 2400)).toBeGreaterThan(7.5);
    expect(total(fleet, 900, 2400)).toBeLessThan(8.5);
    expect(fleet.mean(2, 900, 2400) / fleet.mean(0, 900, 2400)).toBeGreaterThan(1.8);
    expect(fleet.mean(2, 900, 2400) / fleet.mean(0, 900, 2400)).toBeLessThan(2.2);
  });

  test('in spans takes the measured cost of traces into account', () => {
    const costs = new Map([['shop', new Map(names.map((name) => [name, { spans: 20, bytes: 4000 }]))]]);
    const fleet = fleetOf({ budget: { spansPerSecond: 60 } });
    fleet.costs = costs;
    fleet.run(2400);
    expect(total(fleet, 900, 2400) * 20).toBeGreaterThan(54);
    expect(total(fleet, 900, 2400) * 20).toBeLessThan(66);
  });
});

describe('boosts', () => {
  test('an operation whose errors rise gets more for a while, within the share of boosts', () => {
    const fleet = fleetOf({
      targetSamplesPerSecond: 2,
      boost: { factor: 3, durationMs: 120_000, coolDownMs: 600_000, budgetShare: 0.5 },
    });
    fleet.run(1200);
    expect(fleet.decision('shop', 'GET /cart').target).toBe(2);
    fleet.errorShare.set('GET /cart', 0.5);
    fleet.run(1290);
    expect(fleet.decision('shop', 'GET /cart').rule).toBe('boosted');
    expect(fleet.decision('shop', 'GET /cart').target).toBeGreaterThan(3.5);
    expect(fleet.decision('shop', 'GET /cart').target).toBeLessThanOrEqual(6);
    expect(fleet.decision('shop', 'POST /order').target).toBe(2);
    fleet.run(1500);
    expect(fleet.decision('shop', 'GET /cart').target).toBe(2);
  });
});
