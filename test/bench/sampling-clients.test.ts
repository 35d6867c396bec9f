import { expect, test } from 'vitest';
import { judge, sigmasOff, together } from '../integration/sampling/clients/draws.ts';
import { complaints, isRight, line } from '../integration/sampling/clients/table.ts';

/** A sampler that answers with these counts, one after the other; what it was asked for is noted. */
function answering(...counts: number[]) {
  const asked: [string, number][] = [];
  const sample = async (operation: string, decisions: number): Promise<number> => {
    asked.push([operation, decisions]);
    return counts.shift() ?? Number.NaN;
  };
  return { sample, asked };
}

test('the distance of a count from what was expected is told in standard deviations', () => {
  // 10,000 decisions at 0.5: 5,000 expected, sigma 50.
  expect(sigmasOff(5000, 10_000, 0.5)).toBe(0);
  expect(sigmasOff(5100, 10_000, 0.5)).toBe(2);
  expect(sigmasOff(4800, 10_000, 0.5)).toBe(4);
});

test('where chance has no say, one decision too many is infinitely far off', () => {
  expect(sigmasOff(0, 10_000, 0)).toBe(0);
  expect(sigmasOff(1, 10_000, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(sigmasOff(10_000, 10_000, 1)).toBe(0);
  expect(sigmasOff(9999, 10_000, 1)).toBe(Number.POSITIVE_INFINITY);
});

test('a sampler within 4 sigma of everything is right', async () => {
  const sampler = answering(5100, 0, 10_000);
  const expected = [
    ['GET /', 0.5],
    ['never', 0],
    ['always', 1],
  ] as const;
  const verdict = await judge(sampler, expected, 10_000);
  expect(verdict).toEqual({ draws: 3, worstSigmas: 2, redrawn: 0, wrong: [] });
  expect(sampler.asked).toEqual([
    ['GET /', 10_000],
    ['never', 10_000],
    ['always', 10_000],
  ]);
});

test('a draw beyond 4 sigma is made anew, four times as large, and that one decides', async () => {
  const unlucky = answering(5201, 20_100);
  expect(await judge(unlucky, [['GET /', 0.5]], 10_000)).toEqual({
    draws: 1,
    worstSigmas: 1,
    redrawn: 1,
    wrong: [],
  });
  expect(unlucky.asked).toEqual([
    ['GET /', 10_000],
    ['GET /', 40_000],
  ]);
  const wrong = await judge(answering(5201, 20_500), [['GET /', 0.5]], 10_000);
  expect(wrong).toEqual({
    draws: 1,
    worstSigmas: 5,
    redrawn: 1,
    wrong: ['"GET /": 0.5 was served, 0.5125 of 40000 were sampled'],
  });
});

test('verdicts on the same SDK add up to the worst of them', () => {
  const first = { draws: 2, worstSigmas: 1.5, redrawn: 1, wrong: [] };
  const second = { draws: 3, worstSigmas: 0.5, redrawn: 0, wrong: ['off'] };
  expect(together([first, second])).toEqual({ draws: 5, worstSigmas: 1.5, redrawn: 1, wrong: ['off'] });
});

test('a line of the table shows each SDK, and a wrong one in capitals', () => {
  const right = { draws: 4, worstSigmas: 1.24, redrawn: 0, wrong: [] };
  const row = {
    name: 'zero',
    verdicts: {
      go: right,
      java: { ...right, draws: 251, redrawn: 1 },
      js: { draws: 2, worstSigmas: Number.POSITIVE_INFINITY, redrawn: 1, wrong: ['"x": off'] },
      rust: right,
    },
  };
  expect(line(row, 6).split(/ {2,}/)).toEqual([
    'zero',
    'ok 1.2 sigma of 4',
    'ok 1.2 sigma of 251*',
    'WRONG far sigma of 2*',
    'ok 1.2 sigma of 4',
  ]);
  expect(isRight(row)).toBe(false);
  expect(complaints(row)).toEqual(['zero, JavaScript: "x": off']);
});
