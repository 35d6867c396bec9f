import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ReadScenario, readScenario } from '../../../../src/app/commands/simulate/read-scenario.ts';

const SMALL = `
duration: 600
operations:
  - {service: shop, operation: GET /cart, rate: [[0, 100], [300, 1000]]}
`;

function problemsOf(text: string): readonly string[] {
  const read = readScenario(text, 'try.yaml');
  return 'problems' in read ? read.problems : [];
}

function read(text: string, source = 'try.yaml'): ReadScenario {
  const found = readScenario(text, source);
  if ('problems' in found) throw new Error(found.problems.join('\n'));
  return found;
}

test('what is left out has its usual value', () => {
  expect(read(SMALL, 'folder/try.yaml').scenario).toEqual({
    name: 'try',
    seed: 1,
    durationS: 600,
    fleet: {
      instances: 20,
      pollIntervalS: 60,
      sdk: 'go',
      lowerBound: true,
      tags: 'none',
      initialProbability: 0.001,
    },
    operations: [
      {
        service: 'shop',
        operation: 'GET /cart',
        rate: [
          { atS: 0, perSecond: 100 },
          { atS: 300, perSecond: 1000 },
        ],
        errorShare: 0,
      },
    ],
    events: [],
  });
});

test('JSON is read as well, and times may be durations', () => {
  const { scenario } = read(
    JSON.stringify({
      name: 'a name',
      seed: 7,
      duration: '1h30m',
      fleet: { instances: 3, poll_interval: '10s', sdk: 'rust', lower_bound: false, tags: 'otel' },
      operations: [{ service: 's', operation: 'o', rate: 5, error_share: 0.1 }],
      events: [{ at: '10m', do: 'lag', for: 300 }],
      controller: { target_samples_per_second: 2 },
    }),
    'x.json',
  );
  expect(scenario).toMatchObject({
    name: 'a name',
    seed: 7,
    durationS: 5400,
    fleet: { instances: 3, pollIntervalS: 10, sdk: 'rust', lowerBound: false, tags: 'otel' },
    operations: [{ rate: [{ atS: 0, perSecond: 5 }], errorShare: 0.1 }],
    events: [{ do: 'lag', atS: 600, forS: 300 }],
  });
});

test('the controller block is that of the extension', () => {
  const text = `${SMALL}controller: {target_samples_per_second: 3, calculation_interval: 30s}`;
  const { controller } = read(text, 'try.yaml');
  expect(controller).toMatchObject({ target_samples_per_second: 3, calculation_interval: 30_000 });
});

test('Rust asks every five minutes unless it is told otherwise, and only Go knows a lower bound', () => {
  const { fleet } = read(`${SMALL}fleet: {sdk: rust}`, 'try.yaml').scenario;
  expect(fleet).toMatchObject({ pollIntervalS: 300, lowerBound: false });
});

describe('a wrong scenario is refused with the line of what is wrong', () => {
  test.each([
    ['', /^try\.yaml:1:1: expected a map/],
    [
      SMALL.replace('duration: 600', 'duration: soon'),
      /^try\.yaml:2:11: duration: found "soon", expected seconds/,
    ],
    [`${SMALL}fleet: {sdk: ruby}`, /^try\.yaml:5:14: fleet\.sdk: found "ruby", expected one of go, java/],
    [`${SMALL}fleet: {instance: 3}`, /^try\.yaml:5:9: .*found "instance".*did you mean "instances"/],
    [SMALL.replace('[300, 1000]', '[300]'), /^try\.yaml:4:60: operations\[0\]\.rate/],
    [
      SMALL.replace('[300, 1000]', '[0, 1000]'),
      /^try\.yaml:4:49: operations\[0\]\.rate: .*in the order of time/,
    ],
    [
      `${SMALL}  - {service: shop, operation: GET /cart, rate: 1}`,
      /^try\.yaml:5:5: .*"GET \/cart" of "shop" a second time/,
    ],
    [
      `${SMALL}events: [{at: 601, do: failover}]`,
      /^try\.yaml:5:15: events\[0\]\.at: found 601, expected a time before/,
    ],
    [
      `${SMALL}events: [{at: 1, do: deploy, service: cart}]`,
      /^try\.yaml:5:39: .*found "cart", expected a service/,
    ],
    [`${SMALL}events: [{at: 1, do: explode}]`, /^try\.yaml:5:\d+: events\[0\].*explode/],
    [
      `${SMALL}controller: {target_samples: 1}`,
      /^try\.yaml:5:14: controller\.target_samples: .*target_samples_per_second/,
    ],
    ['duration: 60', /^try\.yaml:.*operations: found nothing/],
  ])('%j', (text, message) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });
});

describe('what is written short', () => {
  const scenarioOf = (text: string) => read(text, 'try.yaml').scenario;

  test('a wave becomes steps of 10 s', () => {
    const { operations } = scenarioOf(
      'duration: 40\noperations: [{service: s, operation: o, rate: {low: 0, high: 2, period: 40}}]',
    );
    const rates = operations[0]?.rate.map(({ perSecond }) => Number(perSecond.toFixed(4)));
    // 1 - cos(pi/4) and 1 - cos(3 pi/4), there and back.
    expect(rates).toEqual([0.2929, 1.7071, 1.7071, 0.2929]);
  });

  test('many operations share a rate as Zipf has it, over all services', () => {
    const { operations } = scenarioOf(
      'duration: 40\noperations: [{services: 2, operations: 3, total_rate: 11}]',
    );
    expect(
      operations.map(({ service, operation, rate }) => [service, operation, rate[0]?.perSecond]),
    ).toEqual([
      ['service a', 'operation a', 6],
      ['service b', 'operation b', 3],
      ['service a', 'operation c', 2],
    ]);
  });

  test('silence is a rate of 0 for a while', () => {
    const { operations } = scenarioOf(`${SMALL}events: [{at: 200, do: silence, for: 200}]`);
    expect(operations[0]?.rate).toEqual([
      { atS: 0, perSecond: 100 },
      { atS: 200, perSecond: 0 },
      { atS: 400, perSecond: 1000 },
    ]);
  });

  test('churn ends operations and begins others in their place', () => {
    const text =
      'duration: 100\noperations: [{services: 1, operations: 2, total_rate: 3}]\nevents: [{at: 50, do: churn, share: 0.5, every: 100}]';
    const { operations } = scenarioOf(text);
    expect(
      operations.map(({ operation, rate }) => [
        operation,
        rate.map(({ atS, perSecond }) => [atS, perSecond]),
      ]),
    ).toEqual([
      [
        'operation a',
        [
          [0, 2],
          [50, 0],
        ],
      ],
      ['operation a b', [[50, 2]]],
      ['operation b', [[0, 1]]],
    ]);
  });
});

test('every scenario that comes along is right', () => {
  const folder = join(import.meta.dirname, '../../../../scenarios');
  const files = readdirSync(folder);
  expect(files.length).toBeGreaterThan(8);
  for (const file of files) {
    expect(read(readFileSync(join(folder, file), 'utf8'), file).scenario.operations.length).toBeGreaterThan(
      0,
    );
  }
});
