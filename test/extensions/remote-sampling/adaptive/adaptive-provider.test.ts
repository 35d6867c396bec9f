import { describe, expect, test } from 'vitest';
import {
  type AdaptiveDeps,
  AdaptiveProvider,
} from '../../../../src/extensions/remote-sampling/adaptive/adaptive-provider.ts';
import { windowsByTheClock } from '../../../../src/extensions/remote-sampling/adaptive/complete-windows.ts';
import { JaegerController } from '../../../../src/sampling/jaeger/jaeger-controller.ts';
import { DEFAULT_ADAPTIVE_OPTIONS } from '../../../../src/sampling/jaeger/options.ts';
import type { ThroughputRow } from '../../../../src/sampling/roots/throughput-rows.ts';
import type { SourceProgress } from '../../../../src/sampling/store/progress.ts';
import type {
  DecisionRound,
  HistoryPoint,
  SamplingStore,
  StoredDecisions,
} from '../../../../src/sampling/store/store.ts';
import { strategyFor } from '../../../../src/sampling/strategies/snapshot.ts';
import { FakeClock, settle } from '../../../flow/fake-clock.ts';
import { decisionOf, roundOf, rowOf } from '../../../sampling/rows.ts';
import { NO_HURRY, recording } from '../recording.ts';

const OPTIONS = {
  ...DEFAULT_ADAPTIVE_OPTIONS,
  calculationIntervalMs: 1000,
  calculationDelayMs: 2000,
  aggregationBuckets: 3,
};

class ScriptedStore implements SamplingStore {
  isDown = false;
  readonly reads: [number, number][] = [];
  readonly rounds: DecisionRound[] = [];
  rows: readonly ThroughputRow[] = [];
  stored: StoredDecisions | undefined;
  reported: readonly SourceProgress[] = [];

  throughput(startMs: number, endMs: number): Promise<readonly ThroughputRow[]> {
    this.reads.push([startMs - T0, endMs - T0]);
    return this.#answer(this.rows);
  }

  insertDecisions(round: DecisionRound): Promise<void> {
    return this.#answer(undefined).then(() => void this.rounds.push(round));
  }

  latestDecisions(): Promise<StoredDecisions | undefined> {
    return this.#answer(this.stored);
  }

  history(): Promise<readonly HistoryPoint[]> {
    return this.#answer([]);
  }

  reportProgress(): Promise<void> {
    return this.#answer(undefined);
  }

  progress(): Promise<readonly SourceProgress[]> {
    return this.#answer(this.reported);
  }

  reportPollers(): Promise<void> {
    return this.#answer(undefined);
  }

  pollers(): Promise<readonly string[]> {
    return this.#answer([]);
  }

  traceCosts(): Promise<ReadonlyMap<string, never>> {
    return this.#answer(new Map<string, never>());
  }

  #answer<T>(value: T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('the database is away')) : Promise.resolve(value);
  }
}

const T0 = new FakeClock().wallMs();

type Overrides = (store: ScriptedStore, seen: ReturnType<typeof recording>) => Partial<AdaptiveDeps>;

function setUp(change: (store: ScriptedStore) => void = () => {}, overrides: Overrides = () => ({})) {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  change(store);
  const seen = recording({ clock });
  const deps: AdaptiveDeps = {
    createController: () => new JaegerController(OPTIONS, { listRetired: false }),
    algorithm: 'jaeger',
    mode: 'control',
    windowMs: 1000,
    intervalMs: OPTIONS.calculationIntervalMs,
    buckets: { count: OPTIONS.aggregationBuckets, intervalMs: OPTIONS.calculationIntervalMs },
    store,
    windows: windowsByTheClock(OPTIONS.calculationDelayMs),
    pollers: () => new Map(),
    costs: undefined,
    decidedBy: 'test',
    context: seen.context,
    ...overrides(store, seen),
  };
  const provider = new AdaptiveProvider(deps);
  const rate = (): number | undefined =>
    strategyFor(provider.snapshot, 'svc').operationSampling?.perOperationStrategies[0]?.probabilisticSampling
      .samplingRate;
  return { clock, store, seen, provider, rate };
}

