import { afterEach, expect, test } from 'vitest';
import { encodeProto, type TestResource } from '../../support/spans.ts';
import { CALLS, DURATION, named, samplesOf } from '../../vectors/span-metrics/metrics-of.ts';
import { type Harness, type HarnessOptions, harness } from './harness.ts';

let own: Harness | undefined;

async function started(options: HarnessOptions = {}): Promise<Harness> {
  own = harness(options);
  await own.start();
  return own;
}

afterEach(async () => {
  await own?.stop();
  own = undefined;
});

const block = (...resources: TestResource[]): Buffer => encodeProto(resources);
const ops = (n: number, from = 0) => Array.from({ length: n }, (_, i) => ({ name: `op-${from + i}` }));

async function samples(from: Harness) {
  return samplesOf(await (await from.scrape()).text());
}

test('the same series in two lanes is one, whatever ids the lanes gave it', async () => {
  const exporter = await started({ lanes: 2 });
  exporter.ingestProto(block({ service: 'a', spans: [{ name: 'x' }, { name: 'y' }] }), 0);
  exporter.ingestProto(block({ service: 'a', spans: [{ name: 'y', durationNs: 3e6 }, { name: 'z' }] }), 1);
  exporter.ingestProto(block({ service: 'a', spans: [{ name: 'x' }] }), 1);
  const shown = await samples(exporter);
  const calls = named(shown, CALLS).map(({ labels, value }) => [labels.span_name, value]);
  expect(Object.fromEntries(calls)).toEqual({ x: 2, y: 2, z: 1 });
  const y = named(shown, `${DURATION}_sum`).find(({ labels }) => labels.span_name === 'y');
  expect(y?.value).toBe(4);
});

test('before the first span the page is empty and fine', async () => {
  const exporter = await started();
  const response = await exporter.scrape();
  expect([response.status, await response.text()]).toEqual([200, '']);
});

test('gzip is answered to those who take it, and reads the same', async () => {
  const exporter = await started();
  exporter.ingestProto(block({ service: 'a', spans: ops(500) }));
  const plain = await exporter.scrape({ 'accept-encoding': 'identity' });
  const packed = await exporter.scrape({ 'accept-encoding': 'gzip' });
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(await packed.text()).toBe(await plain.text());
});

test('a page of many chunks has every line whole', async () => {
  const exporter = await started();
  exporter.ingestProto(
    block({ service: 'a'.repeat(5000), spans: ops(300) }, { service: 'b', spans: ops(300) }),
  );
  const shown = await samples(exporter);
  expect(shown).toHaveLength(600 * 20);
  expect(named(shown, CALLS).reduce((sum, { value }) => sum + value, 0)).toBe(600);
});

test('scrapes that run at the same time each get the whole page', async () => {
  const exporter = await started();
  exporter.ingestProto(block({ service: 'a', spans: ops(200) }));
  const pages = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const accept = i % 2 === 0 ? 'text/plain' : 'text/plain;escaping=dots';
      return (await exporter.scrape({ accept })).text();
    }),
  );
  expect(pages.map((page) => page.split('\n').length)).toEqual([4005, 4005, 4005, 4005, 4005]);
  expect(exporter.counters.get('spanweir_prometheus_scrapes_total')).toBe(5);
});

test('what arrives while a page is rendered is in the next one', async () => {
  const exporter = await started();
  exporter.ingestProto(block({ service: 'a', spans: ops(2000) }));
  const first = exporter.scrape();
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    exporter.ingestProto(block({ service: 'a', spans: ops(1) }));
  }
  // A page shows one moment: calls and counts agree in it.
  const shown = samplesOf(await (await first).text());
  const total = (name: string) => named(shown, name).reduce((sum, { value }) => sum + value, 0);
  expect(total(`${DURATION}_count`)).toBe(total(CALLS));
  expect(named(await samples(exporter), CALLS).reduce((sum, { value }) => sum + value, 0)).toBe(2020);
});

test('a page that is still being sent stays as it was, whatever is counted and scraped meanwhile', async () => {
  const exporter = await started();
  const plain = { 'accept-encoding': 'identity' };
  exporter.ingestProto(block({ service: 'a', spans: ops(2000) }));
  const totalOf = async (response: Response): Promise<number> =>
    named(samplesOf(await response.text()), CALLS).reduce((sum, { value }) => sum + value, 0);
  expect(await totalOf(await exporter.scrape(plain))).toBe(2000);
  // Far more than fits into the sockets' buffers: the rest waits until it is read.
  const slow = await exporter.scrape(plain);
  exporter.ingestProto(block({ service: 'a', spans: ops(2000) }));
  expect(await totalOf(await exporter.scrape(plain))).toBe(4000);
  expect(await totalOf(slow)).toBe(2000);
  exporter.ingestProto(block({ service: 'a', spans: ops(2000) }));
  expect(await totalOf(await exporter.scrape(plain))).toBe(6000);
});

