import { expect, test } from 'vitest';
import { roundTimes } from '../../../src/extensions/remote-sampling/adaptive/adaptive-config.ts';
import {
  controlOptions,
  countsCosts,
} from '../../../src/extensions/remote-sampling/adaptive/create-controller.ts';
import { remoteSamplingConfig } from '../../../src/extensions/remote-sampling/config.ts';

function messages(config: object): string[] {
  return (remoteSamplingConfig.safeParse(config).error?.issues ?? []).map(({ message }) => message);
}

const ADAPTIVE = { adaptive: { sampling_store: 'clickhouse' } };

test('servers listen on localhost only where their key is present', () => {
  expect(remoteSamplingConfig.parse(ADAPTIVE)).not.toHaveProperty('http');
  const { http, grpc } = remoteSamplingConfig.parse({ ...ADAPTIVE, http: {}, grpc: null });
  expect(http?.endpoint).toEqual({ host: 'localhost', port: 5778 });
  expect(grpc?.endpoint).toEqual({ host: 'localhost', port: 5779 });
});

test('more addresses can be named', () => {
  const { grpc } = remoteSamplingConfig.parse({ ...ADAPTIVE, grpc: { extra_endpoints: ['0.0.0.0:14250'] } });
  expect(grpc?.extra_endpoints).toEqual([{ host: '0.0.0.0', port: 14250 }]);
});

test('a provider has to be there', () => {
  expect(messages({ http: {} })).toEqual([
    "no sampling strategy provider specified, expecting 'adaptive' or 'file'",
  ]);
});

test('a reload interval below zero is refused in the words of Jaeger', () => {
  expect(messages({ file: { reload_interval: '-1s' } })).toEqual([
    'reload interval must be a positive value, or zero to disable automatic reloading',
  ]);
});

test('an interval shorter than the windows it is made of is refused', () => {
  expect(messages({ adaptive: { ...ADAPTIVE.adaptive, calculation_interval: '2s' } })).toEqual([
    'expected at least the length of a window',
  ]);
});

function adaptive(options: object): string[] {
  return messages({ adaptive: { ...ADAPTIVE.adaptive, ...options } });
}

test('the times of the rounds depend on the algorithm, unless they are told', () => {
  const timesOf = (options: object) => {
    const { adaptive: parsed } = remoteSamplingConfig.parse({
      adaptive: { ...ADAPTIVE.adaptive, ...options },
    });
    return parsed && Object.values(roundTimes(parsed));
  };
  expect(timesOf({})).toEqual([5000, 15_000]);
  expect(timesOf({ window: '10s' })).toEqual([10_000, 15_000]);
  expect(timesOf({ algorithm: 'jaeger' })).toEqual([60_000, 120_000]);
  expect(timesOf({ calculation_interval: '30s', calculation_delay: '1m' })).toEqual([30_000, 60_000]);
});

test.each([
  [{ overrides: [{ service: 'shop' }] }, /^an override decides nothing/],
  [{ overrides: [{ never: true, weight: 2 }] }, 'never leaves no room for anything else'],
  [{ overrides: [{ probability: 0.5, weight: 2 }] }, 'probability leaves no room for anything else'],
  [
    { overrides: [{ min_probability: 0.5, max_probability: 0.25 }] },
    'min_probability 0.5 is above max_probability 0.25',
  ],
  [{ overrides: [{ probability: 2 }] }, /^Probability: 2 does not validate/],
  [
    { overrides: [{ never: true, until: 'tomorrow' }] },
    'expected a date and time such as 2026-12-24T18:00:00Z',
  ],
  [{ algorithm: 'jaeger', mode: 'observe' }, 'observe needs algorithm adaptive'],
])('%j is refused', (options, message) => {
  expect(adaptive(options)).toEqual([expect.stringMatching(message)]);
});

test('what is written becomes what the controller is told', () => {
  const { adaptive: config } = remoteSamplingConfig.parse({
    adaptive: {
      ...ADAPTIVE.adaptive,
      mode: 'observe',
      budget: { traces_per_second: 200 },
      service_budgets: [{ service: 'shop*', weight: 3, spans_per_second: 1000 }],
      overrides: [{ service: 'shop', operation: 'GET *', never: true, until: '2026-12-24T18:00:00Z' }],
      boost: { enabled: false },
    },
  });
  if (config === undefined) throw new Error('unreachable');
  const options = controlOptions(config, { maxOperations: 100 });
  expect(options).toMatchObject({
    mode: 'observe',
    budget: { tracesPerSecond: 200 },
    serviceBudgets: [{ service: 'shop*', weight: 3, spansPerSecond: 1000 }],
    maxOperationsPerReply: 100,
    overrides: [{ service: 'shop', operation: 'GET *', never: true, untilMs: Date.UTC(2026, 11, 24, 18) }],
  });
  expect(options.boost).toBeUndefined();
  expect(countsCosts(config)).toBe(true);
});
