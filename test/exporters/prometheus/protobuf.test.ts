import { expect, onTestFinished, test } from 'vitest';
import { encodeProto } from '../../support/spans.ts';
import { type DecodedFamily, decodePage } from './decode.ts';
import { deltaOf, exemplarsOf, handClock, keyOf, START_MS } from './deltas.ts';
import { type Harness, type HarnessOptions, harness } from './harness.ts';

const ACCEPT =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5';
const CREATED = { seconds: START_MS / 1000, nanos: 0 };

async function started(options: HarnessOptions = {}): Promise<Harness> {
  const own = harness({ clock: handClock(), ...options });
  await own.start();
  onTestFinished(() => own.stop());
  return own;
}

async function families(own: Harness): Promise<DecodedFamily[]> {
  const response = await own.scrape({ accept: ACCEPT });
  expect(response.headers.get('content-type')).toBe(
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores',
  );
  return decodePage(new Uint8Array(await response.arrayBuffer()));
}

test('calls and explicit histograms have the numbers that text has, and when they began', async () => {
  const own = await started({
    connectors: { span_metrics: { histogram: { explicit: { buckets: ['2ms', '10ms'] } } } },
    exporter: { without_scope_info: true },
  });
  own.ingestProto(
    encodeProto([
      {
        service: 'shop',
        spans: [
          { name: 'a', kind: 2, durationNs: 1e6 },
          { name: 'a', kind: 2, durationNs: 3e6 },
          { name: 'a', kind: 2, durationNs: 3e9 },
        ],
      },
    ]),
  );
  const labels = {
    job: 'shop',
    service_name: 'shop',
    span_kind: 'SPAN_KIND_SERVER',
    span_name: 'a',
    status_code: 'STATUS_CODE_UNSET',
  };
  expect(await families(own)).toEqual([
    {
      name: 'traces_span_metrics_calls_total',
      type: 0,
      metric: [{ labels, counter: { value: 3, created_timestamp: CREATED } }],
    },
    {
      name: 'traces_span_metrics_duration_milliseconds',
      type: 4,
      metric: [
        {
          labels,
          histogram: {
            sample_count: 3,
            sample_sum: 3004,
            bucket: [
              { cumulative_count: 1, upper_bound: 2 },
              { cumulative_count: 2, upper_bound: 10 },
            ],
            created_timestamp: CREATED,
          },
        },
      ],
    },
  ]);
});

test('counts that are not whole are floats, and rounded for who knows no floats', async () => {
  const own = await started({ red: { unit: 's', bounds: [1] } });
  own.deliver(deltaOf([{ series: 0, calls: 2.5, buckets: [1.5, 1] }]), [keyOf('a')]);
  const [calls, duration] = await families(own);
  expect(calls?.metric[0]?.counter?.value).toBe(2.5);
  expect(duration?.metric[0]?.histogram).toMatchObject({
    sample_count: 3,
    sample_count_float: 2.5,
    bucket: [{ cumulative_count: 2, cumulative_count_float: 1.5, upper_bound: 1 }],
  });
});

