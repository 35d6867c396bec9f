import { expect, test } from 'vitest';
import { spanMetricsConfig } from '../../../src/connectors/span-metrics/config.ts';
import { describe as describeRed } from '../../../src/connectors/span-metrics/describe.ts';
import { metricNames, otlpName } from '../../../src/exporters/prometheus/names.ts';
import { NS_PER_UNIT } from '../../../src/red/red-description.ts';
import { bucketOf, explicitBuckets } from '../../../src/sketch/explicit-buckets.ts';
import type { AttributeValue, TestResource } from '../../support/spans.ts';
import { double } from '../../support/spans.ts';
import { eachCase, type Json, known, type Runner } from '../adaptive-sampling/section.ts';
import { deltasOf } from './deltas-of.ts';
import { CALLS, DURATION, metricsOf, named } from './metrics-of.ts';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'];

const defaultBounds = (unit: string) => describeRed(spanMetricsConfig.parse({ histogram: { unit } })).bounds;

/** Lists of bounds that belong to something else. */
const OTHER_BUCKETS = ['servicegraph_connector_s', 'tempo_spanmetrics_s', 'tempo_servicegraphs_s'];

const defaultBuckets: Runner = (section) => {
  for (const [name, want] of Object.entries(section)) {
    if (OTHER_BUCKETS.includes(name)) continue;
    test(name, () => {
      expect(defaultBounds(known({ spanmetrics_ms: 'ms', spanmetrics_s: 's' }, name))).toEqual(want);
    });
  }
};

const TRANSLATIONS: Readonly<Record<string, { suffixes: boolean; utf8: boolean; namespace: string }>> = {
  UnderscoreEscapingWithSuffixes: { suffixes: true, utf8: false, namespace: '' },
  UnderscoreEscapingWithoutSuffixes: { suffixes: false, utf8: false, namespace: '' },
  NoUTF8EscapingWithSuffixes: { suffixes: true, utf8: true, namespace: '' },
  NoTranslation: { suffixes: false, utf8: true, namespace: '' },
};

const names: Runner = eachCase((each) => {
  if (each.cases !== undefined) {
    for (const { namespace, name, want } of each.cases) expect(otlpName(namespace, name)).toBe(want);
    return;
  }
  const { calls, duration } = metricNames(each, known(TRANSLATIONS, each.translation));
  const shown = [calls, `${duration}_bucket`, `${duration}_sum`, `${duration}_count`];
  expect(each.prometheus).not.toEqual([]);
  for (const name of each.prometheus) expect(shown).toContain(name);
});

const durations: Runner = eachCase(({ input_ns: inputNs, unit, want }) => {
  const perUnit = known<number>(NS_PER_UNIT, unit);
  expect(inputNs.map((ns: number) => ns / perUnit)).toEqual(want);
});

const histogramInit: Runner = eachCase(({ config, want }) => {
  const red = describeRed(spanMetricsConfig.parse(config));
  expect(red.exponential?.maxSize).toBe(want?.max_size);
  const { bounds } = red;
  if (want === null || want.type === 'exponential') expect(bounds).toBeUndefined();
  else if (typeof want.bounds === 'string') {
    expect(bounds).toEqual(defaultBounds(known({ 'default s': 's', 'default ms': 'ms' }, want.bounds)));
  } else expect(bounds).toEqual(want.bounds);
});

const bucketIndex: Runner = (section) => {
  const buckets = explicitBuckets(section.bounds_ms.map((ms: number) => ms * 1e6));
  section.cases.forEach((each: Json) => {
    test(`${each.value_ms} ms`, () => {
      const index = bucketOf(buckets, Math.round(each.value_ms * 1e6));
      expect(index).toBe(each.want_index);
      expect(section.bounds_ms[index] ?? '+Inf').toBe(each.want_le);
    });
  });
};

/** The JSON of the vectors has no doubles of its own. */
const attribute = (value: Json): AttributeValue =>
  typeof value === 'number' && !Number.isInteger(value) ? double(value) : value;

function sampleTrace(section: Json): TestResource[] {
  const attributes = Object.entries(section.span_attributes_all_spans).map(
    ([key, value]) => [key, attribute(value)] as const,
  );
  return section.input.map((resource: Json): TestResource => {
    const service = resource['service.name'];
    return {
      ...(service === null ? {} : { service }),
      attributes: section.resource_attributes_all,
      spans: resource.spans.map((span: Json) => ({
        name: span.name,
        kind: KINDS.indexOf(span.kind),
        status: { code: STATUSES.indexOf(span.status) },
        traceId: span.trace_id,
        spanId: span.span_id,
        durationNs: section.each_span_duration_ms * 1e6,
        attributes,
      })),
    };
  });
}

