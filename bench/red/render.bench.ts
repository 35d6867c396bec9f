/**
 * What a scrape costs: `npx tsx bench/red/render.bench.ts`. Rendering alone, and rendering + gzip as a scrape
 * has it, with the longest time that the event loop was held.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipPage } from '../../src/exporters/prometheus/gzip-page.ts';
import { SeriesLabels } from '../../src/exporters/prometheus/labels.ts';
import { metricNames } from '../../src/exporters/prometheus/names.ts';
import { negotiate } from '../../src/exporters/prometheus/negotiate.ts';
import { renderPage } from '../../src/exporters/prometheus/page.ts';
import type { PageRequest } from '../../src/exporters/prometheus/page-request.ts';
import { SeriesStore } from '../../src/exporters/prometheus/series-store.ts';
import type { RedDescription } from '../../src/red/red-description.ts';
import type { RedDelta, SeriesKey } from '../../src/red/red-rows.ts';

const description: RedDescription = {
  namespace: 'traces.span.metrics',
  unit: 'ms',
  bounds: [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000],
  dimensions: [],
  excluded: new Set(),
};

function pageOf(series: number, accept?: string): PageRequest {
  const labels = new SeriesLabels(description, { utf8: false, constLabels: {}, scopeInfo: true });
  const store = new SeriesStore(
    labels,
    { limit: series, used: 0, overflow: 0, births: 0 },
    { bucketCount: 17 },
  );
  const keys = Array.from(
    { length: series },
    (_, i): SeriesKey => ({
      service: `service-${i % 50}`,
      namespace: '',
      instance: '',
      spanName: `operation-${Math.floor(i / 300)}-${i % 300}`,
      kind: 1 + (i % 5),
      statusCode: i % 3,
      dimensions: [],
    }),
  );
  const delta: RedDelta = {
    rows: series,
    series: Uint32Array.from({ length: series }, (_, i) => i),
    calls: new Float64Array(series).fill(333),
    durationSumNs: Float64Array.from({ length: series }, (_, i) => 1e9 + i * 1234),
    durationMaxNs: new Float64Array(series).fill(1e9),
    buckets: Float64Array.from({ length: series * 17 }, (_, i) => (i * 7919) % 40),
    histAt: new Uint32Array(series + 1),
    histIndex: new Int16Array(0),
    histCount: new Float64Array(0),
    firstNewSeries: 0,
    newSeries: keys,
    newResources: [],
  };
  store.apply(0, delta, keys, { wallMs: 1.7e12, monotonicMs: 1 });
  const names = metricNames(description, { suffixes: true, utf8: false, namespace: '' });
  const format = negotiate(accept, true);
  return {
    format,
    sources: [
      {
        names,
        unit: 'ms',
        bounds: description.bounds ?? [],
        calls: store,
        duration: store,
        events: undefined,
      },
    ],
    targets: [],
    targetInfo: 'target_info',
    timestampMs: undefined,
    created: true,
    seen: Number.POSITIVE_INFINITY,
  };
}

const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const openMetrics = 'application/openmetrics-text;version=1.0.0';

for (const [series, accept] of [
  [6000, undefined],
  [100_000, undefined],
  [100_000, openMetrics],
  [100_000, protobuf],
] as const) {
  const request = pageOf(series, accept);
  for (const label of ['first', 'later']) {
    let bytes = 0;
    const before = performance.now();
    for (const chunk of renderPage(request)) bytes += chunk.length;
    const rendered = performance.now() - before;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const from = performance.now();
    const cpu = process.cpuUsage();
    const packed = await gzipPage(renderPage(request));
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    process.stdout.write(
      `${series} series, ${accept ?? 'text'}, ${label} scrape: ${(bytes / 1e6).toFixed(1)} MB rendered in ${rendered.toFixed(0)} ms; ` +
        `gzipped to ${(packed.length / 1e6).toFixed(2)} MB in ${(performance.now() - from).toFixed(0)} ms ` +
        `(${((user + system) / 1000).toFixed(0)} ms CPU, loop held for at most ${(delay.max / 1e6).toFixed(1)} ms)\n`,
    );
  }
}
