import { expect, test } from 'vitest';
import { healthGroups } from '../../src/config/health-groups.ts';
import { loaded } from './table.ts';

test('a component belongs to the pipelines that it stands in', () => {
  const config = loaded(`receivers: {kafka: }
connectors: {span_metrics: }
exporters: {clickhouse: , nop: }
extensions: {remote_sampling: }
service:
  extensions: [remote_sampling]
  pipelines:
    traces: {receivers: [kafka], exporters: [clickhouse, span_metrics]}
    metrics/red: {receivers: [span_metrics], exporters: [clickhouse, nop]}
`);
  expect(healthGroups(config)).toEqual([
    { key: 'receiver:kafka', groups: ['traces'] },
    { key: 'connector:span_metrics', groups: ['traces', 'metrics/red'] },
    { key: 'exporter:clickhouse', groups: ['traces', 'metrics/red'] },
    { key: 'exporter:nop', groups: ['metrics/red'] },
    { key: 'extension:remote_sampling', groups: ['extensions'] },
  ]);
});
