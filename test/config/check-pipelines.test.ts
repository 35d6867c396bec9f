import { expect, test } from 'vitest';
import { problems } from './table.ts';

const DEFINED = `receivers: {kafka: }
processors: {adaptive_sampling: }
connectors: {span_metrics: }
exporters: {nop: , prometheus: {endpoint: ":1"}, clickhouse: }
extensions: {remote_sampling: {adaptive: {sampling_store: clickhouse}}, remote_sampling/file: }
`;

function plan(pipelines: string, extensions = '[]'): string {
  return `${DEFINED}service:\n  extensions: ${extensions}\n  pipelines:\n${pipelines}`;
}

test('a name that nobody defined is told together with the nearest one', () => {
  expect(problems(plan('    traces: {receivers: [kafka], exporters: [nopp]}\n'))).toEqual([
    'a.yaml:9:46: service.pipelines.traces.exporters[0]: found "nopp", expected one that is defined under ' +
      'exporters or connectors (did you mean "nop"?)',
  ]);
});

test('a component in a pipeline of the wrong signal', () => {
  expect(
    problems(plan('    metrics: {receivers: [kafka], processors: [adaptive_sampling], exporters: [nop]}\n')),
  ).toEqual([
    'a.yaml:9:27: service.pipelines.metrics.receivers[0]: found "kafka" in a metrics pipeline, expected it in a ' +
      'traces pipeline: this receiver has no metrics',
    'a.yaml:9:48: service.pipelines.metrics.processors[0]: found "adaptive_sampling" in a metrics pipeline, ' +
      'expected it in a traces pipeline: this processor has no metrics',
    "a.yaml:9:48: service.pipelines.metrics.processors[0]: cannot find extension 'remote_sampling' (make sure it's " +
      'defined earlier in the config)',
  ]);
});

test('a connector that only ends or only begins pipelines', () => {
  expect(problems(plan('    traces: {receivers: [kafka], exporters: [span_metrics]}\n'))).toEqual([
    'a.yaml:9:46: service.pipelines.traces.exporters[0]: found "span_metrics" only here, expected the connector ' +
      'among the receivers of a metrics pipeline too',
  ]);
  expect(problems(plan('    metrics: {receivers: [span_metrics], exporters: [nop]}\n'))).toEqual([
    'a.yaml:9:27: service.pipelines.metrics.receivers[0]: found "span_metrics" only here, expected the connector ' +
      'among the exporters of a traces pipeline too',
  ]);
});

test('a cycle is shown as the way around', () => {
  const loop = '    traces: {receivers: [kafka, span_metrics], exporters: [span_metrics]}\n';
  expect(problems(plan(loop))).toContain(
    'a.yaml:9:13: service.pipelines.traces: found the cycle traces -> span_metrics -> traces',
  );
});

test('pipelines without a beginning or an end, and repeated names', () => {
  const broken =
    '    traces: {receivers: [], exporters: [nop, nop]}\n    logs: {receivers: [kafka], exporters: [nop]}\n';
  expect(problems(plan(broken))).toEqual([
    'a.yaml:9:25: service.pipelines.traces.receivers: found none, expected at least one of the receivers',
    'a.yaml:9:46: service.pipelines.traces.exporters[1]: found "nop" a second time',
    'a.yaml:10:5: service.pipelines.logs: found "logs", expected traces, traces/name, metrics or metrics/name',
  ]);
  expect(problems(`${DEFINED}service: {pipelines: {}}\n`)).toEqual([
    'a.yaml:6:22: service.pipelines: found no pipeline, expected at least one',
  ]);
});

test('an extension that is listed has to be defined', () => {
  expect(problems(plan('    traces: {receivers: [kafka], exporters: [nop]}\n', '[remote_samplign]'))).toEqual(
    [
      'a.yaml:7:16: service.extensions[0]: found "remote_samplign", expected one that is defined under extensions ' +
        '(did you mean "remote_sampling"?)',
    ],
  );
});

