import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeProto, type TestSpan } from '../test/support/spans.ts';
import { DEFAULT_BUCKETS_MS } from './ledger.ts';
import { type Receiver, startReceiver } from './otlp/receiver.ts';
import { type Figure, tellFigures } from './support/figures.ts';
import { cpuSeconds } from './support/process-usage.ts';

const SIZES = { tiny: { series: 20_000 }, full: { series: 1_000_000 } } as const;
const SERIES_PER_REQUEST = 5000;
const SERVICES = 50;
/** Series that are there before memory is looked at for the first time. */
const WARM_UP = 10_000;
const MOST_BYTES = 500;
const BUCKETS = DEFAULT_BUCKETS_MS.length + 1;
const STARTED_NS = BigInt(Date.now() - 60_000) * 1_000_000n;
/** A block of this bench has far more new names than any that is meant well. */
const UNLIMITED = { names_per_service: 0, values_per_dimension: 0, series_per_service: 0, series: 0 };

/** Bytes of RSS for each RED series of one worker, and of one more worker that has not counted anything. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { series } = SIZES[size];
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  try {
    const idle = await emptyRss(join(dir, 'one'), 1);
    const two = await emptyRss(join(dir, 'two'), 2);
    const receiver = await startReceiver(join(dir, 'counting'), 'spanweir', {
      service: { spanweir: { workers: 1 } },
      prometheus: { max_series: 2 * series },
      spanMetrics: { aggregation_cardinality_limit: 2 * series, cardinality: UNLIMITED },
    });
    const { pid } = receiver.child;
    try {
      await sendSeries(receiver, 0, WARM_UP);
      const before = rssBytes(pid);
      const beforeS = cpuSeconds(pid);
      await sendSeries(receiver, WARM_UP, series);
      const added = series - WARM_UP;
      const cpuS = cpuSeconds(pid) - beforeS;
      const bytes = (rssBytes(pid) - before) / added;
      const shown = await shownSeries(receiver.metricsUrl);
      if (shown.series !== series || shown.spans !== series) {
        throw new Error(
          `${series} series of one span were sent; shown are ${shown.series} with ${shown.spans}`,
        );
      }
      const scraped = (rssBytes(pid) - before) / added;
      const figures: Figure[] = [
        {
          what: `bytes of RSS for each series (calls and ${BUCKETS} buckets), ${series} series, 1 worker`,
          figure: bytes.toFixed(0),
          target: `<= ${MOST_BYTES}`,
          // With few series the allocators' own steps are what is seen.
          ...(size === 'full' && { isMet: bytes <= MOST_BYTES }),
        },
        { what: 'the same after a scrape', figure: scraped.toFixed(0), target: '' },
        { what: 'CPU for each new series', figure: `${((cpuS / added) * 1e6).toFixed(1)} us`, target: '' },
        { what: 'RSS when ready, 1 worker', figure: `${mib(idle)} MiB`, target: '' },
        { what: 'RSS of one more worker when ready', figure: `${mib(two - idle)} MiB`, target: '' },
      ];
      return tellFigures('series-memory', figures);
    } finally {
      await receiver.child.stop(30_000);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function emptyRss(dir: string, workers: number): Promise<number> {
  const receiver = await startReceiver(dir, 'spanweir', { service: { spanweir: { workers } } });
  try {
    return rssBytes(receiver.child.pid);
  } finally {
    await receiver.child.stop(30_000);
  }
}

/** One span for each series from `from` up to `to`; the operations of all services have the same names. */
async function sendSeries({ httpPort }: Receiver, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += SERIES_PER_REQUEST) {
    const end = Math.min(to, at + SERIES_PER_REQUEST);
    const spans = Array.from({ length: SERVICES }, (): TestSpan[] => []);
    for (let series = at; series < end; series++) {
      const operation = Math.floor(series / SERVICES);
      spans[series % SERVICES]?.push({
        name: `GET /items/{id}/${operation}`,
        spanId: (series + 1).toString(16).padStart(16, '0'),
        startNs: STARTED_NS,
        durationNs: 1_000_000 + (series % 1000) * 10_000,
      });
    }
    const body = encodeProto(spans.map((own, i) => ({ service: `service-${i}`, spans: own })));
    const response = await fetch(`http://127.0.0.1:${httpPort}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body,
    });
    if (!response.ok) throw new Error(`answered with ${response.status}`);
  }
}

/** Of the series of calls that are shown, and their spans. */
async function shownSeries(url: string): Promise<{ series: number; spans: number }> {
  const response = await fetch(url);
  if (response.body === null) throw new Error('a scrape without a body');
  let rest = '';
  let series = 0;
  let spans = 0;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('traces_span_metrics_calls_total{')) continue;
      series++;
      spans += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return { series, spans };
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
