/**
 * What dashboards and back ends that people have already ask of span metrics and service graphs: the metrics, labels
 * and forms of their questions, with our known shop's answer to each.
 */
export interface KnownQuestion {
  readonly who: string;
  readonly asks: string;
  readonly promql: string;
  /** By the values of the answer's labels, joined; le and the like included. */
  readonly answer: Readonly<Record<string, number>>;
}

const R = '[$__rate_interval]';
const MS = 'traces_span_metrics_duration_milliseconds';
const APM = 'service_name="frontend", span_kind="SPAN_KIND_SERVER"';
const DEMO = 'service_name=~"frontend|cart", span_name=~".*"';
const EDGES = 'traces_service_graph_request';
const TEMPO = 'traces_spanmetrics';
const JAEGER = 'service_name =~ "frontend", span_kind =~ "SPAN_KIND_SERVER"';

/** Within (10, 50] lie the spans from the 103rd to the 114th of 120. */
const P90_MS = 10 + (40 * (108 - 102)) / 12;

export const QUESTIONS: readonly KnownQuestion[] = [
  {
    who: 'Grafana 19419, OpenTelemetry APM',
    asks: 'the rate of each route',
    promql: `sum by (http_route) (rate(${MS}_count{${APM}, http_route!=""}${R}))`,
    answer: { '/cart': 2 },
  },
  {
    who: 'Grafana 19419, OpenTelemetry APM',
    asks: 'the share of errors by counters as they are',
    promql: `sum by (http_method) (${MS}_count{${APM}, http_status_code=~"5.."}) / sum by (http_method) (${MS}_count{${APM}})`,
    answer: { GET: 0.05 },
  },
  {
    who: 'Grafana 19419, OpenTelemetry APM',
    asks: 'a quantile of each route',
    promql: `histogram_quantile(0.9, sum by (le, http_route, http_method) (rate(${MS}_bucket{${APM}}${R})))`,
    answer: { 'GET /cart': P90_MS },
  },
  {
    who: 'Grafana 19419, OpenTelemetry APM',
    asks: 'the mean by span name',
    promql: `sum by (span_name) (rate(${MS}_sum{${APM}}${R})) / sum by (span_name) (rate(${MS}_count{${APM}}${R}))`,
    answer: { 'GET /cart': (102 * 3 + 12 * 30 + 6 * 300) / 120 },
  },
  {
    who: "the OpenTelemetry demo's span metrics",
    asks: 'the slowest services by a quantile',
    promql: `topk(7, histogram_quantile(0.5, sum by (le, service_name) (rate(${MS}_bucket{${DEMO}, span_kind="SPAN_KIND_SERVER"}${R}))))`,
    answer: { frontend: 2 + (2 * 60) / 102, cart: 1 },
  },
  {
    who: "the OpenTelemetry demo's span metrics",
    asks: 'the busiest operations',
    promql: `topk(7, sum by (service_name, span_name) (rate(traces_span_metrics_calls_total{${DEMO}}[$__range])))`,
    answer: { 'cart Get': 2, 'cart SELECT': 1, 'frontend GET /cart': 2, 'frontend cart.Get': 2 },
  },
  {
    who: "the OpenTelemetry demo's span metrics",
    asks: 'the operations with most errors',
    promql: `topk(7, sum by (service_name, span_name) (increase(traces_span_metrics_calls_total{${DEMO}, status_code="STATUS_CODE_ERROR"}[$__range])))`,
    answer: { 'cart Get': 360, 'frontend GET /cart': 360 },
  },
  {
    who: "the OpenTelemetry demo's span metrics",
    asks: 'the mean by service',
    promql: `sum by (service_name) (increase(${MS}_sum{service_name="payment"}[$__range])) / sum by (service_name) (increase(${MS}_count{service_name="payment"}[$__range]))`,
    answer: { payment: 1500 },
  },
  {
    who: "Tempo's service graph",
    asks: 'the rate of each edge',
    promql: `sum by (client, server) (rate(${EDGES}_total[$__range]))`,
    answer: { 'cart carts': 1, 'frontend cart': 2, 'user frontend': 2, 'user payment': 1 },
  },
  {
    who: "Tempo's service graph",
    asks: 'what failed',
    promql: `sum by (client, server) (rate(${EDGES}_failed_total[$__range])) > 0`,
    answer: { 'frontend cart': 0.1, 'user frontend': 0.1 },
  },
  {
    who: "Tempo's service graph",
    asks: 'the time that an edge takes at its server',
    promql: `sum by (client, server) (rate(${EDGES}_server_seconds_sum{server="cart"}[$__range])) / sum by (client, server) (rate(${EDGES}_server_seconds_count{server="cart"}[$__range]))`,
    answer: { 'frontend cart': 0.001 },
  },
  {
    who: "Tempo's service graph",
    asks: 'a quantile of an edge',
    promql: `histogram_quantile(0.9, sum by (le, client, server) (rate(${EDGES}_server_seconds_bucket{client="user", server="frontend"}[$__range])))`,
    answer: { 'user frontend': P90_MS / 1000 },
  },
  {
    who: "Tempo's service graph, the table below it",
    asks: 'the rate of each operation',
    promql: `topk(5, sum by (span_name) (rate(${TEMPO}_calls_total{span_kind="SPAN_KIND_SERVER"}[$__range])))`,
    answer: { 'GET /cart': 2, Get: 2 },
  },
  {
    who: "Tempo's service graph, the table below it",
    asks: 'the errors of each operation',
    promql: `topk(5, sum by (span_name) (rate(${TEMPO}_calls_total{status_code="STATUS_CODE_ERROR", span_kind="SPAN_KIND_SERVER", service="frontend"}[$__range])))`,
    answer: { 'GET /cart': 0.1 },
  },
  {
    who: "Tempo's service graph, the table below it",
    asks: 'a quantile of an operation',
    promql: `histogram_quantile(0.9, sum by (le, span_name) (rate(${TEMPO}_latency_bucket{span_name=~"GET /cart", span_kind="SPAN_KIND_SERVER"}[$__range])))`,
    answer: { 'GET /cart': P90_MS / 1000 },
  },
  ...[
    { names: 'normalised', calls: 'traces_span_metrics_calls_total', buckets: `${MS}_bucket` },
    {
      names: 'as they are',
      calls: 'traces_span_metrics_calls',
      buckets: 'traces_span_metrics_duration_bucket',
    },
  ].flatMap(({ names, calls, buckets }): KnownQuestion[] => [
    {
      who: `Jaeger's SPM, names ${names}`,
      asks: 'calls',
      promql: `sum(rate(${calls}{${JAEGER}}[10m])) by (service_name,span_name)`,
      answer: { 'frontend GET /cart': 2 },
    },
    {
      who: `Jaeger's SPM, names ${names}`,
      asks: 'errors',
      promql: `sum(rate(${calls}{${JAEGER}, status_code = "STATUS_CODE_ERROR"}[10m])) by (service_name) / sum(rate(${calls}{${JAEGER}}[10m])) by (service_name)`,
      answer: { frontend: 0.05 },
    },
    {
      who: `Jaeger's SPM, names ${names}`,
      asks: 'latencies',
      promql: `histogram_quantile(0.9, sum(rate(${buckets}{${JAEGER}}[10m])) by (service_name,le))`,
      answer: { frontend: P90_MS },
    },
  ]),
];
