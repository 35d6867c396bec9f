import { describe, expect, test } from 'vitest';
import {
  compatibleStrategy,
  DEFAULT_REPLY_LIMITS,
} from '../../../src/sampling/strategies/compatible-strategy.ts';
import type { Strategy } from '../../../src/sampling/strategies/strategy.ts';
import { strategyJson } from '../../../src/sampling/strategies/strategy-json.ts';

/** The whole of what every client needs, with nothing for operations. */
function flat(rate: number) {
  return {
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: rate },
    operationSampling: {
      defaultSamplingProbability: rate,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies: [],
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

function withOperations(...rates: [string, number][]): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: 0.3,
      defaultLowerBoundTracesPerSecond: 0.5,
      perOperationStrategies: rates.map(([operation, samplingRate]) => ({
        operation,
        probabilisticSampling: { samplingRate },
      })),
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

function ratesOf(strategy: Strategy): [string, number][] {
  return (strategy.operationSampling?.perOperationStrategies ?? []).map((each) => [
    each.operation,
    each.probabilisticSampling.samplingRate,
  ]);
}

test('every reply has both parts, telling the same default', () => {
  expect(compatibleStrategy(withOperations(['GET /a', 0.5]), 0.001)).toEqual({
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: 0.3 },
    operationSampling: {
      defaultSamplingProbability: 0.3,
      defaultLowerBoundTracesPerSecond: 0.5,
      perOperationStrategies: [{ operation: 'GET /a', probabilisticSampling: { samplingRate: 0.5 } }],
      defaultUpperBoundTracesPerSecond: 0,
    },
  });
});

test('a bare probability gets the other part, zeros and the empty list written', () => {
  const strategy = compatibleStrategy(
    { strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate: 0 } },
    0.001,
  );
  expect(strategyJson(strategy)).toBe(
    '{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0},' +
      '"operationSampling":{"defaultSamplingProbability":0,"defaultLowerBoundTracesPerSecond":0,' +
      '"perOperationStrategies":[],"defaultUpperBoundTracesPerSecond":0}}',
  );
});

describe('a rate limit', () => {
  const limit = (maxTracesPerSecond: number): Strategy => ({
    strategyType: 'RATE_LIMITING',
    rateLimitingSampling: { maxTracesPerSecond },
  });

  test('becomes the configured probability', () => {
    expect(compatibleStrategy(limit(5), 0.01)).toEqual(flat(0.01));
  });

  test('of 0 stays never', () => {
    expect(compatibleStrategy(limit(0), 0.01)).toEqual(flat(0));
  });

  test('beside operations gives way to their default', () => {
    expect(compatibleStrategy({ ...withOperations(), ...limit(5) }, 0.01).probabilisticSampling).toEqual({
      samplingRate: 0.3,
    });
  });
});

test('rates are brought within [0, 1]', () => {
  const strategy = withOperations(['a', 1.0000000000000002], ['b', -0.5], ['c', Number.NaN]);
  expect(ratesOf(compatibleStrategy(strategy, 0))).toEqual([
    ['a', 1],
    ['b', 0],
    ['c', 0],
  ]);
});

test('an operation without name is left out and of a repeated one the last rate counts', () => {
  const strategy = withOperations(['', 0.1], ['a', 0.2], ['b', 0.3], ['a', 0.4]);
  expect(ratesOf(compatibleStrategy(strategy, 0))).toEqual([
    ['a', 0.4],
    ['b', 0.3],
  ]);
});

test('a reply stays below 1 MiB and keeps the operations with the lowest rates', () => {
  const many = Array.from({ length: 100_000 }, (_, i): [string, number] => [
    `GET /orders/${String(i).padStart(6, '0')}`,
    i % 2 === 0 ? 0.5 : 0.001,
  ]);
  const strategy = compatibleStrategy(withOperations(...many), 0, {
    ...DEFAULT_REPLY_LIMITS,
    maxOperations: 1_000_000,
  });
  expect(strategyJson(strategy).length).toBeLessThan(1024 * 1024);
  const kept = ratesOf(strategy);
  expect(kept.length).toBeGreaterThan(5000);
  expect(kept.every(([, rate]) => rate === 0.001)).toBe(true);
});

test('a reply carries 250 operations unless told otherwise, those with the lowest rates, in their order', () => {
  const rates = Array.from({ length: 300 }, (_, i): [string, number] => [`op-${i}`, (300 - i) / 1000]);
  const kept = ratesOf(compatibleStrategy(withOperations(...rates), 0.001));
  expect(kept).toHaveLength(250);
  expect(kept[0]).toEqual(['op-50', 0.25]);
  expect(kept.at(-1)).toEqual(['op-299', 0.001]);
});
