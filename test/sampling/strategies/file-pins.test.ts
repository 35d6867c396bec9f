import { describe, expect, test } from 'vitest';
import { FilePins } from '../../../src/sampling/strategies/file-pins.ts';
import type { StrategySnapshot } from '../../../src/sampling/strategies/snapshot.ts';
import { fileStrategies, type StrategiesFile } from '../../../src/sampling/strategies/strategies-file.ts';
import type { Strategy } from '../../../src/sampling/strategies/strategy.ts';

function adaptive(rate: number, operations: Readonly<Record<string, number>> = {}): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: rate,
      defaultLowerBoundTracesPerSecond: 0.5,
      perOperationStrategies: Object.entries(operations).map(([operation, samplingRate]) => ({
        operation,
        probabilisticSampling: { samplingRate },
      })),
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

const SNAPSHOT: StrategySnapshot = {
  version: 7,
  madeAtMs: 1,
  fallback: adaptive(0.01),
  services: new Map([
    ['shop', adaptive(0.02, { 'GET /': 0.1, '/health': 0.2, 'GET /cart': 0.3 })],
    ['cart', adaptive(0.03, { add: 0.4 })],
  ]),
};

function pinsOf(file: StrategiesFile | null, maxOperations = 250): FilePins {
  return new FilePins({
    file,
    strategies: fileStrategies(file, 0.001),
    defaultProbability: 0.001,
    maxOperations,
  });
}

/** Default and operations of a service, as served. */
function served(file: StrategiesFile | null, service: string, maxOperations?: number) {
  const { services, fallback } = pinsOf(file, maxOperations).combined(SNAPSHOT);
  const { probabilisticSampling, operationSampling } = services.get(service) ?? fallback;
  const operations = (operationSampling?.perOperationStrategies ?? []).map(
    ({ operation, probabilisticSampling: { samplingRate } }) => [operation, samplingRate],
  );
  const rate = operationSampling?.defaultSamplingProbability ?? probabilisticSampling?.samplingRate;
  return [rate, Object.fromEntries(operations)];
}

test('a file that names nothing changes nothing, not even the objects', () => {
  const combined = pinsOf(null).combined(SNAPSHOT);
  expect(combined.services.get('shop')).toBe(SNAPSHOT.services.get('shop'));
  expect(combined).toMatchObject({ version: 7, fallback: SNAPSHOT.fallback });
});

describe('a service with a type of its own', () => {
  const file: StrategiesFile = {
    service_strategies: [
      {
        service: 'shop',
        type: 'probabilistic',
        param: 0.8,
        operation_strategies: [{ operation: 'GET /', type: 'probabilistic', param: 0.9 }],
      },
      { service: 'new', type: 'probabilistic', param: 0.7 },
    ],
  };

  test('is pinned whole, known to the algorithm or not', () => {
    expect(served(file, 'shop')).toEqual([0.8, { 'GET /': 0.9 }]);
    expect(served(file, 'new')).toEqual([0.7, {}]);
  });

  test('leaves the others alone', () => {
    expect(served(file, 'cart')).toEqual([0.03, { add: 0.4 }]);
    expect(served(file, 'unknown')).toEqual([0.01, {}]);
  });
});

test('a service that only lists operations has those pinned', () => {
  const file: StrategiesFile = {
    service_strategies: [
      {
        service: 'shop',
        type: null,
        operation_strategies: [
          { operation: '/health', type: 'probabilistic', param: 0 },
          { operation: 'GET /new', type: 'probabilistic', param: 1 },
        ],
      },
    ],
  };
  expect(served(file, 'shop')).toEqual([
    0.02,
    { '/health': 0, 'GET /new': 1, 'GET /': 0.1, 'GET /cart': 0.3 },
  ]);
});

describe('the default strategy of the file', () => {
  const file: StrategiesFile = {
    default_strategy: {
      type: 'probabilistic',
      param: 0.5,
      operation_strategies: [{ operation: '/health', type: 'probabilistic', param: 0 }],
    },
    service_strategies: [
      { service: 'cart', operation_strategies: [{ operation: '/health', type: 'probabilistic', param: 1 }] },
    ],
  };

  test('pins the default and its operations everywhere, and the rest stays adaptive', () => {
    expect(served(file, 'shop')).toEqual([0.5, { '/health': 0, 'GET /': 0.1, 'GET /cart': 0.3 }]);
    expect(served(file, 'unknown')).toEqual([0.5, { '/health': 0 }]);
  });

  test('gives way to what a service says of the same operation', () => {
    expect(served(file, 'cart')).toEqual([0.5, { '/health': 1, add: 0.4 }]);
  });
});

test('a default that only lists operations leaves the probability adaptive', () => {
  const file: StrategiesFile = {
    default_strategy: { operation_strategies: [{ operation: '/health', type: 'probabilistic', param: 0 }] },
  };
  expect(served(file, 'unknown')).toEqual([0.01, { '/health': 0 }]);
});

test('where not all fit, what the file names stays, then the lowest rates', () => {
  const file: StrategiesFile = {
    service_strategies: [
      { service: 'shop', operation_strategies: [{ operation: 'a', type: 'probabilistic', param: 1 }] },
    ],
  };
  expect(served(file, 'shop', 2)).toEqual([0.02, { a: 1, 'GET /': 0.1 }]);
});

test('a strategy that did not change stays the same object', () => {
  const file: StrategiesFile = { default_strategy: { type: 'probabilistic', param: 0.5 } };
  const pins = pinsOf(file);
  const [before, after] = [pins.combined(SNAPSHOT), pins.combined({ ...SNAPSHOT, madeAtMs: 2 })];
  expect(after.services.get('shop')).toBe(before.services.get('shop'));
});

test('what is fixed is told, the likeliest first', () => {
  const file: StrategiesFile = {
    default_strategy: {
      type: 'probabilistic',
      param: 0.5,
      operation_strategies: [{ operation: '/health', type: 'probabilistic', param: 0 }],
    },
    service_strategies: [
      { service: 'shop', type: 'probabilistic', param: 0.8 },
      { service: 'cart', operation_strategies: [{ operation: 'add', type: 'probabilistic', param: 1 }] },
      { service: 'slow', type: 'ratelimiting', param: 5 },
    ],
  };
  expect(pinsOf(file).pins()).toEqual([
    { service: 'shop', operation: '*', fixedProbability: 0.8 },
    { service: 'cart', operation: 'add', fixedProbability: 1 },
    { service: '*', operation: '/health', fixedProbability: 0 },
    { service: '*', operation: '', fixedProbability: 0.5 },
  ]);
});
