import { expect } from 'vitest';
import type { AttributeValue, TestResource } from '../../support/spans.ts';
import { eachCase, type Json, known, type Runner } from '../adaptive-sampling/section.ts';
import { metricsOf, named } from './metrics-of.ts';

const CALLS = 'traces_spanmetrics_calls_total';
const LATENCY = 'traces_spanmetrics_latency';
const CLIENT = 3;
const OK = { code: 1 };

/** What the page shows under Tempo's names. */
const shown = (resource: TestResource, connector: object) =>
  metricsOf([[resource]], { connectors: { span_metrics: connector }, exporter: { profile: 'tempo' } });

async function labelsOf(resource: TestResource, connector: object) {
  return named(await shown(resource, connector), CALLS).map(({ labels }) => labels);
}

const dimensionsOf = (each: Json): { name: string }[] => each.dimensions.map((name: string) => ({ name }));

const attributesOf = (values: Json): Record<string, AttributeValue> => values;

/** By the name of Tempo's test. */
const CASES: Readonly<Record<string, (each: Json) => Promise<void>>> = {
  spanmetrics_test: async ({ histogram_buckets_s: bounds, want, labels }) => {
    const buckets = bounds.map((bound: number) => `${bound}s`);
    const spans = Array.from({ length: 10 }, () => ({
      name: 'test',
      kind: CLIENT,
      status: OK,
      durationNs: 1e9,
    }));
    const samples = await shown({ service: 'test-service', spans }, { histogram: { explicit: { buckets } } });
    const value = (name: string) => named(samples, name).map((sample) => sample.value);
    expect(value(CALLS)).toEqual([want[CALLS]]);
    expect(value(`${LATENCY}_count`)).toEqual([want[`${LATENCY}_count`]]);
    expect(value(`${LATENCY}_sum`)).toEqual([want[`${LATENCY}_sum`]]);
    const le = named(samples, `${LATENCY}_bucket`).map((sample) => [sample.labels.le, sample.value]);
    expect(Object.fromEntries(le)).toEqual(want[`${LATENCY}_bucket`]);
    for (const sample of samples) expect(sample.labels).toMatchObject(labels);
  },
  TestSpanMetrics_dimensions: async (each) => {
    // There is no label of the status' message, whatever is asked for.
    const { status_message: _, ...want } = each.want_labels;
    const values = attributesOf({ foo: want.foo, bar: want.bar });
    const spans = [{ name: 'test', kind: CLIENT, status: OK, attributes: values }];
    const excluded = each.intrinsic.span_kind ? [] : ['span.kind'];
    const config = { dimensions: dimensionsOf(each), exclude_dimensions: excluded };
    const [labels] = await labelsOf({ service: 'test-service', spans }, config);
    expect(labels).toMatchObject(want);
    expect('span_kind' in (labels ?? {})).toBe(each.intrinsic.span_kind);
  },
  // A dimension named span.kind is there anyway, and refused: one that becomes the same label is not.
  TestSpanMetrics_collisions: async (each) => {
    const spans = [
      {
        name: each.want_labels.span_name,
        attributes: attributesOf({ 'span-kind': 'colliding_kind', span_name: 'colliding_name' }),
      },
    ];
    const dimensions = each.dimensions.map((name: string) => ({
      name: name === 'span.kind' ? 'span-kind' : name,
    }));
    const [labels] = await labelsOf({ service: 'test-service', spans }, { dimensions });
    expect(labels).toMatchObject(each.want_labels);
  },
  TestJobLabelWithNamespace: async ({ resource, want }) => {
    const [labels] = await labelsOf({ attributes: attributesOf(resource), spans: [{ name: 'test' }] }, {});
    expect(labels?.job).toBe(want.job);
  },
};

const tempo: Runner = eachCase(async (each) => {
  const [, name = ''] = each.origin.split(' ');
  await known(CASES, name)(each);
});

export const tempoSections: Readonly<Record<string, Runner>> = { tempo_spanmetrics: tempo };
