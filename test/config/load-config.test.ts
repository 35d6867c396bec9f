import { describe, expect, test } from 'vitest';
import { loaded, problems } from './table.ts';

const SECTION_3 = `receivers:
  kafka:
    brokers: [localhost:9092]
    group_id: g1
    initial_offset: earliest
    traces: {topics: [otlp_spans], encoding: otlp_proto}
connectors:
  span_metrics: {}
exporters:
  prometheus: {endpoint: 127.0.0.1:8889}
service:
  pipelines:
    traces: {receivers: [kafka], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [prometheus]}
`;

const SMALL = `receivers:
  kafka:
exporters:
  nop:
service:
  pipelines:
    traces:
      receivers: [kafka]
      exporters: [nop]
`;

describe('a right file', () => {
  test('the file that the collector reads is accepted, with defaults filled in', () => {
    const config = loaded(SECTION_3);
    expect(config.receivers).toEqual({
      kafka: {
        type: 'kafka',
        config: {
          brokers: ['localhost:9092'],
          group_id: 'g1',
          initial_offset: 'earliest',
          session_timeout: 10_000,
          max_fetch_size: 1_048_576,
          traces: { topics: ['otlp_spans'], encoding: 'otlp_proto' },
        },
      },
    });
    expect(config.connectors).toEqual({
      span_metrics: { type: 'span_metrics', config: { metrics_flush_interval: 60_000 } },
    });
    expect(config.exporters['prometheus']?.config).toEqual({ endpoint: { host: '127.0.0.1', port: 8889 } });
    expect(config.service.pipelines).toEqual([
      { id: 'traces', signal: 'traces', receivers: ['kafka'], processors: [], exporters: ['span_metrics'] },
      {
        id: 'metrics',
        signal: 'metrics',
        receivers: ['span_metrics'],
        processors: [],
        exporters: ['prometheus'],
      },
    ]);
    expect(config.warnings).toEqual([]);
  });

  test('service settings have their defaults', () => {
    expect(loaded(SMALL).service).toMatchObject({
      extensions: [],
      telemetry: {
        metrics: {
          level: 'normal',
          host: 'localhost',
          port: 8888,
          option: 'service.telemetry.metrics.address',
        },
        logs: { level: 'info', encoding: 'json' },
      },
      spanweir: {
        workers: 1,
        block: { maxSpans: 65_536, maxBytes: 33_554_432, lingerMs: 1000, maxInFlightBytes: 134_217_728 },
        timestamps: { maxPastMs: 604_800_000, maxFutureMs: 3_600_000 },
        shutdownTimeoutMs: 8000,
        watchdogMs: 30_000,
        workerHeapBytes: 1_073_741_824,
      },
    });
  });

  test('an old name of a type keeps its id and becomes the registered type', () => {
    const config = loaded(SECTION_3.replaceAll('span_metrics', 'spanmetrics/old'));
    expect(config.connectors['spanmetrics/old']?.type).toBe('span_metrics');
  });

  test('null means an empty map where a map belongs and "not set" elsewhere', () => {
    const config = loaded(
      `${SMALL.replaceAll('kafka', 'otlp')}`.replace('otlp:\n', 'otlp: {protocols: {grpc:}}\n'),
    );
    expect(config.receivers['otlp']?.config).toEqual({
      protocols: { grpc: { endpoint: { host: 'localhost', port: 4317 } } },
    });
    expect(loaded(SMALL, { sets: ['receivers.kafka.group_id='] }).receivers['kafka']?.config).toMatchObject({
      group_id: 'otel-collector',
    });
  });

  test('what is defined and not used does not start, and is named', () => {
    const config = loaded(`${SMALL}extensions:\n  remote_sampling:\nconnectors:\n  span_metrics:\n`);
    expect(config.extensions).toEqual({});
    expect(config.connectors).toEqual({});
    expect(config.warnings).toEqual([
      'a.yaml:11:3: extensions.remote_sampling: is defined, but service.extensions does not list it: it does not start',
      'a.yaml:13:3: connectors.span_metrics: is defined, but no pipeline uses it: it does not start',
    ]);
  });

  test('an option that is treated otherwise is named with its place', () => {
    const config = loaded(SMALL.replace('kafka:\n', 'kafka:\n    group_instance_id: i1\n'));
    expect(config.warnings).toEqual([
      'a.yaml:3:5: receivers.kafka.group_instance_id: a dynamic member is used',
    ]);
  });

  test('the readers form of the telemetry address is the same as address', () => {
    const readers = `${SMALL}  telemetry:
    metrics:
      level: detailed
      readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}}]
`;
    expect(loaded(readers).service.telemetry.metrics).toEqual({
      level: 'detailed',
      host: '0.0.0.0',
      port: 9999,
      option: 'service.telemetry.metrics.readers',
    });
    const address = `${SMALL}  telemetry: {metrics: {address: ":7777"}}\n`;
    expect(loaded(address).service.telemetry.metrics).toEqual({
      level: 'normal',
      host: '0.0.0.0',
      port: 7777,
      option: 'service.telemetry.metrics.address',
    });
    const none = `${SMALL}  telemetry: {metrics: {level: none}}\n`;
    expect(loaded(none).service.telemetry.metrics.level).toBe('none');
  });
});

