import { expect, onTestFinished, test } from 'vitest';
import { CALLS, named, samplesOf } from '../../vectors/span-metrics/metrics-of.ts';
import { decodePage } from './decode.ts';
import { deltaOf, handClock, keyOf, START_MS } from './deltas.ts';
import { type Harness, type HarnessOptions, harness } from './harness.ts';

const HOUR = 3_600_000;

async function started(options: HarnessOptions) {
  const clock = handClock();
  const own = harness({ clock, ...options, red: { bounds: undefined, ...options.red } });
  await own.start();
  onTestFinished(() => own.stop());
  return { own, clock };
}

const add = (own: Harness, keys: ReturnType<typeof keyOf>[], ...series: number[]): void =>
  own.deliver(deltaOf(series.map((id) => ({ series: id, calls: 1 }))), keys);

async function calls(own: Harness): Promise<Record<string, number>> {
  const shown = named(samplesOf(await (await own.scrape()).text()), CALLS);
  return Object.fromEntries(shown.map(({ labels, value }) => [labels.span_name, value]));
}

test('a series goes when the expiration of the connector and then that of the exporter are over', async () => {
  const { own, clock } = await started({ red: { expiration: { seriesMs: HOUR } } });
  const keys = [keyOf('a'), keyOf('b')];
  add(own, keys, 0, 1);
  clock.forward(HOUR);
  add(own, keys, 1);
  clock.forward(300_000);
  expect(await calls(own)).toEqual({ a: 1, b: 2 });
  clock.forward(1001);
  expect(await calls(own)).toEqual({ b: 2 });
  expect(own.counters.get('spanweir_prometheus_series')).toBe(1);
});

test('without an expiration nothing goes, whatever metric_expiration says', async () => {
  const { own, clock } = await started({ exporter: { metric_expiration: '1s' } });
  add(own, [keyOf('a')], 0);
  clock.forward(1000 * HOUR);
  expect(await calls(own)).toEqual({ a: 1 });
});

test('deltas are shown for metric_expiration', async () => {
  const { own, clock } = await started({ red: { isDelta: true }, exporter: { metric_expiration: '10s' } });
  add(own, [keyOf('a')], 0);
  clock.forward(10_000);
  expect(await calls(own)).toEqual({ a: 1 });
  clock.forward(2000);
  expect(await calls(own)).toEqual({});
});

test("a resource's series stay while one of them is added to, and go together", async () => {
  const { own, clock } = await started({
    red: { expiration: { resourceMs: HOUR } },
    exporter: { metric_expiration: '0s' },
  });
  const keys = [keyOf('a'), keyOf('b'), keyOf('c', { instance: 'other' })];
  own.deliver(
    deltaOf([{ series: 2, calls: 1 }], {
      newResources: [{ service: 'shop', namespace: '', instance: 'other', attributes: [] }],
    }),
    keys,
  );
  add(own, keys, 0, 1);
  clock.forward(HOUR - 1000);
  add(own, keys, 1);
  expect(await (await own.scrape()).text()).toContain('target_info');
  clock.forward(2001);
  expect(await calls(own)).toEqual({ a: 1, b: 2 });
  expect(await (await own.scrape()).text()).not.toContain('target_info');
  clock.forward(HOUR);
  expect(await calls(own)).toEqual({});
  add(own, keys, 2);
  expect(await (await own.scrape()).text()).toContain('target_info{instance="other",job="shop"} 1');
});

test('a series that comes back begins anew, and room that was freed is given out again', async () => {
  const { own, clock } = await started({
    red: { expiration: { seriesMs: HOUR } },
    exporter: { max_series: 2, metric_expiration: '0s' },
  });
  const keys = [keyOf('a'), keyOf('b'), keyOf('c'), keyOf('d')];
  add(own, keys, 0, 1, 2);
  expect(await calls(own)).toEqual({ a: 1, b: 1, 'otel.metric.overflow': 1 });
  clock.forward(HOUR);
  add(own, keys, 1, 2);
  clock.forward(2000);
  // `a` is gone: `c` gets its place, what was counted elsewhere stays there.
  add(own, keys, 2);
  expect(await calls(own)).toEqual({ b: 2, c: 1, 'otel.metric.overflow': 2 });
  clock.forward(2 * HOUR);
  expect(await calls(own)).toEqual({});
  add(own, keys, 0, 0, 3);
  expect(await calls(own)).toEqual({ a: 2, d: 1 });
  const accept = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const page = decodePage(new Uint8Array(await (await own.scrape({ accept })).arrayBuffer()));
  expect(page[0]?.metric.map(({ counter }) => counter?.created_timestamp?.seconds)).toEqual(
    Array(2).fill((START_MS + 3 * HOUR + 2000) / 1000),
  );
});

test('labels stay right when ids are given out again, in every format', async () => {
  const { own, clock } = await started({
    red: { isDelta: true },
    exporter: { metric_expiration: '1s' },
  });
  const accept = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const keys = Array.from({ length: 5000 }, (_, i) => keyOf(`${'long-name-'.repeat(i % 7)}${i}`));
  for (let round = 0; round < 5; round++) {
    const from = round * 1000;
    add(own, keys, ...Array.from({ length: 1000 }, (_, i) => from + i));
    const expected = keys.slice(from, from + 1000).map(({ spanName }) => spanName);
    expect(new Set(Object.keys(await calls(own)))).toEqual(new Set(expected));
    const page = decodePage(new Uint8Array(await (await own.scrape({ accept })).arrayBuffer()));
    expect(new Set(page[0]?.metric.map(({ labels }) => labels.span_name))).toEqual(new Set(expected));
    clock.forward(2500);
  }
});

test('first_scrape shows a new series as 0 once to each scraper, then the truth', async () => {
  const { own, clock } = await started({ exporter: { initial_zero: 'first_scrape' }, red: { bounds: [1] } });
  const keys = [keyOf('a'), keyOf('b')];
  const seen = async (agent: string) => {
    const shown = samplesOf(await (await own.scrape({ 'user-agent': agent })).text());
    return named(shown, CALLS).map(({ labels, value }) => [labels.span_name, value]);
  };
  own.deliver(deltaOf([{ series: 0, calls: 3, buckets: [2, 1], sumNs: 5e6 }]), keys);
  const first = await (await own.scrape({ 'user-agent': 'one' })).text();
  expect(samplesOf(first).map(({ value }) => value)).toEqual([0, 0, 0, 0, 0]);
  expect(await seen('one')).toEqual([['a', 3]]);
  expect(await seen('two')).toEqual([['a', 0]]);
  expect(await seen('two')).toEqual([['a', 3]]);
  own.deliver(deltaOf([{ series: 1, calls: 7, buckets: [7, 0] }]), keys);
  expect(await seen('one')).toEqual([
    ['a', 3],
    ['b', 0],
  ]);
  expect(await seen('one')).toEqual([
    ['a', 3],
    ['b', 7],
  ]);
  // Whoever was away still gets the 0 of what began meanwhile; for a newcomer it is no news.
  clock.forward(HOUR);
  expect(await seen('two')).toEqual([
    ['a', 3],
    ['b', 0],
  ]);
  expect(await seen('three')).toEqual([
    ['a', 3],
    ['b', 7],
  ]);
});

test('by default values are true from the first scrape', async () => {
  const { own } = await started({});
  add(own, [keyOf('a')], 0);
  expect(await calls(own)).toEqual({ a: 1 });
});
