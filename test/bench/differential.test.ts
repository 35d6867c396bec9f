import { expect, test } from 'vitest';
import { ambiguousServices, batch } from '../../bench/differential/batches.ts';
import { CONFIGURATIONS } from '../../bench/differential/configurations.ts';
import { compareSamples } from '../../bench/support/compare-samples.ts';

const START = 1_700_000_000_000_000_000n;
const batches = Array.from({ length: 200 }, (_, i) => batch(i, 1, START));

test('a seed always makes the same batches', () => {
  expect(batch(7, 1, START)).toEqual(batches[7]);
  expect(batch(7, 2, START)).not.toEqual(batches[7]);
});

test('200 batches hold whatever decides where a span is counted', () => {
  const spans = batches.flat().flatMap(({ scopes = [] }) => scopes.flatMap((scope) => scope.spans));
  expect(spans.length).toBeGreaterThan(1000);
  expect(new Set(spans.map(({ kind }) => kind)).size).toBe(6);
  expect(spans.some(({ events }) => (events?.length ?? 0) > 1)).toBe(true);
  expect(spans.some(({ startNs = 0n, endNs = 0n }) => endNs < startNs)).toBe(true);
  expect(spans.some(({ traceState }) => traceState === 'ot=th:8')).toBe(true);
  expect(batches.flat().some(({ attributes }) => !('service.name' in (attributes ?? {})))).toBe(true);
  expect(ambiguousServices(batches)).toContain('shared');
});

test('there are at least twelve configurations, all different', () => {
  expect(new Set(CONFIGURATIONS.map((one) => JSON.stringify({ ...one, name: '' }))).size).toBe(
    CONFIGURATIONS.length,
  );
  expect(CONFIGURATIONS.length).toBeGreaterThanOrEqual(12);
});

test('a missing sample, one too many and another value are all told', () => {
  const peer = new Map([
    ['a_sum{}', 1],
    ['b{}', 1],
    ['c{}', 1],
  ]);
  const ours = new Map([
    ['a_sum{}', 1 + 1e-10],
    ['b{}', 1 + 1e-10],
    ['d{}', 1],
  ]);
  expect(compareSamples(peer, ours)).toEqual([
    'b{}: collector 1, Spanweir 1.0000000001',
    'missing here: c{} 1',
    'only here: d{} 1',
  ]);
});
