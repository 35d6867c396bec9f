import { expect, test } from 'vitest';
import { NO_SERIES, SeriesRegistry } from '../../src/red/series-registry.ts';

const registry = (limit: number, idleS = 60): SeriesRegistry =>
  new SeriesRegistry({
    limit,
    idleS,
    describe: (identity, nameKindStatus) => ({
      service: `s${identity}`,
      namespace: '',
      instance: '',
      spanName: `op-${nameKindStatus >>> 5}`,
      kind: 0,
      statusCode: 0,
      dimensions: [],
    }),
  });
const START_MS = 1_700_000_000_000;

test('series that are not seen any more make room, those that are seen stay', () => {
  const series = registry(2);
  series.at(START_MS);
  expect([series.idOf(1, 2 << 5, 0), series.idOf(1, 3 << 5, 0)]).toEqual([0, 1]);
  expect(series.idOf(1, 4 << 5, 0)).toBe(NO_SERIES);
  series.at(START_MS + 50_000);
  expect(series.idOf(1, 2 << 5, 0)).toBe(0);
  series.at(START_MS + 100_000);
  expect(series.idOf(1, 4 << 5, 0)).toBe(2);
  expect(series.idOf(1, 2 << 5, 0)).toBe(0);
  expect(series.idOf(1, 3 << 5, 0)).toBe(NO_SERIES);
  // A block on its way may still show it.
  expect(series.keyOf(1).spanName).toBe('op-3');
});

test('a series that comes again has a new id, and ids are never given to another', () => {
  const series = registry(1);
  series.at(START_MS);
  expect(series.idOf(1, 2 << 5, 0)).toBe(0);
  series.at(START_MS + 200_000);
  expect(series.idOf(1, 3 << 5, 0)).toBe(1);
  series.at(START_MS + 400_000);
  expect(series.idOf(1, 2 << 5, 0)).toBe(2);
  expect(series.keyOf(2).spanName).toBe('op-2');
});

test('thousands of series are found again after others have gone', () => {
  const series = registry(5000);
  series.at(START_MS);
  for (let name = 2; name < 5002; name++) series.idOf(1, name << 5, 0);
  series.at(START_MS + 50_000);
  for (let name = 2; name < 5002; name += 2) series.idOf(1, name << 5, 0);
  series.at(START_MS + 100_000);
  expect(series.idOf(2, 2 << 5, 0)).toBe(5000);
  for (let name = 2; name < 5002; name += 2) expect(series.idOf(1, name << 5, 0)).toBe(name - 2);
});
