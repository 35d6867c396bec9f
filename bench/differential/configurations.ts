/** One way to set the connector (and its exporter) up, in the collector and here alike. */
export interface Configuration {
  readonly name: string;
  readonly connector: object;
  readonly exporter?: object;
  /** With GATES, which in the collector hold for a whole process. */
  readonly isGated?: true;
  /** Resources of one service look alike: the collector shows the last one of them, we their sum. */
  readonly hidesResources?: true;
}

/** Feature gates of the collector's second process; here they are an option. */
export const GATES = [
  'connector.spanmetrics.legacyMetricNames',
  'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
  'connector.spanmetrics.excludeResourceMetrics',
  'spanmetrics.statusCodeConvention.useOtelPrefix',
] as const;

const DIMENSIONS = [
  { name: 'http.method', default: 'GET' },
  { name: 'http.status_code' },
  { name: 'region', default: '' },
];

/** Fewer than the default ones: what is on a page is mostly buckets. */
const SHORT = { explicit: { buckets: ['2ms', '1s', '15s'] } };

export const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'defaults', connector: {} },
  {
    name: 'seconds, own buckets, no namespace',
    connector: { namespace: '', histogram: { unit: 's', explicit: { buckets: ['1ms', '1.1s', '15s'] } } },
  },
  { name: 'dimensions', connector: { dimensions: DIMENSIONS, histogram: SHORT } },
  {
    name: 'dimensions by glob',
    connector: {
      dimensions: [{ glob: 'http.*' }, { glob: '{k8s.**,2nd.*}' }, { name: 'region' }],
      histogram: SHORT,
    },
  },
  {
    name: 'dimensions of one metric',
    connector: {
      dimensions: [{ name: 'http.method' }, { name: 'region', default: 'none' }],
      calls_dimensions: [{ name: 'http.status_code', default: '0' }, { glob: 'k8s.**' }],
      histogram: {
        ...SHORT,
        dimensions: [{ name: '2nd.key' }, { name: 'region', default: 'other' }, { glob: 'http.*' }],
      },
    },
  },
  {
    name: 'without default dimensions',
    connector: {
      exclude_dimensions: ['span.name', 'status.code', 'nonsense'],
      dimensions: [{ name: 'region' }],
      histogram: SHORT,
    },
  },
  {
    name: 'events',
    connector: {
      dimensions: [{ name: 'http.method', default: 'none' }],
      events: {
        enabled: true,
        dimensions: [{ name: 'exception.type', default: 'X' }, { glob: 'exception.esc*' }],
      },
      exemplars: { enabled: true },
      histogram: SHORT,
    },
  },
  {
    name: 'instrumentation scope',
    connector: { include_instrumentation_scope: ['express', ''], histogram: { disable: true } },
  },
  { name: 'sampling method', connector: { enable_metrics_sampling_method: true, histogram: SHORT } },
  {
    name: 'delta',
    connector: {
      aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA',
      metric_timestamp_cache_size: 1_000_000,
      histogram: SHORT,
    },
  },
  {
    name: 'exponential, plain names',
    connector: { histogram: { exponential: { max_size: 20 } } },
    exporter: { translation_strategy: 'UnderscoreEscapingWithoutSuffixes', without_scope_info: true },
  },
  {
    name: 'feature gates',
    connector: { dimensions: [{ name: 'region' }], exclude_dimensions: ['span.kind'] },
    isGated: true,
    hidesResources: true,
  },
  {
    name: 'feature gates, said otherwise',
    connector: {
      namespace: 'my.ns',
      histogram: { unit: 'ms', ...SHORT },
      add_resource_attributes: true,
      exclude_dimensions: ['otel.status_code'],
    },
    exporter: { const_labels: { cluster: 'a' }, namespace: 'x' },
    isGated: true,
  },
];

/** The whole file for one process: an OTLP receiver that feeds a connector and an exporter for each configuration. */
export function fileFor(
  configurations: readonly Configuration[],
  { receiver, ports, gates }: { receiver: number; ports: readonly number[]; gates: 'options' | 'flags' },
): object {
  const ids = configurations.map((_, i) => `c${i}`);
  const connectors = configurations.map(({ connector, isGated }) => ({
    metrics_flush_interval: '1s',
    // The collector forgets, and so resets, what does not fit.
    resource_metrics_cache_size: 1_000_000,
    ...connector,
    ...(isGated && gates === 'options' ? { feature_gates: GATES } : {}),
  }));
  const exporters = configurations.map(({ exporter }, i) => ({
    endpoint: `127.0.0.1:${ports[i]}`,
    ...exporter,
  }));
  const named = <T>(type: string, list: readonly T[]): Record<string, T> =>
    Object.fromEntries(list.map((one, i) => [`${type}/${ids[i]}`, one]));
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receiver}` } } } },
    connectors: named('span_metrics', connectors),
    exporters: named('prometheus', exporters),
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ids.map((id) => `span_metrics/${id}`) },
        ...Object.fromEntries(
          ids.map((id) => [
            `metrics/${id}`,
            { receivers: [`span_metrics/${id}`], exporters: [`prometheus/${id}`] },
          ]),
        ),
      },
    },
  };
}
