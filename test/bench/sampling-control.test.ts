import { expect, test } from 'vitest';
import { bench } from '../../bench/sampling-control.bench.ts';

test('simulated traffic is held at its target, through a lag and a failover', {
  timeout: 120_000,
}, async () => {
  expect(await bench('tiny')).toBe(true);
});
