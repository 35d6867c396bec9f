import { describe, expect, test } from 'vitest';
import { windowsByProgress } from '../../../../src/extensions/remote-sampling/adaptive/complete-windows.ts';
import {
  ControlLoop,
  type ControlLoopDeps,
} from '../../../../src/extensions/remote-sampling/adaptive/control-loop.ts';
import { DecisionLog } from '../../../../src/extensions/remote-sampling/adaptive/decision-log.ts';
import type { Controller, ControlRound } from '../../../../src/sampling/adaptive/controller.ts';
import type { ThroughputRow } from '../../../../src/sampling/roots/throughput-rows.ts';
import { MemorySamplingStore } from '../../../../src/sampling/store/memory-store.ts';
import type { DecidedOperation } from '../../../../src/sampling/store/store.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import { FakeClock } from '../../../flow/fake-clock.ts';
import { decisionOf, roundOf, rowOf } from '../../../sampling/rows.ts';
import { recording } from '../recording.ts';

const T0 = new FakeClock().wallMs();
const WINDOW_MS = 5000;
const DELAY_MS = 10_000;

/** Notes what it is given, and changes what it serves when it sees a row. */
class NotingController implements Controller<ThroughputRow> {
  readonly rounds: ControlRound<ThroughputRow>[] = [];
  restored: readonly DecidedOperation[] = [];
  #served: StrategySnapshot = snapshotMadeAt(0);

  round(round: ControlRound<ThroughputRow>): readonly DecidedOperation[] {
    this.rounds.push(round);
    if (round.rows.length === 0) return [];
    this.#served = snapshotMadeAt(round.nowMs);
    return [decisionOf({ changedAtMs: round.nowMs })];
  }

  snapshot(): StrategySnapshot {
    return this.#served;
  }

  stands: readonly DecidedOperation[] = [decisionOf({})];

  standing(): readonly DecidedOperation[] {
    return this.stands;
  }

  restore(stored: readonly DecidedOperation[]): void {
    this.restored = stored;
  }
}

function snapshotMadeAt(madeAtMs: number): StrategySnapshot {
  return { version: 0, madeAtMs, fallback: { strategyType: 'PROBABILISTIC' }, services: new Map() };
}

async function setUp(
  change: (store: MemorySamplingStore) => Promise<void> = () => Promise.resolve(),
  pins: ControlLoopDeps['pins'] = () => undefined,
) {
  const clock = new FakeClock();
  const store = new MemorySamplingStore({
    windowMs: WINDOW_MS,
    windows: 1000,
    futureWindows: 2,
    maxOperations: 9,
  });
  await change(store);
  const seen = recording({ clock });
  const controller = new NotingController();
  const published: StrategySnapshot[] = [];
  const loop = new ControlLoop(
    {
      createController: () => controller,
      algorithm: 'adaptive',
      mode: 'control',
      windowMs: WINDOW_MS,
      buckets: { count: 10, intervalMs: 5000 },
      store,
      windows: windowsByProgress(DELAY_MS, store, seen.context),
      pollers: () => new Map(),
      costs: undefined,
      pins,
      decidedBy: 'host/1',
      publish: (snapshot) => {
        published.push(snapshot);
        return Promise.resolve(snapshot.version);
      },
      context: seen.context,
    },
    new DecisionLog(store),
  );
  const told = (partition: number, completeUntilMs: number) =>
    store.reportProgress([
      { source: 'cluster/spans', partition, kind: 'log', completeUntilMs, atMs: clock.wallMs() },
    ]);
  const counted = (windowMs: number) => {
    store.add([rowOf({ windowS: windowMs / 1000 })], clock.wallMs(), () => {});
  };
  const spans = () =>
    controller.rounds.map(({ startMs, endMs, rows }) => [startMs - T0, endMs - T0, rows.length]);
  return { clock, store, seen, controller, published, loop, told, counted, spans };
}

test('windows are decided on once, when every partition is past them', async () => {
  const { clock, loop, told, spans, counted } = await setUp();
  await loop.restore(undefined);
  await told(0, T0 + 5000);
  await loop.round();
  expect(spans()).toEqual([]);
  await clock.advance(10_000);
  await told(0, T0 + 10_000);
  counted(T0 - 5000);
  await loop.round();
  await loop.round();
  expect(spans()).toEqual([[-10_000, 0, 1]]);
});

test('services that do not sample as they are told are counted by how they do', async () => {
  const { loop, controller, seen } = await setUp();
  controller.stands = [
    decisionOf({ operation: '', conformance: 'samples_more' }),
    decisionOf({ operation: 'op', conformance: 'samples_more' }),
    decisionOf({ service: 'cart', operation: '', conformance: 'samples_more' }),
    decisionOf({ service: 'mail', operation: '', conformance: 'follows' }),
  ];
  await loop.restore(undefined);
  const counted = (how: string): number | undefined =>
    seen.metrics.get(`spanweir_sampling_not_following_services{conformance="${how}"}`);
  expect(counted('samples_more')).toBe(2);
  expect(counted('samples_less')).toBe(0);
});

