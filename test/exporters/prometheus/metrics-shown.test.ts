import { expect, onTestFinished, test } from 'vitest';
import { encodeProto } from '../../support/spans.ts';
import { named, samplesOf } from '../../vectors/span-metrics/metrics-of.ts';
import { deltaOf, exemplarsOf, handClock, keyOf } from './deltas.ts';
import { type Harness, type HarnessOptions, harness } from './harness.ts';

const OPEN = 'application/openmetrics-text;version=1.0.0';

async function started(options: HarnessOptions): Promise<Harness> {
  const own = harness({ clock: handClock(), ...options });
  await own.start();
  onTestFinished(() => own.stop());
  return own;
}

async function linesOf(own: Harness, name: RegExp): Promise<string[]> {
  const page = await (await own.scrape({ accept: OPEN })).text();
  return page
    .split('\n')
    .filter((line) => name.test(line))
    .map((line) => line.replace(/^(\w+)\{.*?(le="[^"]*")?\} /, (_, is: string, le = '') => `${is} ${le} `));
}

test('OpenMetrics has exemplars behind their buckets, and when series began', async () => {
  const own = await started({
    exporter: { enable_open_metrics: true },
    red: { bounds: [2, 10], exemplars: { maxPerDataPoint: 5, windowMs: 60_000 } },
  });
  const exemplars = exemplarsOf([
    { row: 0, durationNs: 1_500_000, endMs: 1_700_000_000_250 },
    { row: 0, durationNs: 1_000_000, endMs: 1_700_000_000_000 },
    { row: 0, durationNs: 50e6, endMs: 1_700_000_000_500 },
  ]);
  own.deliver(deltaOf([{ series: 0, calls: 3, buckets: [2, 0, 1], sumNs: 52.5e6 }], { exemplars }), [
    keyOf('a'),
  ]);
  const first =
    '# {trace_id="00000000000000000000000000000001",span_id="000000000000000a"} 1.5 1.70000000025e+09';
  const last =
    '# {trace_id="00000000000000000000000000000003",span_id="000000000000000c"} 50.0 1.7000000005e+09';
  expect(await linesOf(own, /^traces/)).toEqual([
    `traces_span_metrics_calls_total  3.0 ${last}`,
    'traces_span_metrics_calls_created  1.7e+09',
    `traces_span_metrics_duration_milliseconds_bucket le="2.0" 2 ${first}`,
    'traces_span_metrics_duration_milliseconds_bucket le="10.0" 2',
    `traces_span_metrics_duration_milliseconds_bucket le="+Inf" 3 ${last}`,
    'traces_span_metrics_duration_milliseconds_sum  52.5',
    'traces_span_metrics_duration_milliseconds_count  3',
    'traces_span_metrics_duration_milliseconds_created  1.7e+09',
  ]);
  // Text 0.0.4 knows neither.
  expect(await (await own.scrape()).text()).not.toMatch(/trace_id|_created/);
});

test('created_timestamps: false leaves the beginnings out', async () => {
  const own = await started({ exporter: { enable_open_metrics: true, created_timestamps: false } });
  own.deliver(deltaOf([{ series: 0, calls: 1, buckets: Array(17).fill(0) }]), [keyOf('a')]);
  expect(await linesOf(own, /_created/)).toEqual([]);
  expect(await linesOf(own, /calls_total\{/)).toEqual(['traces_span_metrics_calls_total  1.0']);
});

test('span events are a metric of their own, with series of their own', async () => {
  const own = await started({ red: { bounds: undefined, eventDimensions: ['exception.type'] } });
  const eventKeys = [keyOf('a', { dimensions: ['IOException'] }), keyOf('a', { dimensions: ['Timeout'] })];
  const events = {
    rows: 2,
    series: Uint32Array.of(1, 0),
    count: Float64Array.of(5, 2),
    firstNewSeries: 0,
    newSeries: eventKeys,
  };
  own.deliver(deltaOf([{ series: 0, calls: 1 }], { events }), [keyOf('a')], eventKeys);
  const shown = samplesOf(await (await own.scrape()).text());
  expect(
    named(shown, 'traces_span_metrics_events_total').map(({ labels, value }) => [
      labels.exception_type,
      value,
    ]),
  ).toEqual([
    ['Timeout', 5],
    ['IOException', 2],
  ]);
  expect(named(shown, 'traces_span_metrics_calls_total')).toHaveLength(1);
});

test('series that are alike in what a metric shows are summed in it', async () => {
  const own = await started({
    red: {
      bounds: [1],
      dimensions: ['of-calls', 'of-duration'],
      onlyCalls: new Set([0]),
      onlyDuration: new Set([1]),
    },
  });
  const keys = ['x', 'y'].flatMap((calls) =>
    ['1', '2'].map((duration) => keyOf('a', { dimensions: [calls, duration], instance: '' })),
  );
  own.deliver(
    deltaOf(
      [0, 1, 2, 3].map((series) => ({ series, calls: 10 ** series, buckets: [10 ** series, 0], sumNs: 1e6 })),
    ),
    keys,
  );
  const shown = samplesOf(await (await own.scrape()).text());
  const of = (name: string, label: string) =>
    named(shown, name).map(({ labels, value }) => [labels[label], value]);
  expect(of('traces_span_metrics_calls_total', 'of_calls')).toEqual([
    ['x', 11],
    ['y', 1100],
  ]);
  expect(of('traces_span_metrics_duration_milliseconds_count', 'of_duration')).toEqual([
    ['1', 101],
    ['2', 1010],
  ]);
  expect(of('traces_span_metrics_duration_milliseconds_sum', 'of_calls')).toEqual([
    [undefined, 2],
    [undefined, 2],
  ]);
});

test('the options of the connector reach the page', async () => {
  const own = await started({
    connectors: {
      span_metrics: {
        histogram: { unit: 's', exponential: {} },
        exemplars: { enabled: true },
        events: { enabled: true, dimensions: [{ name: 'exception.type' }] },
        dimensions: [{ glob: 'http.*' }],
        calls_dimensions: [{ name: 'host.name' }],
      },
    },
    exporter: { enable_open_metrics: true, without_scope_info: true },
  });
  const span = (host: string) => ({
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: 'a1a2a3a4a5a6a7a8',
    name: 'a',
    kind: 2,
    startNs: 1_700_000_000_000_000_000n,
    durationNs: 1e9,
    attributes: { 'http.method': 'GET', 'host.name': host },
    events: [
      { name: 'exception', timeNs: 1_700_000_000_500_000_000n, attributes: { 'exception.type': 'Timeout' } },
    ],
  });
  own.ingestProto(encodeProto([{ service: 'shop', spans: [span('x'), span('y')] }]));
  const page = await (await own.scrape({ accept: OPEN })).text();
  const common = 'span_kind="SPAN_KIND_SERVER",span_name="a",status_code="STATUS_CODE_UNSET"';
  const exemplar =
    '# {trace_id="0102030405060708090a0b0c0d0e0f10",span_id="a1a2a3a4a5a6a7a8"} 1.0 1.700000001e+09';
  expect(page.split('\n').filter((line) => /^[^#]/.test(line) && !/_created|_sum|_count/.test(line))).toEqual(
    [
      ...['x', 'y'].map(
        (host) =>
          `traces_span_metrics_calls_total{host_name="${host}",http_method="GET",job="shop",service_name="shop",${common}} 1.0 ${exemplar}`,
      ),
      `traces_span_metrics_duration_seconds_bucket{http_method="GET",job="shop",service_name="shop",${common},le="+Inf"} 2 ${exemplar}`,
      expect.stringMatching(/^traces_span_metrics_events_total\{exception_type="Timeout",.*\} 2\.0$/),
    ],
  );
});