describe('a wrong file', () => {
  test('every mistake is told at once, with its place, what was found, what was expected and the right name', () => {
    const wrong = `receivers:
  kafka:
    brokerz: [localhost:9092]
    initial_offset: earlyest
    max_fetch_size: 0
    session_timeout: soon
    auth: {sasl: {password: x}}
    traces: {topics: 5}
  kafak:
exporters:
  prometheus:
servic:
service:
  pipelines:
    traces: {receivers: [kafkaa], exporters: [prometheus], proccessors: []}
`;
    expect(problems(wrong)).toEqual([
      'a.yaml:3:5: receivers.kafka.brokerz: found "brokerz", expected one of brokers, group_id, initial_offset, ' +
        'session_timeout, group_instance_id, max_fetch_size, auth, traces (did you mean "brokers"?)',
      'a.yaml:4:21: receivers.kafka.initial_offset: found "earlyest", expected one of latest, earliest ' +
        '(did you mean "earliest"?)',
      'a.yaml:5:21: receivers.kafka.max_fetch_size: found 0, expected at least 1',
      'a.yaml:6:22: receivers.kafka.session_timeout: found "soon", expected a duration such as 500ms, 10s or 1m30s',
      'a.yaml:7:12: receivers.kafka.auth.sasl.username: found nothing, expected text',
      'a.yaml:7:29: receivers.kafka.auth.sasl.password: found something else, expected at least 3 characters',
      'a.yaml:8:22: receivers.kafka.traces.topics: found 5, expected a list',
      'a.yaml:9:3: receivers.kafak: found the unknown type "kafak", expected one of kafka, otlp (did you mean "kafka"?)',
      'a.yaml:11:3: exporters.prometheus.endpoint: found nothing, expected text',
      'a.yaml:12:1: servic: found "servic", expected one of receivers, processors, connectors, exporters, ' +
        'extensions, service (did you mean "service"?)',
      'a.yaml:15:26: service.pipelines.traces.receivers[0]: found "kafkaa", expected one that is defined under ' +
        'receivers or connectors (did you mean "kafka"?)',
      'a.yaml:15:47: service.pipelines.traces.exporters[0]: found "prometheus" in a traces pipeline, expected it in ' +
        'a metrics pipeline: this exporter has no traces',
      'a.yaml:15:60: service.pipelines.traces.proccessors: found "proccessors", expected one of receivers, ' +
        'processors, exporters (did you mean "processors"?)',
    ]);
  });

  test('broken YAML and a key that stands twice have their places', () => {
    expect(problems('receivers:\n  kafka:\n  kafka:\n')).toContain(
      'a.yaml:3:3: found the key "kafka" a second time',
    );
    expect(problems('receivers: [\n')).toEqual([
      'a.yaml:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ]);
    expect(problems('receivers: {kafka: {group_id: ${env:G}}}\nexporters: {nop: }\n')).toEqual([
      'a.yaml:1:32: found ${...} inside { } or [ ], expected it in quotes there: "${...}"',
    ]);
  });

  test('a file that is not there, and one that is not a map', () => {
    expect(problems('', { configs: ['b.yaml'] })[0]).toBe("b.yaml: can't be read: no such file: b.yaml");
    expect(problems('- 1\n')[0]).toBe('a.yaml:1:1: expected a map with receivers, exporters, service, ...');
  });

  test('an empty file lacks the service', () => {
    expect(problems('')).toEqual(['a.yaml:1:1: service.pipelines: found nothing, expected a map']);
  });

  test('ids that are no ids', () => {
    expect(problems(`${SMALL}processors:\n  "adaptive_sampling/": {}\n`)).toEqual([
      'a.yaml:11:3: processors.adaptive_sampling/: found "adaptive_sampling/", expected type or type/name',
    ]);
  });
});
