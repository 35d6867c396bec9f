import { expect, test } from 'vitest';
import { healthOfShards } from '../../../src/exporters/clickhouse/sharded-sink.ts';

test('the exporter feels as its worst shard does, with the reason that this one gives', () => {
  const told: string[] = [];
  const [first, second] = healthOfShards(
    { report: (status, reason = '') => void told.push(`${status} ${reason}`.trim()) },
    2,
  );
  first?.report('ok');
  second?.report('recoverable', 'no answer');
  first?.report('ok');
  second?.report('ok');
  expect(told).toEqual(['ok', 'recoverable no answer', 'recoverable no answer', 'ok']);
});
