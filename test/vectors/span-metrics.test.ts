import { describe, expect, test } from 'vitest';
import { readVectors } from './read-vectors.ts';
import { connectorSections } from './span-metrics/connector.ts';
import { querySections } from './span-metrics/queries.ts';
import { serviceGraphSections } from './span-metrics/service-graph.ts';
import { tempoSections } from './span-metrics/tempo.ts';
import { weightSections } from './span-metrics/weights.ts';

const vectors = readVectors('span-metrics.json');

const RUNNERS = {
  ...connectorSections,
  ...weightSections,
  ...querySections,
  ...serviceGraphSections,
  ...tempoSections,
};

/** Sections about what Spanweir does not have, or not yet, and why. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  meta: 'says where the cases come from',
  stochastic_rounding:
    'weights stay the real numbers that they are: nothing is rounded, least of all at random',
  self_time: 'the self_time metric is a later issue',
  tempo_filter_policies: "Tempo's filters are a later issue",
  jaeger_metrics_http: "Jaeger's metrics API comes with the jaeger_query extension",
  jaeger_es_spm: "how Jaeger's Elasticsearch reader counts; our own metrics API is a later issue",
  jaeger_clickhouse_spm: "how Jaeger's ClickHouse reader counts; our own metrics API is a later issue",
};

describe('vectors of span metrics', () => {
  for (const [name, section] of Object.entries(vectors)) {
    if (name in OUT_OF_SCOPE) continue;
    const run = RUNNERS[name];
    if (run === undefined) {
      test(`section ${name}`, () => {
        throw new Error(`nothing runs the section ${name}: write a runner, or say why it is out of scope`);
      });
      continue;
    }
    describe(name, () => run(section));
  }

  test('are all there: a section that is gone is noticed', () => {
    const run = Object.keys(vectors).filter((name) => name in RUNNERS);
    expect(run).not.toEqual([]);
    // A folder of one's own may hold some sections only, or more.
    if (process.env.VECTORS_DIR !== undefined) return;
    expect(Object.keys(RUNNERS).filter((name) => !(name in vectors))).toEqual([]);
  });
});
