import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  grainKeptAt,
  planRollups,
  ROLLUPS,
  usualStep,
  wholeWindows,
} from '../../../src/clickhouse/queries/rollups.ts';

const DAY = 86_400;
const NOON = Date.parse('2026-05-01T12:00:00Z') / 1000;
const KEPT = {
  span_metrics_10s: 3 * DAY,
  span_metrics_1m: 35 * DAY,
  span_metrics_1h: 400 * DAY,
  span_metrics_1d: 0,
};
const at = (text: string): number => Date.parse(text) / 1000;

test('the coarsest windows that lie in a range are read, and finer ones at its ends', () => {
  const range = { fromS: at('2026-04-28T22:58:50Z'), toS: at('2026-05-01T01:01:10Z') };
  expect(planRollups(range)).toEqual([
    { table: 'span_metrics_10s', fromS: at('2026-04-28T22:58:50Z'), toS: at('2026-04-28T22:59:00Z') },
    { table: 'span_metrics_1m', fromS: at('2026-04-28T22:59:00Z'), toS: at('2026-04-28T23:00:00Z') },
    { table: 'span_metrics_1h', fromS: at('2026-04-28T23:00:00Z'), toS: at('2026-04-29T00:00:00Z') },
    { table: 'span_metrics_1d', fromS: at('2026-04-29T00:00:00Z'), toS: at('2026-05-01T00:00:00Z') },
    { table: 'span_metrics_1h', fromS: at('2026-05-01T00:00:00Z'), toS: at('2026-05-01T01:00:00Z') },
    { table: 'span_metrics_1m', fromS: at('2026-05-01T01:00:00Z'), toS: at('2026-05-01T01:01:00Z') },
    { table: 'span_metrics_10s', fromS: at('2026-05-01T01:01:00Z'), toS: at('2026-05-01T01:01:10Z') },
  ]);
});

test('a step is made of windows that it can be cut into', () => {
  const range = { fromS: at('2026-04-29T00:00:00Z'), toS: at('2026-05-01T00:00:00Z') };
  const tables = (stepS: number) => planRollups(range, stepS).map(({ table }) => table);
  expect(tables(2 * DAY)).toEqual(['span_metrics_1d']);
  expect(tables(6 * 3600)).toEqual(['span_metrics_1h']);
  expect(tables(300)).toEqual(['span_metrics_1m']);
  expect(tables(90)).toEqual(['span_metrics_10s']);
});

test('the pieces of a range follow each other without a gap, in whole windows of their tables', () => {
  const windows = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(windows, windows, (a, b) => {
      const range = { fromS: 10 * Math.min(a, b), toS: 10 * Math.max(a, b) };
      let endS = range.fromS;
      for (const piece of planRollups(range)) {
        const grainS = ROLLUPS.find(({ table }) => table === piece.table)?.grainS ?? 0;
        expect(piece.fromS).toBe(endS);
        expect([piece.fromS % grainS, piece.toS % grainS]).toEqual([0, 0]);
        expect(piece.toS).toBeGreaterThan(piece.fromS);
        endS = piece.toS;
      }
      expect(endS).toBe(range.toS);
    }),
  );
});

test('at most seven pieces make up any range', () => {
  const pieces = planRollups({ fromS: at('2025-01-01T03:04:50Z'), toS: at('2026-05-01T09:08:10Z') });
  expect(pieces).toHaveLength(7);
});

test('what has expired is not asked for', () => {
  expect(grainKeptAt(NOON - DAY, NOON, KEPT)).toBe(10);
  expect(grainKeptAt(NOON - 5 * DAY, NOON, KEPT)).toBe(60);
  expect(grainKeptAt(NOON - 60 * DAY, NOON, KEPT)).toBe(3600);
  expect(grainKeptAt(NOON - 500 * DAY, NOON, KEPT)).toBe(DAY);
  // Rows of a day expire together, at its beginning and what they are kept for.
  expect(grainKeptAt(at('2026-04-29T00:00:00Z'), NOON, KEPT)).toBe(10);
  expect(grainKeptAt(at('2026-04-28T23:59:50Z'), NOON, KEPT)).toBe(60);
});

test('ends go down to 10 s, and outward to coarser windows', () => {
  expect(wholeWindows({ fromS: 1003, toS: 1999 }, 10)).toEqual({ fromS: 1000, toS: 1990 });
  expect(wholeWindows({ fromS: 1003, toS: 1999 }, 60)).toEqual({ fromS: 960, toS: 2040 });
  expect(wholeWindows({ fromS: 1003, toS: 1999 }, 10, 300)).toEqual({ fromS: 900, toS: 1990 });
});

test('the usual step makes some hundred points, and is never finer than what is kept', () => {
  expect(usualStep({ fromS: NOON - 600, toS: NOON }, 10)).toBe(10);
  expect(usualStep({ fromS: NOON - 3600, toS: NOON }, 10)).toBe(30);
  expect(usualStep({ fromS: NOON - DAY, toS: NOON }, 10)).toBe(900);
  expect(usualStep({ fromS: NOON - 30 * DAY, toS: NOON }, 60)).toBe(21_600);
  expect(usualStep({ fromS: NOON - 600, toS: NOON }, 3600)).toBe(3600);
  expect(usualStep({ fromS: NOON - 500 * DAY, toS: NOON }, DAY)).toBe(5 * DAY);
});
