/** One way to configure span_metrics and the Prometheus exporter, and what a scraper asks for. */
export interface Variant {
  readonly name: string;
  readonly connector: Readonly<Record<string, unknown>>;
  readonly exporter: Readonly<Record<string, unknown>>;
  readonly accept: string;
}

const text = 'text/plain;version=0.0.4';
const openMetrics = 'application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.1';
const openMetricsUtf8 = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8';
const textUtf8 = 'text/plain;version=1.0.0;escaping=allow-utf-8';

const dimensions = [
  { name: 'http.request.method' },
  { name: 'tier', default: 'none' },
  { name: 'mixed' },
  { name: '1st-thing' },
  { name: 'région' },
  { name: 'a__b' },
  { name: 'host.name' },
];

export const variants: readonly Variant[] = [
  { name: 'defaults', connector: {}, exporter: {}, accept: text },
  { name: 'seconds', connector: { namespace: '', histogram: { unit: 's' } }, exporter: {}, accept: text },
  {
    name: 'buckets',
    connector: { histogram: { explicit: { buckets: ['100us', '1.5ms', '1s', '1000s', '2000000s'] } } },
    exporter: { without_scope_info: true },
    accept: text,
  },
  { name: 'no-histogram', connector: { histogram: { disable: true } }, exporter: {}, accept: text },
  { name: 'dimensions', connector: { dimensions }, exporter: {}, accept: text },
  {
    name: 'excluded',
    connector: {
      exclude_dimensions: ['span.kind', 'status.code', 'nothing'],
      dimensions: [{ name: 'tier' }],
    },
    exporter: {},
    accept: text,
  },
  {
    name: 'exporter-options',
    connector: {},
    exporter: {
      namespace: 'my-ns',
      const_labels: { region: 'eu "1"', another: 'a\\b' },
      add_metric_suffixes: false,
    },
    accept: text,
  },
  { name: 'open-metrics', connector: {}, exporter: { enable_open_metrics: true }, accept: openMetrics },
  {
    name: 'open-metrics-without-suffixes',
    connector: {},
    exporter: { enable_open_metrics: true, translation_strategy: 'UnderscoreEscapingWithoutSuffixes' },
    accept: openMetrics,
  },
  {
    name: 'utf8',
    connector: { dimensions },
    exporter: { translation_strategy: 'NoTranslation' },
    accept: textUtf8,
  },
  {
    name: 'utf8-escaped',
    connector: { dimensions },
    exporter: { translation_strategy: 'NoTranslation' },
    accept: text,
  },
  {
    name: 'utf8-suffixes',
    connector: { dimensions },
    exporter: {
      translation_strategy: 'NoUTF8EscapingWithSuffixes',
      namespace: 'my-ns',
      enable_open_metrics: true,
    },
    accept: openMetricsUtf8,
  },
];
