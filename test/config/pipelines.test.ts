import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMPONENTS } from '../../src/app/components.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { optionsOf } from '../../src/config/options.ts';

const FOLDER = join(import.meta.dirname, '../../pipelines');

function problemsOf(configs: readonly string[], sets: readonly string[] = []): readonly string[] {
  const paths = configs.map((name) => (name.startsWith('yaml:') ? name : join(FOLDER, name)));
  const result = loadConfig({ configs: paths, sets }, COMPONENTS, { variables: {} });
  return 'problems' in result ? result.problems : result.warnings;
}

/** What a file that is not whole by itself is added to. */
const OVERLAYS: Readonly<Record<string, string>> = {
  'embedded-clickhouse.yaml': 'ingester.yaml',
  'demo.yaml': 'all-in-one.yaml',
};

test('every shipped configuration is right, without a warning', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    const base = OVERLAYS[name];
    expect(problemsOf(base === undefined ? [name] : [base, name]), name).toEqual([]);
  }
});

test('the file that must run here and in the collector alike is accepted by the real components', () => {
  const file = `yaml:
receivers: {kafka: {brokers: [localhost:9092], group_id: g1, initial_offset: earliest, traces: {topics: [otlp_spans], encoding: otlp_proto}}}
connectors: {span_metrics: {}}
exporters: {prometheus: {endpoint: 127.0.0.1:8889}}
service:
  pipelines:
    traces: {receivers: [kafka], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [prometheus]}
`;
  expect(problemsOf([file])).toEqual([]);
  expect(problemsOf([file.replaceAll('span_metrics', 'spanmetrics')])).toEqual([]);
});

test('every component has a description, and so has each of its options', () => {
  const silent = COMPONENTS.flatMap((type) => [
    ...(/^[A-Z].*\.$/s.test(type.description) ? [] : [type.type]),
    ...optionsOf(type.config)
      .filter(({ description }) => description === '')
      .map(({ name }) => `${type.kind} ${type.type}: ${name}`),
  ]);
  expect(silent).toEqual([]);
});
