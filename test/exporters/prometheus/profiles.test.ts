import { expect, test } from 'vitest';
import { SeriesLabels } from '../../../src/exporters/prometheus/labels.ts';
import type { RedDescription } from '../../../src/red/red-description.ts';
import { metricsOf, named } from '../../vectors/span-metrics/metrics-of.ts';
import { keyOf } from './deltas.ts';

const block = [
  {
    service: 'shop',
    attributes: { 'service.namespace': 'prod', 'service.instance.id': 'i', 'host.name': 'h' },
    spans: [{ name: 'GET /', kind: 2, durationNs: 3e6, status: { code: 2 } }],
  },
];

test("the old processor's names: calls_total, latency in ms, and spans as operations", async () => {
  const shown = await metricsOf([block], { exporter: { profile: 'spanmetrics_processor' } });
  expect([...new Set(shown.map(({ name }) => name))]).toEqual([
    'calls_total',
    'latency_bucket',
    'latency_sum',
    'latency_count',
    'target_info',
  ]);
  expect(named(shown, 'calls_total')[0]?.labels).toMatchObject({
    service_name: 'shop',
    operation: 'GET /',
    span_kind: 'SPAN_KIND_SERVER',
    status_code: 'STATUS_CODE_ERROR',
  });
  expect(named(shown, 'latency_sum')[0]?.value).toBe(3);
  expect(
    named(shown, 'latency_bucket')
      .map(({ labels }) => labels.le)
      .slice(0, 3),
  ).toEqual(['2', '4', '6']);
});

test("Tempo's names: seconds, service, empty labels for what is absent, and no scope", async () => {
  const shown = await metricsOf([block], {
    connectors: {
      span_metrics: { dimensions: [{ name: 'host.name' }, { name: 'no-such' }, { name: 'span_name' }] },
    },
    exporter: { profile: 'tempo' },
  });
  expect([...new Set(shown.map(({ name }) => name))]).toEqual([
    'traces_spanmetrics_calls_total',
    'traces_spanmetrics_latency_bucket',
    'traces_spanmetrics_latency_sum',
    'traces_spanmetrics_latency_count',
    'traces_target_info',
  ]);
  expect(named(shown, 'traces_spanmetrics_calls_total')).toEqual([
    {
      name: 'traces_spanmetrics_calls_total',
      labels: {
        __span_name: '',
        host_name: 'h',
        instance: 'i',
        job: 'prod/shop',
        no_such: '',
        service: 'shop',
        span_kind: 'SPAN_KIND_SERVER',
        span_name: 'GET /',
        status_code: 'STATUS_CODE_ERROR',
      },
      value: 1,
    },
  ]);
  expect(named(shown, 'traces_spanmetrics_latency_sum')[0]?.value).toBe(0.003);
  expect(
    named(shown, 'traces_spanmetrics_latency_bucket')
      .map(({ labels, value }) => [labels.le, value])
      .slice(0, 3),
  ).toEqual([
    ['0.002', 0],
    ['0.004', 1],
    ['0.006', 1],
  ]);
});

test("the exporter's namespace stands in front of old names, too", async () => {
  const shown = await metricsOf([block], { exporter: { profile: 'tempo', namespace: 'my-ns' } });
  expect(named(shown, 'my_ns_traces_spanmetrics_calls_total')).toHaveLength(1);
  expect(named(shown, 'my_ns_traces_target_info')).toHaveLength(1);
});

const description: RedDescription = {
  namespace: '',
  unit: 'ms',
  bounds: undefined,
  dimensions: [],
  excluded: new Set(),
};
const options = { utf8: false, constLabels: {}, scopeInfo: false };

test('what the connector says about labels is followed', () => {
  const labelsOf = (more: Partial<RedDescription>, statusCode = 0) =>
    Object.fromEntries(new SeriesLabels({ ...description, ...more }, options).of(keyOf('a', { statusCode })));
  const plain = { job: 'shop', service_name: 'shop', span_kind: 'SPAN_KIND_SERVER', span_name: 'a' };
  expect(labelsOf({ otelStatusCode: true })).toEqual(plain);
  expect(labelsOf({ otelStatusCode: true }, 2)).toEqual({ ...plain, otel_status_code: 'ERROR' });
  expect(labelsOf({ collectorInstanceId: 'x' }, 1)).toEqual({
    ...plain,
    status_code: 'STATUS_CODE_OK',
    collector_instance_id: 'x',
  });
  expect(labelsOf({ withoutResource: true })).not.toHaveProperty('job');
});

test('a dimension of one metric alone is no label of the other', () => {
  const split = {
    ...description,
    dimensions: ['both', 'of-calls', 'of-duration'],
    onlyCalls: new Set([1]),
    onlyDuration: new Set([2]),
    eventDimensions: ['of-events'],
    showsExtra: (metric: 'calls' | 'duration', name: string) => metric === 'calls' && name === 'x',
  };
  const key = keyOf('a', {
    dimensions: ['1', '2', '3', '4'],
    extra: [
      ['x', '5'],
      ['y', '6'],
    ],
  });
  const own = (metric: 'calls' | 'duration' | 'events') =>
    new SeriesLabels(split, options, metric).of(key).filter(([, value]) => /^\d$/.test(value));
  expect(own('calls')).toEqual([
    ['both', '1'],
    ['of_calls', '2'],
    ['x', '5'],
  ]);
  expect(own('duration')).toEqual([
    ['both', '1'],
    ['of_duration', '3'],
  ]);
  expect(own('events')).toEqual([
    ['both', '1'],
    ['of_events', '4'],
    ['x', '5'],
    ['y', '6'],
  ]);
});