test('each round goes by what is pinned at its time', async () => {
  const [old, late] = [0.5, 0.25].map((fixedProbability) => [
    { service: 'shop', operation: 'GET /', fixedProbability },
  ]);
  let pins = old;
  const { clock, loop, told, controller } = await setUp(undefined, () => pins);
  await loop.restore(undefined);
  for (let round = 0; round < 2; round++) {
    await clock.advance(5000);
    await told(0, clock.wallMs());
    await loop.round();
    pins = late;
  }
  expect(controller.rounds.map((round) => round.pins)).toEqual([old, late]);
});

test('what was only observed is not served after a restart either', async () => {
  const { loop, controller } = await setUp(async (store) => {
    const decision = decisionOf({ probability: 0.25, previous: 0.5 });
    await store.insertDecisions(roundOf({ mode: 'observe', decisions: [decision] }));
  });
  await loop.restore(undefined);
  expect(controller.restored).toMatchObject([{ probability: 0.5, previous: 0.5 }]);
});

test('a lag holds decisions still, the catch-up goes on where they stopped, a replay moves nothing', async () => {
  const { clock, loop, told, spans, counted, seen, published } = await setUp();
  await loop.restore(undefined);
  await told(0, T0);
  await told(1, T0);
  for (let s = 0; s < 300; s += 5) {
    await clock.advance(5000);
    await told(0, clock.wallMs());
    counted(clock.wallMs() - 20_000);
    await loop.round();
  }
  expect(spans()).toEqual([]);
  expect(published).toHaveLength(1);
  expect(seen.logged).toContain('a partition that nobody reads holds sampling decisions back');
  expect(seen.metrics.get('spanweir_sampling_windows_behind_seconds{}')).toBe(300);

  await told(1, clock.wallMs());
  await loop.round();
  expect(spans()).toEqual([[-10_000, 290_000, 59]]);
  expect(published.map(({ version }) => version)).toEqual([1, 2]);

  counted(T0);
  counted(T0 + 100_000);
  await loop.round();
  expect(spans()).toHaveLength(1);
});

test('windows of a long lag come in pieces of five minutes, in order', async () => {
  const { clock, loop, told, spans } = await setUp();
  await loop.restore(undefined);
  await clock.advance(700_000);
  await told(0, clock.wallMs());
  await loop.round();
  expect(spans().map(([start, end]) => [start, end])).toEqual([
    [-10_000, 290_000],
    [290_000, 590_000],
    [590_000, 690_000],
  ]);
});

describe('a takeover', () => {
  test('goes on behind the last window that was decided on, at most twenty minutes back', async () => {
    for (const [dataUntilMs, startMs] of [
      [T0 - 60_000, -60_000],
      [T0 - 7_200_000, -1_210_000],
    ] as const) {
      const { loop, told, spans } = await setUp((store) =>
        store.insertDecisions(roundOf({ decidedAtMs: T0, dataUntilMs, decisions: [decisionOf({})] })),
      );
      await loop.restore(undefined);
      await told(0, T0);
      await loop.round();
      expect(spans()[0]?.[0]).toBe(startMs);
    }
  });

  test('holds what is served where the store says otherwise', async () => {
    const { loop, controller, published } = await setUp((store) =>
      store.insertDecisions(
        roundOf({
          version: 7,
          decisions: [
            decisionOf({ probability: 0.5, gateLow: 0.5 }),
            decisionOf({ operation: 'same', probability: 0.25 }),
          ],
        }),
      ),
    );
    const operationSampling = {
      defaultSamplingProbability: 0.125,
      defaultLowerBoundTracesPerSecond: 0.0625,
      perOperationStrategies: ['op', 'same', 'unknown'].map((operation) => ({
        operation,
        probabilisticSampling: { samplingRate: 0.25 },
      })),
      defaultUpperBoundTracesPerSecond: 0,
    };
    const shop = { strategyType: 'PROBABILISTIC' as const, operationSampling };
    await loop.restore({ ...snapshotMadeAt(T0 - 1000), version: 9, services: new Map([['shop', shop]]) });
    expect(published).toEqual([]);
    const by = new Map(controller.restored.map((each) => [each.operation, each]));
    expect(by.get('op')).toMatchObject({ probability: 0.25, previous: 0.5, gateLow: 0.25, gateHigh: 0.5 });
    expect(by.get('same')).toMatchObject({ probability: 0.25, previous: 0.5 });
    expect(by.get('unknown')).toMatchObject({ probability: 0.25, rule: 'stored', lowerBound: 0.0625 });
    expect(by.get('')).toMatchObject({ probability: 0.125 });
  });
});

test('a round that could not be stored is stored with the next, in order', async () => {
  const { clock, loop, told, counted, store } = await setUp();
  await loop.restore(undefined);
  const insert = store.insertDecisions.bind(store);
  let isAway = true;
  const stored: number[] = [];
  store.insertDecisions = (round) => {
    if (isAway) return Promise.reject(new Error('away'));
    stored.push(round.decidedAtMs - T0);
    return insert(round);
  };
  for (let i = 0; i < 3; i++) {
    await clock.advance(5000);
    await told(0, clock.wallMs());
    counted(clock.wallMs() - 15_000);
    isAway = i < 2;
    await loop.round();
  }
  expect(stored).toEqual([5000, 10_000, 15_000]);
});