test('an exponential histogram is a native one, numbered by upper bounds, with gaps between its spans', async () => {
  const own = await started({
    red: { unit: 's', bounds: undefined, exponential: { maxSize: 160 } },
  });
  const hist = [
    ['zero', 2],
    [-16, 3],
    [-15, 5],
    [0, 1],
  ] as const;
  own.deliver(deltaOf([{ series: 0, calls: 11, sumNs: 4e9, hist }]), [keyOf('a')]);
  own.deliver(deltaOf([{ series: 0, calls: 1, sumNs: 1e9, hist: [[0, 1]] }]), [keyOf('a')]);
  const [, duration] = await families(own);
  expect(duration?.metric[0]?.histogram).toEqual({
    sample_count: 12,
    sample_sum: 5,
    schema: 4,
    zero_threshold: 2 ** -128,
    zero_count: 2,
    // Bucket -16 ends at 2^(-15/16) s.
    positive_span: [
      { offset: -15, length: 2 },
      { offset: 14, length: 1 },
    ],
    positive_delta: [3, 2, -3],
    created_timestamp: CREATED,
  });
  const text = await (await own.scrape()).text();
  expect(
    text
      .split('\n')
      .filter((line) => /_bucket|_count|_sum/.test(line))
      .map((line) => line.replace(/\{.*[",]le=/, ' ')),
  ).toEqual([
    expect.stringMatching(/_bucket "\+Inf"\} 12$/),
    expect.stringMatching(/_sum.* 5$/),
    expect.stringMatching(/_count.* 12$/),
  ]);
});

test('a native histogram of weights that are not whole stays one of floats', async () => {
  const own = await started({ red: { unit: 's', bounds: undefined, exponential: { maxSize: 160 } } });
  own.deliver(deltaOf([{ series: 0, calls: 1.5, hist: [[3, 1.5]] }]), [keyOf('a')]);
  own.deliver(deltaOf([{ series: 0, calls: 0.5, hist: [[3, 0.5]] }]), [keyOf('a')]);
  const [, duration] = await families(own);
  expect(duration?.metric[0]?.histogram).toMatchObject({
    sample_count_float: 2,
    zero_count_float: 0,
    positive_span: [{ offset: 4, length: 1 }],
    positive_count: [2],
  });
});

test('exemplars stand on the counter and in their buckets', async () => {
  const own = await started({
    red: { bounds: [2, 10], exemplars: { maxPerDataPoint: 5, windowMs: 60_000 } },
  });
  const exemplars = exemplarsOf([
    { row: 0, durationNs: 1e6, endMs: 1_700_000_000_250 },
    { row: 0, durationNs: 50e6, endMs: 1_700_000_000_500 },
  ]);
  own.deliver(deltaOf([{ series: 0, calls: 3, buckets: [1, 1, 1] }], { exemplars }), [keyOf('a')]);
  const [calls, duration] = await families(own);
  const first = {
    label: [
      { name: 'trace_id', value: '00000000000000000000000000000001' },
      { name: 'span_id', value: '000000000000000a' },
    ],
    value: 1,
    timestamp: { seconds: 1_700_000_000, nanos: 250_000_000 },
  };
  const last = {
    label: [
      { name: 'trace_id', value: '00000000000000000000000000000002' },
      { name: 'span_id', value: '000000000000000b' },
    ],
    value: 50,
    timestamp: { seconds: 1_700_000_000, nanos: 500_000_000 },
  };
  expect(calls?.metric[0]?.counter?.exemplar).toEqual(last);
  expect(duration?.metric[0]?.histogram?.bucket).toEqual([
    { cumulative_count: 1, upper_bound: 2, exemplar: first },
    { cumulative_count: 2, upper_bound: 10 },
    { cumulative_count: 3, upper_bound: Number.POSITIVE_INFINITY, exemplar: last },
  ]);
});

test('target_info is a gauge, labels may be long, and names are escaped as asked', async () => {
  const own = await started({ exporter: { translation_strategy: 'NoTranslation', send_timestamps: true } });
  const attributes = { 'service.instance.id': 'i', 'host.name': 'h'.repeat(300_000) };
  const spans = Array.from({ length: 600 }, (_, i) => ({ name: `op ${i}` }));
  own.ingestProto(encodeProto([{ service: 'shop', attributes, spans }]));
  const shown = await families(own);
  expect(shown.map(({ name, metric }) => [name, metric.length])).toEqual([
    ['target_info', 1],
    ['traces_span_metrics_calls', 600],
    ['traces_span_metrics_duration', 600],
  ]);
  const [target] = shown[0]?.metric ?? [];
  expect(target?.labels).toEqual({ job: 'shop', instance: 'i', host_name: 'h'.repeat(300_000) });
  expect(target?.gauge).toEqual({ value: 1 });
  expect(shown[1]?.metric[599]).toMatchObject({ labels: { span_name: 'op 599' }, timestamp_ms: START_MS });
});
