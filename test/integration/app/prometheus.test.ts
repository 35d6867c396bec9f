import { expect, inject, onTestFinished, test } from 'vitest';
import type {} from '../../support/context.ts';
import { promQuery, promtoolCheck, scrape } from '../../support/prometheus.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { startAllInOne } from './all-in-one.ts';

/** What Prometheus itself counts as wrong with what it scrapes. */
async function complaints(): Promise<string[]> {
  const page = await (await fetch(`${inject('prometheusUrl')}/metrics`)).text();
  return page
    .split('\n')
    .filter((line) =>
      /^prometheus_target_scrapes?_.*(duplicate|order|bounds|exceeded|cache_flush)/.test(line),
    );
}

async function send(otlpUrl: string): Promise<void> {
  const startNs = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: 40 }, (_, i) => ({
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    name: 'GET /cart',
    kind: 2,
    startNs,
    durationNs: 3e6,
    status: { code: i % 4 === 0 ? 2 : 0 },
  }));
  const headers = { 'content-type': 'application/x-protobuf' };
  const body = encodeProto([{ service: 'frontend', spans }]);
  expect((await fetch(otlpUrl, { method: 'POST', headers, body })).status).toBe(200);
}

/** The complaints alone, without the command line round them. */
function linesOf(complaint: string): string[] {
  return complaint.split('\n').filter((line) => /^\w+ [a-z]/.test(line) && line.includes('_'));
}

test('the running engine is scraped by the real Prometheus on both of its pages without a complaint', async () => {
  const { ports, otlpUrl } = await startAllInOne({ dir: tempDirOfTest() });
  const before = await complaints();
  expect(before.length).toBeGreaterThan(3);
  await send(otlpUrl);
  const spans = await scrape(`127.0.0.1:${ports.prometheus}`);
  const own = await scrape(`127.0.0.1:${ports.own}`);
  onTestFinished(() => {
    spans.end();
    own.end();
  });
  await send(otlpUrl);

  const where = `scrape="${spans.name}", service_name =~ "frontend", span_kind =~ "SPAN_KIND_SERVER"`;
  const calls = `sum(rate(traces_span_metrics_calls_total{${where}}[10m])) by (service_name,span_name)`;
  const errors = `sum(rate(traces_span_metrics_calls_total{${where}, status_code = "STATUS_CODE_ERROR"}[10m])) by (service_name,span_name)`;
  const p95 = `histogram_quantile(0.95, sum(rate(traces_span_metrics_duration_milliseconds_bucket{${where}}[10m])) by (service_name,span_name,le))`;
  const share = await waitFor("Jaeger's query has an answer", async () => {
    const [answer] = await promQuery(`${errors} / ${calls}`);
    return answer?.value !== undefined && !Number.isNaN(answer.value) && answer;
  });
  expect(share.labels).toEqual({ service_name: 'frontend', span_name: 'GET /cart' });
  expect(share.value).toBeCloseTo(0.25, 6);
  expect((await promQuery(p95))[0]?.value).toBeCloseTo(2 + 2 * 0.95, 6);

  const stored = await waitFor('the committed requests are counted', async () => {
    const [sum] = await promQuery(`sum(spanweir_intake_spans_total{scrape="${own.name}"})`);
    return sum?.value === 80 && sum;
  });
  expect(stored.value).toBe(80);
  expect(await complaints()).toEqual(before);
});

test('promtool complains of neither page, but for what equality with the collector asks for', async () => {
  const { ports, otlpUrl } = await startAllInOne({ dir: tempDirOfTest() });
  await send(otlpUrl);
  const page = (port: number): Promise<string> =>
    fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
  const spans = await waitFor('the spans are counted', async () => {
    const text = await page(ports.prometheus);
    return text.includes('GET /cart') && text;
  });
  expect(linesOf(await promtoolCheck(spans))).toEqual([
    'traces_span_metrics_calls_total no help text',
    'traces_span_metrics_duration_milliseconds no help text',
    'traces_span_metrics_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
  ]);
  const own = await page(ports.own);
  expect(own).toContain('spanweir_intake_spans_total');
  expect(await promtoolCheck(own)).toBe('');
});
