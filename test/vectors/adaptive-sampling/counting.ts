import { expect } from 'vitest';
import type { JaegerRow } from '../../../src/sampling/roots/throughput-rows.ts';
import { traceIdVariate, type VariateKind } from '../../../src/sampling/roots/trace-id-variate.ts';
import { MemorySamplingStore } from '../../../src/sampling/store/memory-store.ts';
import { AttributeCursor } from '../../../src/span/attributes.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { SAMPLER, SamplerTags } from '../../../src/span/sampler-tags.ts';
import { batchOfSpans, jaegerThroughputOf } from '../../sampling/batch-of-spans.ts';
import { decisionOf, roundOf, rowOf } from '../../sampling/rows.ts';
import { type AttributeValue, double, type TestSpan } from '../../support/spans.ts';
import { eachCase, type Json, known, type Runner } from './section.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

function sampled(type: string, param: AttributeValue, span: Partial<TestSpan> = {}): TestSpan {
  return { name: 'GET', attributes: { 'sampler.type': type, 'sampler.param': param }, ...span };
}

const VALUE_OF: Readonly<Record<string, (value: Json) => AttributeValue>> = {
  string: (value) => String(value),
  float64: (value) => double(value),
  int64: (value) => BigInt(value),
  bool: (value) => Boolean(value),
  binary: (value) => Buffer.from(String(value)),
};

/** What Jaeger calls the samplers that ours keeps together. */
const KIND_OF: Readonly<Record<string, number>> = {
  probabilistic: SAMPLER.probabilistic,
  lowerbound: SAMPLER.lowerbound,
  ratelimiting: SAMPLER.ratelimiting,
  const: SAMPLER.const,
  unrecognized: SAMPLER.unrecognized,
};

function samplerParams(each: Json, section: Json): void {
  const attributes = Object.entries(each.tags as Record<string, [string, Json]>).map(
    ([key, [type, value]]) => [key, known(VALUE_OF, type)(value)] as const,
  );
  const batch = batchOfSpans(new Dictionary(), [{ service: 'svc', spans: [{ attributes }] }]);
  const tags = new SamplerTags(new AttributeCursor());
  const kind = tags.read(batch, 0);
  expect(kind).toBe(known(KIND_OF, each.type));
  if (kind === SAMPLER.unrecognized) return;
  expect(Math.abs(tags.param - each.param)).toBeLessThanOrEqual(each.delta ?? section.delta ?? 0);
}

/** What the spans of one service A come to. */
function rowsOfA(spans: readonly TestSpan[]): readonly JaegerRow[] {
  return jaegerThroughputOf([{ service: 'A', spans }]);
}

const RECORDED: Readonly<Record<string, (type: string) => readonly JaegerRow[]>> = {
  '20 distinct probabilities 0.001*i, i=0..19, same op': (type) =>
    rowsOfA(Array.from({ length: 20 }, (_, i) => sampled(type, double(0.001 * i)))),
  '20 times probability 0.001': (type) =>
    rowsOfA(Array.from({ length: 20 }, () => sampled(type, double(0.001)))),
  'one lowerbound at 0.001': (type) => rowsOfA([sampled(type, double(0.001))]),
};

function recordThroughput(each: Json): void {
  if (each.records !== undefined) {
    const rows = jaegerThroughputOf(
      each.records.map(([service, name, type]: string[]) => ({
        service,
        spans: [sampled(type as string, double(0.001), { name: name as string })],
      })),
    );
    const seen = {
      sampling_operations: rows.length,
      sampling_services: new Set(rows.map(({ service }) => service)).size,
    };
    expect(seen).toEqual(each.expected_metrics);
    return;
  }
  const [row, ...more] = known(RECORDED, each.name)(each.type);
  expect(more).toEqual([]);
  if (each.expected_probability_set_size !== undefined) {
    expect(row?.probabilities).toHaveLength(each.expected_probability_set_size);
  }
  if (each.expected !== undefined) expect(row).toMatchObject(each.expected);
}

