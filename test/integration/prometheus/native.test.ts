import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Prometheus, startPrometheus } from '../../../scripts/parts/prometheus.mjs';
import { exponentialIndex } from '../../../src/sketch/exponential.ts';
import { deltaOf, exemplarsOf, keyOf } from '../../exporters/prometheus/deltas.ts';
import { type Harness, harness } from '../../exporters/prometheus/harness.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';

const SPANS = 10_000;
const hour = 3_600_000;
let prometheus: Prometheus;
const dir = makeTempDir('spanweir-native-');
const native: Harness = harness({
  red: { unit: 's', bounds: undefined, exponential: { maxSize: 160 } },
  exporter: { namespace: 'native' },
});
const classic: Harness = harness({
  red: { unit: 's', bounds: [0.1, 1], exemplars: { maxPerDataPoint: 5, windowMs: hour } },
  exporter: { namespace: 'classic' },
});
const weighted: Harness = harness({
  red: { unit: 's', bounds: [0.1, 1] },
  exporter: { namespace: 'weighted' },
});

/** Nearest-rank quantiles are known: the durations are 1 ms, 2 ms, ... 10 s. */
function deliverSpans(weight: number): void {
  const counts = new Map<number, number>();
  let sumNs = 0;
  for (let i = 1; i <= SPANS; i++) {
    const index = exponentialIndex(i * 1e6);
    counts.set(index, (counts.get(index) ?? 0) + weight);
    sumNs += weight * i * 1e6;
  }
  const hist = [...counts].sort(([a], [b]) => a - b);
  native.deliver(deltaOf([{ series: 0, calls: SPANS * weight, sumNs, hist: [...hist, ['zero', 0]] }]), [
    keyOf('a'),
  ]);
}

beforeAll(async () => {
  await native.start();
  await classic.start();
  await weighted.start();
  prometheus = await startPrometheus({
    dir,
    targets: [native, classic, weighted].map((own) => own.address()),
    flags: ['--enable-feature=native-histograms', '--enable-feature=exemplar-storage'],
  });
}, 60_000);

afterAll(async () => {
  await prometheus?.stop();
  await native.stop();
  await classic.stop();
  await weighted.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
}

async function ask(query: string): Promise<number | undefined> {
  const url = `${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`;
  const { data } = (await (await fetch(url)).json()) as Answer;
  const value = data.result[0]?.value[1];
  return value === undefined ? undefined : Number(value);
}

const DURATION = 'native_traces_span_metrics_duration_seconds';

async function quantilesAre(expected: number): Promise<void> {
  await waitFor(`Prometheus has ${expected} spans`, async () => {
    return (await ask(`histogram_count(${DURATION})`)) === expected;
  });
  for (const q of [0.01, 0.5, 0.9, 0.95, 0.99]) {
    const value = (await ask(`histogram_quantile(${q}, ${DURATION})`)) as number;
    const error = Math.abs(value / (q * (SPANS / 1000)) - 1);
    // Within one bucket of 1/16 doubling; the last of them is not full, which Prometheus can't know.
    expect(error, `p${q * 100} is ${value}`).toBeLessThan(q === 0.99 ? 0.0443 : 0.01);
  }
}

test('the real Prometheus takes native histograms, and its quantiles are right', async () => {
  deliverSpans(1);
  await quantilesAre(SPANS);
  expect(await ask(`histogram_sum(${DURATION})`)).toBeCloseTo(50_005, 6);
  expect(await ask(`histogram_fraction(0, 1, ${DURATION})`)).toBeCloseTo(0.1, 3);
  // From then on a float histogram: 1 + 1.5 of each.
  deliverSpans(1.5);
  await quantilesAre(2.5 * SPANS);
  expect(await ask('native_traces_span_metrics_calls_total')).toBe(2.5 * SPANS);
});

test('what this version can not read as fractions it reads rounded', async () => {
  weighted.deliver(deltaOf([{ series: 0, calls: 3.5, buckets: [1, 2.5, 0], sumNs: 2e9 }]), [keyOf('a')]);
  const calls = 'weighted_traces_span_metrics_calls_total';
  await waitFor('Prometheus has the series', async () => (await ask(calls)) === 3.5);
  expect([3.5, 4]).toContain(await ask('weighted_traces_span_metrics_duration_seconds_count'));
});

test('explicit histograms and exemplars come over protobuf, too', async () => {
  const exemplars = exemplarsOf([{ row: 0, durationNs: 5e8, endMs: Date.now() }]);
  classic.deliver(deltaOf([{ series: 0, calls: 3, buckets: [1, 2, 0], sumNs: 2e9 }], { exemplars }), [
    keyOf('a'),
  ]);
  const duration = 'classic_traces_span_metrics_duration_seconds';
  await waitFor('Prometheus has the buckets', async () => (await ask(`${duration}_count`)) === 3);
  expect(await ask(`${duration}_bucket{le="0.1"}`)).toBe(1);
  expect(await ask(`${duration}_bucket{le="1.0"}`)).toBe(3);
  expect(await ask(`${duration}_bucket{le="+Inf"}`)).toBe(3);
  expect(await ask(`histogram_quantile(0.5, ${duration}_bucket)`)).toBeCloseTo(0.325, 6);
  const query = new URLSearchParams({
    query: `${duration}_bucket`,
    start: String(Date.now() / 1000 - 600),
    end: String(Date.now() / 1000 + 600),
  });
  const kept = await waitFor('the exemplar is kept', async () => {
    const answer = await fetch(`${prometheus.url}/api/v1/query_exemplars?${query}`);
    const { data } = (await answer.json()) as { data: { exemplars: { labels: object; value: string }[] }[] };
    return data[0]?.exemplars[0];
  });
  expect(kept).toMatchObject({
    labels: { trace_id: '00000000000000000000000000000001', span_id: '000000000000000a' },
    value: '0.5',
  });
});