const BUSY = rowOf({ service: 'svc', count: 10, probabilities: ['0.001000'] });

const STORED: StoredDecisions = {
  ...roundOf({ decidedAtMs: 1, algorithm: 'jaeger' }),
  decisions: [decisionOf({ service: 'svc', probability: 0.25 })],
};

test('the start reads one interval after the other backwards, until one is empty', async () => {
  const { store, provider } = setUp();
  await provider.start();
  expect(store.reads).toEqual([[-3000, -2000]]);
  await provider.stop(NO_HURRY);
});

test('the start reads as many buckets as are kept', async () => {
  const { store, provider } = setUp((made) => {
    made.rows = [BUSY];
  });
  await provider.start();
  expect(store.reads).toEqual([
    [-3000, -2000],
    [-4000, -3000],
    [-5000, -4000],
  ]);
  await provider.stop(NO_HURRY);
});

test('every interval is read once it is old enough, decided on, served and stored', async () => {
  const { clock, store, provider, rate, seen } = setUp();
  await provider.start();
  store.rows = [BUSY];
  store.reads.length = 0;
  await clock.advance(1000);
  expect(store.reads).toEqual([[-2000, -1000]]);
  expect(rate()).toBe(0.0001);
  expect(provider.decisions()).toMatchObject([{ rule: 'lowered', rate: 100_000, target: 1 }]);
  expect(store.rounds).toMatchObject([
    { decidedAtMs: T0 + 1000, dataUntilMs: T0 - 1000, decidedBy: 'test', decisions: [{ operation: 'op' }] },
  ]);
  expect(seen.metrics.get('spanweir_sampling_operations{}')).toBe(1);
  await provider.stop(NO_HURRY);
});

test('a restart serves what was stored', async () => {
  const { provider, rate } = setUp((store) => {
    store.stored = STORED;
  });
  await provider.start();
  expect(rate()).toBe(0.25);
  await provider.stop(NO_HURRY);
});

describe('while the store is down', () => {
  test('the last strategies stay, the health says so, and the missed interval is read with the next', async () => {
    const { clock, store, provider, rate, seen } = setUp();
    await provider.start();
    store.rows = [BUSY];
    await clock.advance(1000);
    store.isDown = true;
    store.reads.length = 0;
    await clock.advance(1000);
    expect(rate()).toBe(0.0001);
    expect(seen.health).toEqual({
      status: 'recoverable',
      reason: 'failed to get throughput from storage: the database is away',
    });
    expect(seen.metrics.get('spanweir_sampling_store_errors_total{action="throughput"}')).toBe(1);
    store.isDown = false;
    await clock.advance(1000);
    expect(store.reads).toEqual([
      [-1000, 0],
      [-1000, 1000],
    ]);
    expect(seen.health.status).toBe('ok');
    await provider.stop(NO_HURRY);
  });

  test('a start serves defaults and takes over the stored probabilities when it is back', async () => {
    const { clock, store, provider, rate, seen } = setUp((made) => {
      made.isDown = true;
      made.stored = STORED;
    });
    await provider.start();
    expect(rate()).toBeUndefined();
    expect(seen.health.status).toBe('recoverable');
    store.isDown = false;
    await clock.advance(5000);
    expect(rate()).toBe(0.25);
    expect(seen.health.status).toBe('ok');
    await provider.stop(NO_HURRY);
  });
});

test('a decision that can not be stored is served all the same', async () => {
  const { clock, store, provider, rate, seen } = setUp();
  await provider.start();
  store.rows = [BUSY];
  store.insertDecisions = () => Promise.reject(new Error('the disk is full'));
  await clock.advance(1000);
  expect(rate()).toBe(0.0001);
  expect(seen.logged).toContain('could not save probabilities');
  await provider.stop(NO_HURRY);
});

test('a store that does not answer does not hold up the stop beyond its deadline', async () => {
  const { clock, store, provider } = setUp();
  await provider.start();
  store.throughput = () => new Promise(() => {});
  await clock.advance(1000);
  const deadline = new AbortController();
  const stopped = provider.stop({ signal: deadline.signal, remainingMs: () => 0 });
  await settle();
  deadline.abort();
  await stopped;
});