test('adaptive_sampling needs the extension, configured for it, with a store in the same pipeline', () => {
  const counting = (exporter: string): string =>
    `    traces: {receivers: [kafka], processors: [adaptive_sampling], exporters: [${exporter}]}\n`;
  expect(problems(plan(counting('clickhouse'), '[remote_sampling]'))).toEqual([]);
  expect(problems(plan(counting('clickhouse'), '[remote_sampling/file]'))).toEqual([
    "a.yaml:9:47: service.pipelines.traces.processors[0]: extension 'remote_sampling/file' is not configured for " +
      'adaptive sampling',
  ]);
  expect(problems(plan(counting('nop'), '[remote_sampling]'))).toEqual([
    'a.yaml:5:59: extensions.remote_sampling.adaptive.sampling_store: found "clickhouse", expected it in ' +
      'service.pipelines.traces.exporters too: there adaptive_sampling counts',
  ]);
});

test('the spans of one receiver are counted by one adaptive_sampling only', () => {
  const two = (more: string): string =>
    plan(
      `    traces: {receivers: [kafka], processors: [adaptive_sampling${more}], exporters: [clickhouse]}\n` +
        '    traces/2: {receivers: [kafka], processors: [adaptive_sampling/2], exporters: [clickhouse]}\n',
      '[remote_sampling]',
    ).replace('{adaptive_sampling: }', '{adaptive_sampling: , adaptive_sampling/2: }');
  const message =
    'found "adaptive_sampling/2", expected "adaptive_sampling", which counts the spans of "kafka" already';
  expect(problems(two(''))).toEqual([`a.yaml:10:49: service.pipelines.traces/2.processors[0]: ${message}`]);
  expect(problems(two(', adaptive_sampling/2'))).toEqual([
    `a.yaml:9:66: service.pipelines.traces.processors[1]: ${message}`,
    `a.yaml:10:49: service.pipelines.traces/2.processors[0]: ${message}`,
  ]);
  expect(problems(two('').replace('[adaptive_sampling/2]', '[adaptive_sampling]'))).toEqual([]);
});

test('a sampling store has to be an exporter that starts', () => {
  const plain = '    traces: {receivers: [kafka], exporters: [nop]}\n';
  expect(problems(plan(plain, '[remote_sampling]'))).toEqual([
    'a.yaml:5:59: extensions.remote_sampling.adaptive.sampling_store: found "clickhouse", expected it among the ' +
      'exporters of a pipeline: else it does not start',
  ]);
  expect(problems(plan(plain, '[remote_sampling]').replace('store: clickhouse', 'store: clickhose'))).toEqual(
    [
      'a.yaml:5:59: extensions.remote_sampling.adaptive.sampling_store: found "clickhose", expected one that is ' +
        'defined under exporters (did you mean "clickhouse"?)',
    ],
  );
});

test('what counts and what reads have to have the same window', () => {
  const text = plan(
    '    traces: {receivers: [kafka], processors: [adaptive_sampling], exporters: [clickhouse]}\n',
    '[remote_sampling]',
  );
  const counting = (window: string): string =>
    text.replace('{adaptive_sampling: }', `{adaptive_sampling: {window: ${window}}}`);
  const reading = (given: string, window: string): string =>
    given.replace('store: clickhouse}', `store: clickhouse, window: ${window}}`);
  expect(problems(counting('10s'))).toEqual([
    'a.yaml:2:42: processors.adaptive_sampling.window: found 10s, expected 5s, as ' +
      'extensions.remote_sampling.adaptive.window is',
  ]);
  expect(problems(reading(text, '1m'))).toEqual([
    'a.yaml:5:79: extensions.remote_sampling.adaptive.window: found 1m, expected 5s, as ' +
      'processors.adaptive_sampling.window is',
  ]);
  expect(problems(reading(counting('60s'), '1m'))).toEqual([]);
});
