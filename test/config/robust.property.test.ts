import fc from 'fast-check';
import { expect, test } from 'vitest';
import { load } from './table.ts';

const FILE = `receivers:
  kafka: &k {brokers: ["\${env:B:-a:1}", b:2], traces: {topics: [otlp_spans]}, auth: {sasl: {username: u, password: ppp}}}
  kafka/2: {<<: *k, group_id: "\${G}-$$"}
  otlp: {protocols: {grpc: , http: {endpoint: ":4318"}}}
connectors: {span_metrics: }
processors: {adaptive_sampling: }
exporters: {nop: , prometheus: {endpoint: localhost:1}, clickhouse: }
extensions: {remote_sampling: {adaptive: {sampling_store: clickhouse}}}
service:
  extensions: [remote_sampling]
  telemetry: {metrics: {level: none}, logs: {level: DEBUG}}
  spanweir: {workers: 2, block: {linger: 2s}}
  pipelines:
    traces: {receivers: [kafka, kafka/2, otlp], processors: [adaptive_sampling], exporters: [clickhouse, span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [nop, prometheus]}
`;

const PIECES = [
  'null',
  '{}',
  '[]',
  '*k',
  '<<',
  '${',
  '}',
  '${env:G}',
  '::',
  '\t',
  '- ',
  ': ',
  '"',
  '&k ',
  '0',
  '!!str',
  '\n',
];

interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
}

const edits = fc.array(
  fc.record({
    at: fc.nat(FILE.length),
    cut: fc.nat(12),
    put: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 })),
  }),
  { minLength: 1, maxLength: 4 },
);

function edited(text: string, changes: readonly Edit[]): string {
  return changes.reduce((all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut), text);
}

test('the file that the others are made from is right', () => {
  expect(load(FILE)).not.toHaveProperty('problems');
});

test('no text makes the reader throw: it is right, or there is a problem with a place', () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const result = load(edited(FILE, changes), { env: { G: 'g', B: '[x, {y: z}]' } });
      if (!('problems' in result)) return;
      expect(result.problems.length).toBeGreaterThan(0);
      for (const problem of result.problems) expect(problem).toMatch(/^a\.yaml:\d+:\d+: \S/);
    }),
    { numRuns: 200 },
  );
});

test('bombs and bottomless nesting end with a problem', () => {
  const levels = 'bcdefghij'
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]`);
  const bomb = `a: &a [${'x,'.repeat(9)}]\n${levels.join('\n')}\n`;
  for (const text of [bomb, 'a: &a [*a]\n', `a: ${'['.repeat(5000)}${']'.repeat(5000)}\n`, 'a: *nobody\n']) {
    const result = load(text);
    expect('problems' in result && result.problems.length).toBeGreaterThan(0);
  }
});