test('HEAD has headers only, other methods are refused, other paths are not ours', async () => {
  const exporter = await started();
  exporter.ingestProto(block({ service: 'a', spans: ops(1) }));
  const { port } = new URL((await exporter.scrape()).url);
  const ask = (method: string) => fetch(`http://127.0.0.1:${port}/metrics`, { method });
  const head = await ask('HEAD');
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await ask('POST');
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('beyond max_series spans are counted in series that keep service, kind and status', async () => {
  const exporter = await started({ exporter: { max_series: 3 } });
  exporter.ingestProto(block({ service: 'a', spans: ops(5) }, { service: 'b', spans: ops(2) }));
  exporter.ingestProto(block({ service: 'a', spans: ops(5) }));
  const shown = named(await samples(exporter), CALLS).map(({ labels, value }) => [
    labels.service_name,
    labels.span_name,
    labels.otel_metric_overflow,
    value,
  ]);
  expect(shown).toEqual([
    ['a', 'op-0', undefined, 2],
    ['a', 'op-1', undefined, 2],
    ['a', 'op-2', undefined, 2],
    ['a', 'otel.metric.overflow', 'true', 4],
    ['b', 'otel.metric.overflow', 'true', 2],
  ]);
  expect(exporter.counters.get('spanweir_prometheus_overflow_total')).toBe(6);
});

test('without end even overflow series are bounded, and the total stays exact', async () => {
  const exporter = await started({ exporter: { max_series: 1 }, connectors: { span_metrics: {} } });
  const services = Array.from({ length: 1500 }, (_, i) => ({ service: `s-${i}`, spans: ops(1) }));
  exporter.ingestProto(block(...services));
  exporter.ingestProto(block(...services));
  const shown = named(await samples(exporter), CALLS);
  expect(shown).toHaveLength(1026);
  expect(shown.at(-1)?.labels.service_name).toBe('otel.metric.overflow');
  expect(shown.reduce((sum, { value }) => sum + value, 0)).toBe(3000);
});

test('target_info shows the first resource of a job and instance', async () => {
  const exporter = await started();
  const attributes = (host: string) => ({ 'service.instance.id': 'i', 'host.name': host });
  exporter.ingestProto(block({ service: 'a', attributes: attributes('h1'), spans: ops(1) }));
  exporter.ingestProto(block({ service: 'a', attributes: attributes('h2'), spans: ops(1) }));
  const shown = await samples(exporter);
  expect(named(shown, 'target_info')).toEqual([
    { name: 'target_info', labels: { host_name: 'h1', instance: 'i', job: 'a' }, value: 1 },
  ]);
  expect(named(shown, CALLS).map(({ value }) => value)).toEqual([2]);
});

test('labels that fall together share one name, so that Prometheus takes the page', async () => {
  const dimensions = [{ name: 'a.b' }, { name: 'a_b' }, { name: 'le' }, { name: 'job' }];
  const exporter = await started({ connectors: { span_metrics: { dimensions } } });
  const attributes = { 'a.b': '1', a_b: '2', le: 'x', job: 'mine' };
  exporter.ingestProto(block({ service: 'a', spans: [{ attributes }] }));
  const [first] = named(await samples(exporter), CALLS);
  expect(first?.labels).toMatchObject({ a_b: '1;2', exported_le: 'x', job: 'mine;a' });
});

test('timestamps are sent when asked for', async () => {
  const exporter = await started({ exporter: { send_timestamps: true, enable_open_metrics: true } });
  exporter.ingestProto(block({ service: 'a', spans: ops(1) }));
  const text = await (await exporter.scrape()).text();
  expect(text.split('\n')[2]).toMatch(/\} 1 1\d{12}$/);
  const open = await (await exporter.scrape({ accept: 'application/openmetrics-text' })).text();
  expect(open.split('\n')[2]).toMatch(/\} 1\.0 1\.\d+e\+09$/);
});

test('two connectors show side by side unless their names are the same', async () => {
  const exporter = await started({
    connectors: { 'span_metrics/a': { namespace: 'a' }, 'span_metrics/b': { namespace: 'b' } },
  });
  exporter.ingestProto(block({ service: 'x', spans: ops(1) }));
  const shown = await samples(exporter);
  expect([named(shown, 'a_calls_total').length, named(shown, 'b_calls_total').length]).toEqual([1, 1]);

  const same = harness({ connectors: { 'span_metrics/a': {}, 'span_metrics/b': {} } });
  await expect(same.start()).rejects.toThrow(
    'exporters.prometheus: connectors span_metrics/a and span_metrics/b both make traces_span_metrics_calls_total',
  );
});

test('configured headers are added', async () => {
  const exporter = await started({ exporter: { response_headers: { 'x-own': 'yes' } } });
  expect((await exporter.scrape()).headers.get('x-own')).toBe('yes');
});