const SAMPLE_VALUES: Readonly<Record<string, string | undefined>> = {
  'absent everywhere, default configured -> value is the default': 'defaultNotInSpanAttrVal',
  'absent everywhere, no default -> label omitted': undefined,
  'absent on span, present on resource -> resource value': 'us-east-1',
  'present on span with null value -> null kept, default NOT applied': '',
};

const sample: Runner = (section) => {
  const { want_after_n_identical_consumes: want } = section;
  test.each([1, 3])('after %i identical requests', async (n) => {
    const block = sampleTrace(section);
    const samples = await metricsOf(
      Array.from({ length: n }, () => block),
      {
        connectors: { span_metrics: section.config },
      },
    );
    const calls = named(samples, CALLS);
    const counts = named(samples, `${DURATION}_count`);
    expect(calls.length + counts.length).toBe(want.data_points_total);
    expect(new Set(calls.map(({ labels }) => labels.job)).size).toBe(want.resource_metrics);
    expect(calls.map(({ value }) => value)).toEqual(calls.map(() => n));
    expect(counts.map(({ value }) => value)).toEqual(calls.map(() => n));
    const sums = named(samples, `${DURATION}_sum`).map(({ value }) => value);
    expect(sums).toEqual(calls.map(() => section.each_span_duration_ms * n));
    const first = named(samples, `${DURATION}_bucket`).filter(({ labels }) => labels.le === '4000');
    expect(first.map(({ value }) => value)).toEqual(calls.map(() => n));
    expect(calls.map(({ labels }) => labels.otel_scope_name)).toEqual(calls.map(() => want.scope_name));
    const shown = calls.map(({ labels }) => ({
      'service.name': labels.service_name,
      'span.name': labels.span_name,
      'span.kind': labels.span_kind,
      'status.code': labels.status_code,
    }));
    expect(shown).toHaveLength(section.want_series.length);
    expect(shown).toEqual(expect.arrayContaining(section.want_series));
  });

  test.each(section.want_dimension_rules as Json[])(
    'dimension $dimension: $rule',
    async ({ dimension, rule }) => {
      if (!(rule in SAMPLE_VALUES)) throw new Error(`no test is written for the rule "${rule}"`);
      const samples = await metricsOf([sampleTrace(section)], {
        connectors: { span_metrics: section.config },
      });
      for (const { labels } of named(samples, CALLS)) expect(labels[dimension]).toBe(SAMPLE_VALUES[rule]);
    },
  );
};

const span = { kind: 1, durationNs: 1e6 };

