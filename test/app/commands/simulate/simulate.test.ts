import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, UsageError } from '../../../../src/app/commands/command.ts';
import { simulateCommand } from '../../../../src/app/commands/simulate/simulate.ts';
import { systemClock } from '../../../../src/base/clock.ts';

const SCENARIO = `
name: two <operations>
seed: 3
duration: 30m
fleet: {instances: 4, poll_interval: 60, sdk: go, lower_bound: true, tags: none}
operations:
  - {service: shop, operation: GET /cart, rate: [[0, 100], [900, 200]]}
  - {service: shop, operation: POST /order, rate: 20, error_share: 0.1}
controller: {target_samples_per_second: 2}
`;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'simulate-'));
  writeFileSync(join(dir, 'two.yaml'), SCENARIO);
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Said {
  readonly code: number;
  readonly printed: string;
  readonly complaints: readonly string[];
  readonly progress: readonly (string | undefined)[];
}

async function simulate(
  values: Readonly<Record<string, string | boolean>>,
  words = ['two.yaml'],
): Promise<Said> {
  const printed: string[] = [];
  const complaints: string[] = [];
  const progress: (string | undefined)[] = [];
  const io = {
    print: (line: string) => printed.push(line),
    complain: (line: string) => complaints.push(line),
    progress: (text: string | undefined) => progress.push(text),
    clock: systemClock,
  };
  const given = { values, positionals: words.map((word) => join(dir, word)) };
  const code = await simulateCommand.run(given, io, new AbortController().signal);
  return { code, printed: printed.join('\n'), complaints, progress };
}

interface Point {
  readonly t: number;
  readonly service: string;
  readonly operation: string;
  readonly rate: number;
  readonly probability: number;
  readonly sampled: number;
  readonly lower_bound: number;
}

function pointsOf(file: string): Point[] {
  return readFileSync(join(dir, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Point);
}

describe('series.jsonl', () => {
  test('has a line per 10 seconds and operation, with these fields and no other', async () => {
    expect((await simulate({ out: join(dir, 'series.jsonl'), json: true })).code).toBe(EXIT.ok);
    const points = pointsOf('series.jsonl');
    expect(points).toHaveLength(2 * 180);
    expect(Object.keys(points[0] ?? {})).toEqual([
      't',
      'service',
      'operation',
      'rate',
      'probability',
      'sampled',
      'lower_bound',
    ]);
    expect(points.slice(0, 4).map(({ t, operation }) => [t, operation])).toEqual([
      [0, 'GET /cart'],
      [0, 'POST /order'],
      [10, 'GET /cart'],
      [10, 'POST /order'],
    ]);
    const cart = points.filter(({ operation }) => operation === 'GET /cart');
    expect(cart.map(({ rate }) => rate).filter((rate) => rate !== 100)).toEqual(
      Array.from({ length: 90 }, () => 200),
    );
    expect(cart[0]?.probability).toBe(0.001);
    // 2 traces a second are wanted; 10 minutes have 1200 of them.
    const late = cart.filter(({ t }) => t >= 1200).reduce((sum, { sampled }) => sum + sampled * 10, 0);
    expect(Math.abs(late - 1200)).toBeLessThan(200);
    expect(cart.some(({ lower_bound }) => lower_bound > 0)).toBe(true);
  });

  test('is the same for the same seed, and another for another', async () => {
    await simulate({ out: join(dir, 'a'), json: true });
    await simulate({ out: join(dir, 'b'), json: true, seed: '3' });
    await simulate({ out: join(dir, 'c'), json: true, seed: '4' });
    const [a, b, c] = ['a', 'b', 'c'].map((file) => readFileSync(join(dir, file), 'utf8'));
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });
});

test('the summary is a table with a row per operation, plots below', async () => {
  const { printed, progress } = await simulate({});
  expect(printed).toMatch(
    /^two <operations>: 0:30 h, seed 3\n\noperation .*requests\/s .*settled .*steady RMS\nshop \/ GET \/cart +150 /,
  );
  expect(printed).toMatch(/shop \/ POST \/order +20 /);
  expect(printed).toMatch(/\nall 2 +170 /);
  expect(printed).toMatch(/[\u2801-\u28ff]/);
  expect(progress.at(-1)).toBeUndefined();
  expect(progress.some((text) => text?.includes('100 %'))).toBe(true);
});

test('the summary as JSON has the figures of every operation', async () => {
  const { printed } = await simulate({ json: true });
  const summary = JSON.parse(printed);
  expect(summary).toMatchObject({ name: 'two <operations>', seed: 3, duration: 1800, failover_jumps: [] });
  expect(summary.operations[0]).toMatchObject({
    service: 'shop',
    operation: 'GET /cart',
    measured_from: 900,
    target: 2,
  });
  expect(summary.operations[1]).toMatchObject({ operation: 'POST /order', measured_from: 0 });
  expect(Object.keys(summary.operations[0])).toEqual(
    expect.arrayContaining(['settling_s', 'peak', 'excess', 'deficit', 'steady_rms']),
  );
});

test('measuring begins where it is told to', async () => {
  const { printed } = await simulate({ json: true, from: '1200' });
  expect(JSON.parse(printed).operations[0].measured_from).toBe(1200);
});

test('the page needs nothing else and escapes names', async () => {
  await simulate({ html: join(dir, 'report.html'), json: true });
  const page = readFileSync(join(dir, 'report.html'), 'utf8');
  expect(page).toContain('<h1>two &lt;operations&gt;</h1>');
  expect(page.match(/<svg /g)).toHaveLength(2);
  expect(page).not.toMatch(/<script|<link|https?:|NaN|Infinity/);
});

describe('what is wrong is told', () => {
  test('a wrong scenario by its lines, with the exit code of a configuration', async () => {
    writeFileSync(join(dir, 'wrong.yaml'), `${SCENARIO}fleets: 3\nevent: 4\n`);
    const { code, complaints } = await simulate({}, ['wrong.yaml']);
    expect(code).toBe(EXIT.config);
    expect(complaints).toHaveLength(2);
    expect(complaints[0]).toMatch(/wrong\.yaml:10:1: fleets: found "fleets", .*did you mean "fleet"/);
  });

  test('a scenario that is not there, and none at all', async () => {
    await expect(simulate({}, ['none.yaml'])).rejects.toThrow(/none\.yaml can't be read/);
    await expect(simulate({}, [])).rejects.toThrow(UsageError);
    await expect(simulate({}, ['two.yaml', 'two.yaml'])).rejects.toThrow(/too much/);
    await expect(simulate({ seed: 'x' })).rejects.toThrow(/--seed x: expected a whole number/);
  });

  test('a file that can not be written', async () => {
    await expect(simulate({ out: join(dir, 'no', 'folder') })).rejects.toThrow(/folder can't be written/);
  });
});

test('a simulation that is told to stop ends at once', async () => {
  const io = { print: () => {}, complain: () => {}, progress: () => {}, clock: systemClock };
  const given = { values: {}, positionals: [join(dir, 'two.yaml')] };
  expect(await simulateCommand.run(given, io, AbortSignal.abort())).toBe(EXIT.interrupted);
});
