import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { migratedDatabase } from './database.ts';

let client: ClickHouse;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

async function interval(spans: number, calls: number, squares: number, largest: number): Promise<number[]> {
  const [row] = await client.query<{ low: number; high: number }>(
    `SELECT calls_low(toUInt64(${spans}), toFloat64(${calls}), toFloat64(${squares})) AS low,
            calls_high(toFloat64(${calls}), toFloat64(${squares}), toFloat64(${largest})) AS high`,
  );
  return [row?.low as number, row?.high as number];
}

test('the interval of a count that is known is the count', async () => {
  expect(await interval(40, 40, 0, 0)).toEqual([40, 40]);
  expect(await interval(0, 0, 0, 0)).toEqual([0, 0]);
});

test('the interval of an estimate lies around it, further up than down', async () => {
  // 40 spans that stand for 400: k = 9, 400 + 17.286 - 118.864; with half a trace of 30 more k = 9.759, 415 + 18.744 + 126.134.
  const [low, high] = await interval(40, 400, 3600, 30);
  expect(low).toBeCloseTo(298.42, 1);
  expect(high).toBeCloseTo(559.88, 1);
});

test('no count is said to be less than what was seen', async () => {
  const [low] = await interval(395, 400, 3600, 30);
  expect(low).toBe(395);
});

test('a quantile of fractional weights is found at both ends', async () => {
  const map = 'map(-16::Int16, 0.1::Float64, 0::Int16, 0.2::Float64, 16::Int16, 0.7::Float64)';
  const [row] = await client.query<{ least: number; most: number }>(
    `SELECT exphist_quantile(0, ${map}) AS least, exphist_quantile(1, ${map}) AS most`,
  );
  expect(row?.least).toBeCloseTo(0.5, 3);
  expect(row?.most).toBeCloseTo(2 ** (17 / 16), 3);
});