/** By what the case says about itself, or the test that it comes from. */
const CASES: Readonly<Record<string, (each: Json) => Promise<void> | void>> = {
  'end before start by 11 ms': async () => {
    const start = 1_700_000_000_000_000_000n;
    const spans = [{ startNs: start, endNs: start - 11_000_000n }];
    const samples = await metricsOf([[{ service: 'a', spans }]]);
    expect(named(samples, CALLS).map(({ value }) => value)).toEqual([1]);
    expect(named(samples, `${DURATION}_sum`).map(({ value }) => value)).toEqual([0]);
    expect(named(samples, `${DURATION}_bucket`)[0]?.value).toBe(1);
  },
  TestResourceMetricsKeyAttributes: async ({ resource_metrics_key_attributes, want_cache_len: want }) => {
    const both = ['a', 'b'].map((service) => ({ service, spans: [span] }));
    const more = Array.from({ length: 5 }, (_, i) =>
      both.map((one) => ({ ...one, attributes: { [`extra.${i}`]: 'x' } })),
    );
    const steps = [[both], [both, both], [both, both, ...more]];
    const lengths: number[] = [];
    for (const blocks of steps) {
      const samples = await metricsOf(blocks, {
        connectors: { span_metrics: { resource_metrics_key_attributes } },
      });
      lengths.push(named(samples, CALLS).length);
    }
    expect(lengths).toEqual(want);
  },
  TestExcludeDimensionsConsumeTraces: async ({ exclude_dimensions: excluded }) => {
    const connectors = { span_metrics: { exclude_dimensions: excluded } };
    const samples = await metricsOf(
      [[{ service: 'a', spans: [span, { ...span, name: 'other', kind: 3 }] }]],
      {
        connectors,
      },
    );
    expect(named(samples, CALLS).map(({ value }) => value)).toEqual([2]);
    for (const { labels } of samples) {
      for (const name of excluded) expect(labels).not.toHaveProperty([name.replaceAll('.', '_')]);
    }
  },
  TestSpanMetrics_Events: ({
    events_enabled: enabled,
    events_dimensions: own = [],
    want_metrics: want,
    want_attr: attr,
  }) => {
    const config = { events: { enabled, dimensions: own } };
    const { bounds, eventDimensions } = describeRed(spanMetricsConfig.parse(config));
    const metrics = ['calls', ...(bounds ? ['duration'] : []), ...(eventDimensions ? ['events'] : [])];
    expect(metrics).toHaveLength(want);
    const withEvent = { ...span, events: [{ timeNs: 1n, name: 'exception' }] };
    const [delta] = deltasOf(config, [[{ service: 'a', spans: [withEvent] }]]);
    if (!enabled) return expect(delta?.events).toBeUndefined();
    expect(eventDimensions).toEqual([attr]);
    expect(delta?.events?.newSeries.map(({ dimensions }) => dimensions)).toEqual([[own[0].default]]);
    expect([...(delta?.events?.count ?? [])]).toEqual([1]);
  },
  TestExemplarsAreDiscardedAfterFlushing: ({ temporality }) => {
    for (const each of temporality as string[]) {
      const config = {
        exemplars: { enabled: true },
        ...(each.includes('exponential') ? { histogram: { exponential: {} } } : {}),
        ...(each.includes('delta') ? { aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA' } : {}),
      };
      const traces = ['0a', '0b'].map((last) => last.padStart(32, '0'));
      const deltas = deltasOf(
        config,
        traces.map((traceId) => [{ service: 'a', spans: [{ ...span, traceId }] }]),
      );
      const shown = deltas.map(({ exemplars }) => Buffer.from(exemplars?.traceIds ?? []).toString('hex'));
      expect(shown).toEqual(traces);
    }
  },
  // There is no cache to fall out of: /metrics shows totals, and nothing is reset.
  TestDeltaTimestampCacheExpiry: async ({ metric_timestamp_cache_size: size, batches }) => {
    const config = {
      aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA',
      metric_timestamp_cache_size: size,
    };
    const blocks = batches.map((service: string) => [{ service, spans: [span] }]);
    const calls = named(await metricsOf(blocks, { connectors: { span_metrics: config } }), CALLS);
    expect(calls.map(({ labels, value }) => [labels.service_name, value])).toEqual([
      ['service-a', 2],
      ['service-b', 1],
    ]);
  },
  TestBuildAttributes_InstrumentationScope: async ({
    scope,
    include_instrumentation_scope: included,
    want,
  }) => {
    const spans = [{ ...span, name: want['span.name'] }];
    const resource = { service: want['service.name'], scopes: [{ ...scope, spans }] };
    const connectors = { span_metrics: { include_instrumentation_scope: included } };
    const [calls] = named(await metricsOf([[resource]], { connectors }), CALLS);
    for (const [name, value] of Object.entries(want)) {
      expect(calls?.labels[name.replaceAll('.', '_')]).toBe(value);
    }
  },
  'aggregation_cardinality_limit=L, L+k distinct keys': async () => {
    const [limit, beyond] = [3, 4];
    const spans = Array.from({ length: limit + beyond }, (_, i) => ({ ...span, name: `op-${i}` }));
    const samples = await metricsOf([[{ service: 'a', spans }]], {
      connectors: { span_metrics: { aggregation_cardinality_limit: limit } },
    });
    const calls = named(samples, CALLS);
    const overflow = calls.filter(({ labels }) => labels.otel_metric_overflow === 'true');
    expect(calls.length - overflow.length).toBe(limit);
    expect(overflow.map(({ value }) => value)).toEqual([beyond]);
    // Unlike the collector's, it keeps the service.
    expect(overflow.map(({ labels }) => labels.service_name)).toEqual(['a']);
  },
};

const cases: Runner = eachCase(async (each) => {
  await known(CASES, each.case in CASES ? each.case : each.origin.replace(/^otel-contrib /, ''))(each);
});

export const connectorSections: Readonly<Record<string, Runner>> = {
  default_buckets: defaultBuckets,
  metric_names: names,
  durations_to_units: durations,
  histogram_init: histogramInit,
  bucket_index: bucketIndex,
  spanmetrics_sample_trace: sample,
  spanmetrics_cases: cases,
};
