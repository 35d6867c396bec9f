import { expect, test } from 'vitest';
import { revisionOf } from '../../src/app/revision.ts';
import type { LoadedConfig, LoadedPipeline } from '../../src/config/loaded-config.ts';
import { loaded, part } from './loaded.ts';

const PIPELINES: readonly LoadedPipeline[] = [
  {
    id: 'traces',
    signal: 'traces',
    receivers: ['kafka'],
    processors: ['adaptive_sampling'],
    exporters: ['clickhouse', 'span_metrics'],
  },
  {
    id: 'metrics',
    signal: 'metrics',
    receivers: ['span_metrics'],
    processors: [],
    exporters: ['clickhouse'],
  },
];

function config(
  connector: object = { dimensions: [{ name: 'http.route' }], exclude_dimensions: [] },
  window = 5000,
  pipelines = PIPELINES,
): LoadedConfig {
  return loaded(pipelines, {
    receivers: { kafka: part('kafka', { group_id: 'a' }) },
    processors: { adaptive_sampling: part('adaptive_sampling', { window }) },
    connectors: { span_metrics: part('span_metrics', connector) },
    exporters: { clickhouse: part('clickhouse', { endpoint: 'http://a:8123' }) },
  });
}

test('the same rules are the same revision in every process, in whatever order they are written', () => {
  const revision = revisionOf(config());
  expect(Number.isInteger(revision) && revision >= 0 && revision < 2 ** 32).toBe(true);
  expect(revisionOf(config({ exclude_dimensions: [], dimensions: [{ name: 'http.route' }] }))).toBe(revision);
  const elsewhere = config();
  const receivers = { kafka: part('kafka', { group_id: 'b' }) };
  const exporters = { clickhouse: part('clickhouse', { endpoint: 'http://b:8123' }) };
  expect(revisionOf({ ...elsewhere, receivers, exporters })).toBe(revision);
});

test('whatever gives other rows is another revision', () => {
  const { service, ...rest } = config();
  const timestamps = { maxPastMs: 1, maxFutureMs: 1e12 };
  const withoutRed = PIPELINES.map((one) => ({
    ...one,
    exporters: one.exporters.filter((id) => one.signal === 'traces' || id !== 'clickhouse'),
  }));
  const revisions = [
    config(),
    config({ dimensions: [{ name: 'http.method' }], exclude_dimensions: [] }),
    config({ dimensions: [{ name: 'http.route' }], exclude_dimensions: ['span.name'] }),
    config(undefined, 10_000),
    config(undefined, 5000, withoutRed),
    { ...rest, service: { ...service, spanweir: { ...service.spanweir, timestamps } } },
  ].map(revisionOf);
  expect(new Set(revisions).size).toBe(6);
});