const ROOTS: Readonly<Record<string, TestSpan | readonly TestSpan[]>> = {
  'has CHILD_OF ref (spanId 1) to the same trace': sampled('probabilistic', '0.001', {
    parentSpanId: '0000000000000001',
  }),
  'service A, empty operation': sampled('probabilistic', '0.001', { name: '' }),
  'service A, op GET, sampler.type=probabilistic sampler.param="0.001"': sampled('probabilistic', '0.001'),
  'parentSpanId==0 but FOLLOWS_FROM link to the SAME traceId': sampled('probabilistic', '0.001', {
    traceId: TRACE,
    links: [{ traceId: TRACE, spanId: '00000000000000bb' }],
  }),
  'sampler.type=const / ratelimiting with numeric param': [
    sampled('const', double(1)),
    sampled('ratelimiting', double(1)),
  ],
  'jaeger.sampler.type / jaeger.sampler.param (OTel Go >= contrib v1.39) only': {
    name: 'GET',
    attributes: { 'jaeger.sampler.type': 'probabilistic', 'jaeger.sampler.param': double(0.5) },
  },
};

function rootFilter(each: Json): void {
  for (const span of [known(ROOTS, each.span)].flat()) {
    const rows = rowsOfA([span]);
    expect(rows).toHaveLength(each.recorded === true ? 1 : 0);
    if (each.count !== undefined) expect(rows[0]?.count).toBe(each.count);
    if (each.recorded === true) expect(rows[0]?.probabilities).toHaveLength(1);
  }
}

const ROW = rowOf({ service: 'svc' });

function memoryStore(windows: number): MemorySamplingStore {
  return new MemorySamplingStore({ windowMs: 1000, windows, futureWindows: 5, maxOperations: 100 });
}

const MEMORY: Readonly<Record<string, () => Promise<void>>> = {
  // A row's time is that of its window: the interval's first window is in, the one at its end is not.
  'GetThroughput window is (start, end]': async () => {
    const store = memoryStore(10);
    for (const windowS of [3, 4, 5, 6]) store.add([{ ...ROW, windowS, count: windowS }], 7000, () => {});
    const rows = await store.throughput(4000, 6000);
    expect(rows.map(({ windowS }) => windowS)).toEqual([4, 5]);
  },
  'only the last InsertProbabilitiesAndQPS is kept': async () => {
    const store = memoryStore(10);
    for (const probability of [0.2, 0.3]) {
      const decisions = [decisionOf({ probability })];
      await store.insertDecisions(roundOf({ decidedAtMs: probability * 10, decisions }));
    }
    const latest = await store.latestDecisions();
    expect(latest?.decisions.map(({ probability }) => probability)).toEqual([0.3]);
  },
};

async function storageMemory(each: Json): Promise<void> {
  if (each.case !== undefined) return known(MEMORY, each.case)();
  const store = memoryStore(each.max_buckets);
  for (let i = 0; i < each.inserts; i++) store.add([{ ...ROW, windowS: i }], i * 1000, () => {});
  expect(store.windows).toBe(each.kept);
}

function variate(each: Json): void {
  const { trace_id: traceId, otel_consistent_1_minus_R: consistent, ...others } = each;
  const bytes = Buffer.from(traceId, 'hex');
  for (const [kind, expected] of Object.entries({ ...others, otel_consistent: consistent })) {
    if (kind === 'src') continue;
    expect(traceIdVariate(kind as VariateKind, bytes, 0), kind).toBe(expected);
  }
}

export const countingSections: Readonly<Record<string, Runner>> = {
  sampler_params_from_tags: eachCase(samplerParams),
  aggregator_record_throughput: eachCase(recordThroughput),
  aggregator_root_span_filter: eachCase(rootFilter),
  storage_memory: eachCase(storageMemory),
  traceid_sampling_variate: eachCase(variate),
};
