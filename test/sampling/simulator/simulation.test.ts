import { describe, expect, test } from 'vitest';
import type { Fleet, Scenario } from '../../../src/sampling/simulator/scenario.ts';
import type { OperationSeries } from '../../../src/sampling/simulator/series.ts';
import { EPOCH_S, Simulation } from '../../../src/sampling/simulator/simulation.ts';
import { FixedController, FLEET, rootsOf, scenarioOf } from './fixed-controller.ts';

const HOUR = 3600;

function run(scenario: Scenario, controller: FixedController): OperationSeries {
  const simulation = new Simulation(scenario, () => controller);
  simulation.run(scenario.durationS);
  return simulation.series()[0] as OperationSeries;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The first interval is before the first poll. */
function traces(values: Float64Array, fromS = 60): number {
  return sum(values.subarray(fromS / 10)) * 10;
}

describe.each(['go', 'java', 'js', 'rust', 'python', 'dotnet'] as const)('instances with %s', (sdk) => {
  const fleet: Fleet = { ...FLEET, sdk };

  test.each([0.5, 0.003, 1])('sample what they are told: %d', (p) => {
    const perSecond = 4 / p;
    const { sampled } = run(scenarioOf(perSecond, HOUR, { fleet }), new FixedController(p));
    const expected = 4 * (HOUR - 60);
    expect(Math.abs(traces(sampled) - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });
});

test.each(['otel', 'jaeger'] as const)('spans with %s tags tell their number without bias', (tags) => {
  const controller = new FixedController(0.01);
  run(scenarioOf(400, HOUR, { fleet: { ...FLEET, tags } }), controller);
  const rows = controller.rounds.flatMap((round) => round.rows);
  let adjusted = 0;
  let tagged = 0;
  for (const { sampled } of rows) {
    adjusted += sampled.adjusted;
    tagged += sampled.tagged;
  }
  expect(tagged).toBe(rootsOf(controller.rounds));
  // About 14,000 roots: a standard deviation below 1 %. The first 30 s (on average) nothing is sampled.
  expect(adjusted / (400 * (HOUR - 45))).toBeCloseTo(1, 1);
});

test('the same seed meets the same requests, whatever is served', () => {
  const [few, many] = [0.004, 0.016].map((p) => {
    const { sampled } = run(scenarioOf(1000, HOUR), new FixedController(p));
    return sampled;
  });
  const scaled = run(scenarioOf(1000, HOUR), new FixedController(0.004)).sampled;
  expect(scaled).toEqual(few);
  // What is sampled with the smaller probability is sampled with the larger one too.
  expect(
    (few as Float64Array).every((value, i) => value <= ((many as Float64Array)[i] as number) + 1e-9),
  ).toBe(true);
  const other = run(scenarioOf(1000, HOUR, { seed: 2 }), new FixedController(0.004)).sampled;
  expect(other).not.toEqual(few);
});

describe('the lower bound', () => {
  const fleet: Fleet = { ...FLEET, lowerBound: true };

  test('keeps a trace a minute of each instance where the probability keeps none', () => {
    const { lowerBound, sampled } = run(scenarioOf(1000, HOUR, { fleet }), new FixedController(0, 1 / 60));
    expect(sum(sampled)).toBe(0);
    // A token is taken about 10 ms after it is there; the bucket is full at first.
    const perInstance = traces(lowerBound, 0) / 10;
    expect(perInstance).toBeGreaterThan(58);
    expect(perInstance).toBeLessThan(60.5);
  });

  test('keeps less where the probability keeps some: those take tokens too', () => {
    // 0.1 sampled traces a second and instance: mostly there is one among the requests that find a token.
    const { lowerBound } = run(scenarioOf(10, HOUR, { fleet }), new FixedController(0.1, 1 / 60));
    const perInstance = traces(lowerBound) / 10;
    // Each token goes to the next request, which the probability keeps in one of ten cases.
    expect(perInstance).toBeGreaterThan(0.84 * 58);
    expect(perInstance).toBeLessThan(0.94 * 60);
  });

  test('keeps everything of an operation that comes less often', () => {
    const { lowerBound } = run(scenarioOf(0.05, 4 * HOUR, { fleet }), new FixedController(0, 1 / 60));
    // 0.005 requests per second and instance against a token a minute: a token is there for 1 / (1 + 0.3) of them.
    const expected = (0.05 * (4 * HOUR - 60)) / 1.3;
    expect(Math.abs(traces(lowerBound) - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });

  test('means nothing to instances that do not know it', () => {
    expect(sum(run(scenarioOf(100, HOUR), new FixedController(0, 1)).lowerBound)).toBe(0);
  });
});

describe('rows', () => {
  test('come window by window, without a gap, when they are complete', () => {
    const controller = new FixedController(0.1);
    run(scenarioOf(20, 600), controller);
    let endMs = controller.rounds[0]?.startMs;
    for (const round of controller.rounds) {
      expect(round.startMs).toBe(endMs);
      endMs = round.endMs;
      for (const { windowS } of round.rows) {
        expect(windowS * 1000).toBeGreaterThanOrEqual(round.startMs);
        expect(windowS * 1000).toBeLessThan(round.endMs);
      }
    }
    expect(endMs).toBe((EPOCH_S + 585) * 1000);
    expect(rootsOf(controller.rounds)).toBeGreaterThan(800);
  });

  test('are withheld while the pipeline lags, and then come at once', () => {
    const controller = new FixedController(0.1);
    const lag = { do: 'lag', atS: 300, forS: 300 } as const;
    const scenario = scenarioOf(20, 900, { events: [lag] });
    run(scenario, controller);
    const twin = new FixedController(0.1);
    run(scenarioOf(20, 900), twin);
    const during = controller.rounds.filter(
      ({ nowMs }) => nowMs >= (EPOCH_S + 300) * 1000 && nowMs < (EPOCH_S + 600) * 1000,
    );
    expect(during).toHaveLength(60);
    expect(new Set(during.map(({ endMs }) => endMs)).size).toBe(1);
    expect(rootsOf(during.slice(1))).toBe(0);
    expect(rootsOf(controller.rounds)).toBe(rootsOf(twin.rounds));
  });
});

describe('pollers', () => {
  const instancesAt = (controller: FixedController, timeS: number): number | undefined =>
    controller.rounds.findLast(({ nowMs }) => nowMs <= (EPOCH_S + timeS) * 1000)?.pollers.get('s')?.instances;

  test('are counted with their interval and what their SDK can do', () => {
    const controller = new FixedController(0.1);
    run(scenarioOf(1, 600, { fleet: { ...FLEET, lowerBound: true } }), controller);
    const seen = controller.rounds.at(-1)?.pollers.get('s');
    expect(seen).toMatchObject({ instances: 10, hasLowerBound: true });
    expect(seen?.slowestIntervalMs).toBeCloseTo(60_000, -2);
  });

  test('are twice as many while a deploy is under way, and then as many as before', () => {
    const controller = new FixedController(0.1);
    run(scenarioOf(1, 1800, { events: [{ do: 'deploy', atS: 600, forS: 120 }] }), controller);
    expect(instancesAt(controller, 595)).toBe(10);
    expect(instancesAt(controller, 720)).toBe(20);
    expect(instancesAt(controller, 1200)).toBe(10);
  });
});

test('a new controller gets what the old one left, after the time without any', () => {
  const controllers: FixedController[] = [];
  const scenario = scenarioOf(10, 600, { events: [{ do: 'failover', atS: 300, forS: 20 }] });
  const simulation = new Simulation(scenario, () => {
    const controller = new FixedController(0.1);
    controllers.push(controller);
    return controller;
  });
  simulation.run(600);
  const [first, second] = controllers as [FixedController, FixedController];
  expect(controllers).toHaveLength(2);
  expect(first.rounds.at(-1)?.nowMs).toBe((EPOCH_S + 295) * 1000);
  expect(second.rounds[0]?.nowMs).toBe((EPOCH_S + 320) * 1000);
  expect(second.rounds[0]?.startMs).toBe(first.rounds.at(-1)?.endMs);
  expect(second.restored).toHaveLength(1);
  expect(simulation.notes().failoverJumps).toEqual([1]);
});

test('clocks that are ahead put roots into later windows', () => {
  const plain = new FixedController(0.5);
  const ahead = new FixedController(0.5);
  run(scenarioOf(20, 300), plain);
  run(scenarioOf(20, 300, { events: [{ do: 'skew', atS: 0, seconds: 5 }] }), ahead);
  const windows = (controller: FixedController): Map<number, number> =>
    new Map(
      controller.rounds.flatMap(({ rows }) => rows.map(({ windowS, sampled }) => [windowS, sampled.roots])),
    );
  const [from, to] = [windows(plain), windows(ahead)];
  for (const [windowS, roots] of from) if (windowS < EPOCH_S + 270) expect(to.get(windowS + 5)).toBe(roots);
});

test('instances that do not follow sample everything', () => {
  const event = { do: 'nonconforming', atS: 0, instances: 1 } as const;
  const { sampled } = run(scenarioOf(50, 600, { events: [event] }), new FixedController(0));
  const expected = 5 * 600;
  expect(Math.abs(traces(sampled, 0) - expected)).toBeLessThan(4 * Math.sqrt(expected));
});

test('a step of the rate within a second counts for its part of the second', () => {
  const rate = [
    { atS: 0, perSecond: 10 },
    { atS: 4.5, perSecond: 0 },
  ];
  const operations = [{ service: 's', operation: 'o', rate, errorShare: 0 }];
  const series = run(scenarioOf(0, 20, { operations }), new FixedController(1));
  expect([...series.rate]).toEqual([4.5, 0]);
});
