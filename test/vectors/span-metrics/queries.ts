import { expect, test } from 'vitest';
import type { Json, Runner } from '../adaptive-sampling/section.ts';
import { metricsOf, type Sample } from './metrics-of.ts';

/** What Jaeger's options mean for the names: `normalize` is Prometheus' suffixes. */
async function shownFor(config: Json): Promise<Sample[]> {
  const { metric_namespace: namespace, latency_unit: unit, normalize } = config;
  return metricsOf([[{ service: 'redis', spans: [{ kind: 2, status: { code: 2 } }] }]], {
    connectors: { span_metrics: { namespace, histogram: { unit } } },
    exporter: normalize ? {} : { translation_strategy: 'UnderscoreEscapingWithoutSuffixes' },
  });
}

/** Every series that a query asks for is there, with every label that it selects or groups by. */
function expectSeries(query: string, samples: readonly Sample[]): void {
  const selectors = [...query.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)];
  const groupings = [...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => (list as string).split(','));
  expect(selectors).not.toEqual([]);
  expect(groupings).not.toEqual([]);
  for (const [, name, matchers] of selectors) {
    const found = samples.filter((sample) => sample.name === name);
    expect(found, name as string).not.toEqual([]);
    const labels = [...(matchers as string).matchAll(/(\w+) =/g)].map(([, label]) => label as string);
    for (const sample of found) {
      for (const label of [...labels, ...groupings]) expect(sample.labels).toHaveProperty([label]);
    }
  }
}

const promql: Runner = (section) => {
  (section.cases as Json[]).forEach((each, i) => {
    test(`${i + 1} ${each.api} ${JSON.stringify(each.config)}`, async () => {
      expectSeries(each.want_promql, await shownFor(each.config));
    });
  });
  for (const [api, query] of Object.entries(section.defaults_normalised ?? {})) {
    test(`${api} with defaults, normalised`, async () => {
      const config = { metric_namespace: 'traces.span.metrics', latency_unit: 'ms', normalize: true };
      expectSeries(query as string, await shownFor(config));
    });
  }
  // How Jaeger prints windows and reads replies belongs to its query service: a later issue.
};

export const querySections: Readonly<Record<string, Runner>> = { jaeger_promql: promql };
