import { expect, test } from 'vitest';
import { chooseTarget } from '../../../src/app/replay/target.ts';
import type { LoadedConfig } from '../../../src/config/loaded-config.ts';
import { loaded, part } from '../loaded.ts';

function configOf(exporter: object): LoadedConfig {
  const traces = { id: 'traces', signal: 'traces', processors: [] } as const;
  return loaded([{ ...traces, receivers: ['kafka'], exporters: ['clickhouse'] }], {
    receivers: { kafka: part('kafka') },
    exporters: { clickhouse: part('clickhouse', exporter) },
  });
}
const named = { receiver: undefined, exporter: undefined };

test('the only kafka receiver and its only clickhouse exporter are meant', () => {
  const { exporter, receiver } = chooseTarget(configOf({}), named);
  expect([receiver, exporter.id]).toEqual(['kafka', 'clickhouse']);
});

test('nothing is replayed into a cluster, whose shards it does not know', () => {
  const cluster = { name: 'spans', shards: [{ endpoint: 'http://a:8123' }] };
  expect(() => chooseTarget(configOf({ cluster }), named)).toThrow('writes to a cluster');
});
