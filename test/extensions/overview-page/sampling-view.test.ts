import { describe, expect, it } from 'vitest';
import { DecisionHistory, type DecisionSource } from '../../../src/extensions/overview-page/decisions.ts';
import { samplingPage } from '../../../src/extensions/overview-page/sampling-view.ts';
import type { PollerState } from '../../../src/sampling/pollers/pollers-state.ts';
import type { DecidedOperation } from '../../../src/sampling/store/store.ts';
import { decisionOf } from './scripted.ts';

const query = { limit: 100, filter: '', kinds: 'entry' } as const;

function pageOf(
  decisions: readonly DecidedOperation[],
  more: Partial<DecisionSource> = {},
  asked: Partial<{ limit: number; filter: string }> = {},
) {
  const source: DecisionSource = { decisions: () => decisions, mode: () => 'control', ...more };
  const history = new DecisionHistory();
  history.tick(source);
  return samplingPage({ ...query, ...asked }, history, source, 7);
}

const shop = [
  decisionOf({ service: 'shop', operation: 'GET /', rate: 16, probability: 0.25, target: 5, previous: 1 }),
  decisionOf({ service: 'shop', operation: 'POST /', rate: 2, probability: 1, target: 3, previous: 1 }),
  decisionOf({ service: 'shop', operation: '', rate: Number.NaN, conformance: 'follows' }),
  decisionOf({ service: 'ads', operation: '', rate: Number.NaN, conformance: 'samples_more' }),
  decisionOf({ service: '', operation: '', rate: Number.NaN }),
];

function poller(poller: Partial<PollerState>): PollerState {
  return {
    address: '10.0.0.1',
    userAgent: 'Go-http-client/1.1',
    client: 'Go',
    transport: 'http',
    polls: 3,
    firstPollMs: 0,
    lastPollMs: 90_000,
    intervalMs: 30_000,
    slowestIntervalMs: 30_000,
    instances: 2,
    aliveUntilMs: 200_000,
    honoursLowerBound: true,
    ...poller,
  };
}

describe('the sampling view', () => {
  it('sets what is wanted, what is expected and what really came beside each other', () => {
    const { wanted, expected, requests, real, mode } = pageOf(shop);
    expect({ wanted, expected, requests, real, mode }).toEqual({
      wanted: 8,
      expected: 6,
      requests: 18,
      real: 7,
      mode: 'control',
    });
  });

  it('lists what is served and why, the busiest first, defaults too', () => {
    const { rows, matching } = pageOf(shop, {}, { limit: 2 });
    expect(matching).toBe(5);
    expect(rows.map(({ operation, probability, planned }) => [operation, probability, planned])).toEqual([
      ['GET /', 0.25, null],
      ['POST /', 1, null],
    ]);
    expect(rows[0]?.why).toMatch(/^Lowered 1 → 0.25: /);
    expect(pageOf(shop, {}, { filter: 'ads' }).rows.map(({ service }) => service)).toEqual(['ads']);
  });

  it('expects nothing of a plan that is only observed', () => {
    const { rows, expected, mode } = pageOf(shop, { mode: () => 'observe' });
    expect(mode).toBe('observe');
    expect([rows[0]?.probability, rows[0]?.planned]).toEqual([1, 0.25]);
    expect(expected).toBe(18);
  });

  it('names services that do not follow first, and who polls for each', () => {
    const pollers = () => ({
      atMs: 100_000,
      services: [
        { service: 'shop', pollers: [poller({}), poller({ address: '10.0.0.2', aliveUntilMs: 99_000 })] },
      ],
      evictedServices: 0,
      evictedPollers: 0,
    });
    const view = pageOf(shop, { pollers });
    expect(view.services).toEqual([
      { service: 'ads', conformance: 'samples_more', instances: 0 },
      { service: 'shop', conformance: 'follows', instances: 2 },
    ]);
    expect(view.pollers[0]).toEqual({
      service: 'shop',
      address: '10.0.0.1',
      client: 'Go',
      transport: 'http',
      instances: 2,
      polls: 3,
      lastPollAgoS: 10,
      intervalS: 30,
      isAlive: true,
    });
    expect(view.pollers[1]?.isAlive).toBe(false);
  });

  it('is empty where nobody decides', () => {
    const view = samplingPage(query, new DecisionHistory(), undefined, null);
    expect([view.mode, view.rows, view.pollers, view.wanted, view.real]).toEqual([null, [], [], 0, null]);
  });
});
