import { expect, test } from 'vitest';
import { bench as quantiles } from '../../../bench/quantiles.bench.ts';
import { bench as rollupQueries } from '../../../bench/rollup-queries.bench.ts';

test('quantiles are within a bucket of the nearest rank at every rollup, and within 1 % on the average', async () => {
  expect(await quantiles('tiny')).toBe(true);
});

// How long they take says nothing at this size and beside other tests; that each span is counted once does.
test('what dashboards ask of the rollups counts every span once, from whichever tables it is read', async () => {
  expect(await rollupQueries('tiny')).toBe(true);
});
