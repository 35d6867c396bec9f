import { expect, test } from 'vitest';
import { planReceivers, samplingStore } from '../../src/app/plan.ts';
import type { LoadedPipeline } from '../../src/config/loaded-config.ts';
import { loaded, part } from './loaded.ts';

test('a connector hands its rows to the exporters of the pipelines that it feeds', () => {
  const config = loaded(
    [
      {
        id: 'traces',
        signal: 'traces',
        receivers: ['kafka'],
        processors: [],
        exporters: ['clickhouse', 'span_metrics'],
      },
      {
        id: 'metrics',
        signal: 'metrics',
        receivers: ['span_metrics'],
        processors: [],
        exporters: ['clickhouse', 'prometheus'],
      },
    ],
    {
      exporters: { clickhouse: part('clickhouse'), prometheus: part('prometheus') },
      connectors: { span_metrics: part('span_metrics') },
    },
  );
  expect(planReceivers(config)).toEqual([
    {
      receiver: 'kafka',
      throughput: undefined,
      connectors: ['span_metrics'],
      taps: [],
      exporters: [
        { exporter: 'clickhouse', spans: true, throughput: false, red: ['span_metrics'] },
        { exporter: 'prometheus', spans: false, throughput: false, red: ['span_metrics'] },
      ],
    },
  ]);
});

test('a receiver that stands in two pipelines feeds both, and each exporter once', () => {
  const pipeline = (id: string, exporters: readonly string[]): LoadedPipeline => ({
    id,
    signal: 'traces',
    receivers: ['otlp'],
    processors: [],
    exporters,
  });
  const config = loaded([pipeline('traces', ['debug', 'nop']), pipeline('traces/2', ['debug'])], {
    exporters: { debug: part('debug'), nop: part('nop') },
  });
  expect(planReceivers(config)).toEqual([
    {
      receiver: 'otlp',
      throughput: undefined,
      connectors: [],
      taps: [],
      exporters: [
        { exporter: 'debug', spans: true, throughput: false, red: [] },
        { exporter: 'nop', spans: true, throughput: false, red: [] },
      ],
    },
  ]);
});

test('throughput rows go to the exporter that the sampling store names', () => {
  const config = loaded(
    [
      {
        id: 'traces',
        signal: 'traces',
        receivers: ['otlp'],
        processors: ['adaptive_sampling'],
        exporters: ['clickhouse', 'debug'],
      },
    ],
    {
      processors: { adaptive_sampling: part('adaptive_sampling') },
      exporters: { clickhouse: part('clickhouse'), debug: part('debug') },
      extensions: {
        remote_sampling: part('remote_sampling', { adaptive: { sampling_store: 'clickhouse' } }),
      },
    },
  );
  expect(samplingStore(config)).toEqual({ extension: 'remote_sampling', exporter: 'clickhouse' });
  expect(planReceivers(config)[0]?.exporters).toEqual([
    { exporter: 'clickhouse', spans: true, throughput: true, red: [] },
    { exporter: 'debug', spans: true, throughput: false, red: [] },
  ]);
});

test('a sampling store in memory belongs to the extension', () => {
  const config = loaded([], {
    extensions: { 'remote_sampling/a': part('remote_sampling', { adaptive: { sampling_store: 'memory' } }) },
  });
  expect(samplingStore(config)).toEqual({ extension: 'remote_sampling/a', exporter: undefined });
});

test('a connector that only looks at committed blocks gives no exporter any rows', () => {
  const config = loaded(
    [
      {
        id: 'traces',
        signal: 'traces',
        receivers: ['otlp'],
        processors: [],
        exporters: ['clickhouse', 'service_graph'],
      },
      {
        id: 'metrics',
        signal: 'metrics',
        receivers: ['service_graph'],
        processors: [],
        exporters: ['clickhouse', 'prometheus'],
      },
    ],
    {
      exporters: { clickhouse: part('clickhouse'), prometheus: part('prometheus') },
      connectors: { service_graph: part('service_graph') },
    },
  );
  expect(planReceivers(config)).toEqual([
    {
      receiver: 'otlp',
      throughput: undefined,
      connectors: [],
      taps: ['service_graph'],
      exporters: [
        { exporter: 'clickhouse', spans: true, throughput: false, red: [] },
        { exporter: 'prometheus', spans: false, throughput: false, red: [] },
      ],
    },
  ]);
});

test('a database that is to derive edges must get the spans that they are made of', () => {
  const pipeline = (
    signal: 'traces' | 'metrics',
    receivers: string[],
    exporters: string[],
  ): LoadedPipeline => ({
    id: signal,
    signal,
    receivers,
    processors: [],
    exporters,
  });
  const config = loaded(
    [pipeline('traces', ['otlp'], ['service_graph']), pipeline('metrics', ['service_graph'], ['clickhouse'])],
    {
      exporters: { clickhouse: part('clickhouse') },
      connectors: { service_graph: part('service_graph') },
    },
  );
  expect(() => planReceivers(config)).toThrow(
    'service.pipelines.metrics: clickhouse derives what service_graph shows from the spans that it has',
  );
});
