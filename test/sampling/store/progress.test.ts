import { expect, test } from 'vitest';
import {
  bestOf,
  completenessOf,
  type SourceProgress,
  UNKNOWN,
} from '../../../src/sampling/store/progress.ts';

const NOW = 1_700_000_000_000;

function log(partition: number, behindMs: number, saidMs = 1000): SourceProgress {
  const completeUntilMs = NOW - behindMs;
  return { source: 'cluster/spans', partition, kind: 'log', completeUntilMs, atMs: NOW - saidMs };
}

function requests(source: string, behindMs: number, saidMs = 1000): SourceProgress {
  return { ...log(0, behindMs, saidMs), source, kind: 'requests' };
}

test('nothing is complete while nobody has said anything', () => {
  expect(completenessOf([], NOW).completeUntilMs).toBe(Number.NEGATIVE_INFINITY);
});

test('the partition that is farthest behind decides', () => {
  const all = [log(0, 2000), log(1, 300_000), requests('host/1', 5000)];
  expect(completenessOf(all, NOW)).toEqual({
    completeUntilMs: NOW - 300_000,
    holding: log(1, 300_000),
    silent: [],
  });
});

test('a partition without an owner goes on holding, and is named', () => {
  const left = log(1, 100_000, 60_000);
  expect(completenessOf([log(0, 0), left], NOW)).toEqual({
    completeUntilMs: NOW - 100_000,
    holding: left,
    silent: [left],
  });
});

test('a process that took requests and fell silent does not hold', () => {
  const all = [requests('host/1', 4000), requests('host/2', 90_000, 31_000)];
  expect(completenessOf(all, NOW).completeUntilMs).toBe(NOW - 4000);
});

test('an owner that knows nothing yet holds, unless an earlier one has said something', () => {
  const unknown = { ...log(0, 0, 0), completeUntilMs: UNKNOWN };
  expect(completenessOf([unknown, log(1, 0)], NOW).completeUntilMs).toBe(UNKNOWN);
  expect(bestOf([log(0, 7000, 5000), unknown])).toEqual([{ ...log(0, 7000), atMs: NOW }]);
  expect(bestOf([unknown, log(0, 7000, 5000)])).toEqual([{ ...log(0, 7000), atMs: NOW }]);
});

test('the last word on a partition holds', () => {
  expect(bestOf([log(0, 9000, 5000), log(0, 4000, 1000), log(1, 1, 1)])).toEqual([
    log(0, 4000, 1000),
    log(1, 1, 1),
  ]);
});
