import { afterEach, expect, inject, test } from 'vitest';
import { request } from '../../exporters/prometheus/golden/spans.ts';
import { variants } from '../../exporters/prometheus/golden/variants.ts';
import { type Harness, type HarnessOptions, harness } from '../../exporters/prometheus/harness.ts';
import type {} from '../../support/context.ts';
import { promQuery, promtoolCheck, type Sample, scrape } from '../../support/prometheus.ts';
import { encodeProto } from '../../support/spans.ts';
import { waitFor } from '../../support/wait.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function started(options: HarnessOptions = {}): Promise<Harness> {
  const own = harness(options);
  await own.start();
  ends.push(() => own.stop());
  return own;
}

async function scraped(own: Harness): Promise<string> {
  const { name, end } = await scrape(own.address());
  ends.push(end);
  return name;
}

/** What Prometheus itself counts as wrong with what it scrapes. */
async function complaints(): Promise<string[]> {
  const page = await (await fetch(`${inject('prometheusUrl')}/metrics`)).text();
  const lines = page
    .split('\n')
    .filter((line) =>
      /^prometheus_target_scrapes?_.*(duplicate|order|bounds|exceeded|cache_flush)/.test(line),
    );
  expect(lines.length).toBeGreaterThan(3);
  return lines;
}

test('the real Prometheus takes every line of every variant', async () => {
  const before = await complaints();
  const shown = variants.filter(({ name }) => name !== 'utf8-suffixes');
  const taken = shown.map(async ({ name: variant, connector, exporter }) => {
    const own = await started({ connectors: { span_metrics: connector }, exporter });
    own.ingest(request);
    const name = await scraped(own);
    // As Prometheus asks: OpenMetrics has lines that text has not.
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
    const page = await (await own.scrape({ accept })).text();
    const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    await waitFor(`Prometheus takes ${lines.length} lines of ${variant}`, async () => {
      const [samples] = await promQuery(`scrape_samples_scraped{scrape="${name}"}`);
      return samples?.value === lines.length;
    });
  });
  await Promise.all(taken);
  expect(await complaints()).toEqual(before);
});

test('Prometheus has the numbers that went in, whatever is in the names', async () => {
  const own = await started();
  own.ingest(request);
  const name = await scraped(own);
  const calls = await promQuery(`traces_span_metrics_calls_total{scrape="${name}"}`);
  const of = (span: string): (number | undefined)[] =>
    calls.filter(({ labels }) => labels.span_name === span).map(({ value }) => value);
  expect(of('weighted')).toEqual([6]);
  expect(of('größe 🐙 日本')).toEqual([1]);
  expect(of('say "hi" \\ there\nnew\tline')).toEqual([1]);
  const shop = calls.filter(({ labels }) => labels.service_name === 'shop' && labels.span_name === 'GET /');
  expect(shop.map(({ value }) => value).sort((a, b) => a - b)).toEqual([1, 1, 4]);
  expect(shop[0]?.labels).toMatchObject({ job: 'prod/shop', instance: 'i-1' });
});

test.each([
  ['text', {}],
  ['OpenMetrics', { enable_open_metrics: true }],
])("Jaeger's queries have answers, scraped as %s", async (_, exporter) => {
  const own = await started({ exporter });
  const block = encodeProto([
    {
      service: 'redis',
      spans: [
        { name: 'get', kind: 2, durationNs: 3e6 },
        { name: 'get', kind: 2, durationNs: 3e6, status: { code: 2 } },
        { name: 'get', kind: 2, durationNs: 3e6 },
        { name: 'get', kind: 2, durationNs: 3e6 },
      ],
    },
  ]);
  own.ingestProto(block);
  const name = await scraped(own);
  own.ingestProto(block);
  const where = `scrape="${name}", service_name =~ "redis"`;
  const kinds = 'span_kind =~ "SPAN_KIND_SERVER"';
  const answer = (query: string): Promise<Sample[]> =>
    waitFor(query, async () => {
      const found = await promQuery(query);
      return found[0] !== undefined && found[0].value > 0 && found;
    });
  const calls = `sum(rate(traces_span_metrics_calls_total{${where}, ${kinds}}[10m])) by (service_name,span_name)`;
  const errors = `sum(rate(traces_span_metrics_calls_total{${where}, status_code = "STATUS_CODE_ERROR", ${kinds}}[10m])) by (service_name,span_name)`;
  const latencies = `histogram_quantile(0.95, sum(rate(traces_span_metrics_duration_milliseconds_bucket{${where}, ${kinds}}[10m])) by (service_name,span_name,le))`;
  expect((await answer(calls)).map(({ labels }) => labels)).toEqual([
    { service_name: 'redis', span_name: 'get' },
  ]);
  expect((await answer(`${errors} / ${calls}`))[0]?.value).toBeCloseTo(0.25, 6);
  // All of it lies between 2 and 4 ms.
  expect((await answer(latencies))[0]?.value).toBeCloseTo(2 + 2 * 0.95, 6);
});

test('promtool complains of nothing but what equality with the collector asks for', async () => {
  const own = await started();
  own.ingest(request);
  const page = await (await own.scrape()).text();
  const lines = (await promtoolCheck(page))
    .split('\n')
    .filter((line) => /^\w+ [a-z]/.test(line) && line.includes('_'));
  expect(lines).toEqual([
    'traces_span_metrics_calls_total no help text',
    'traces_span_metrics_duration_milliseconds no help text',
    'traces_span_metrics_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  ]);
});
