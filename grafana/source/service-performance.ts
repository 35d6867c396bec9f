import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { cell, toService, toTrace, UIDS } from './links.ts';
import { figure, heat, inUnit, limits, lines, link, linked, naming, stack, table } from './panels.ts';
import {
  CALLS,
  DURATION,
  ERROR,
  prom,
  promBuckets,
  promNow,
  promWithExemplars,
  share,
  sqlSeries,
  sqlTable,
} from './queries.ts';
import { choices, clickHouseVariable, labelVariable, prometheusVariable } from './variables.ts';

const KINDS = ['SERVER', 'CONSUMER', 'CLIENT', 'PRODUCER', 'INTERNAL'].map((kind) => `SPAN_KIND_${kind}`);

const WHERE = 'service_name=~"$service", span_name=~"$operation", span_kind=~"$kind"';
const CALLED = `${CALLS}{${WHERE}}`;
const FAILED = `${CALLS}{${WHERE}, ${ERROR}}`;
const SECTION_BY = 'service_name, span_name, span_kind';

const rate = (selector: string, range = '$__rate_interval'): string => `rate(${selector}[${range}])`;
const quantile = (q: number, by: string, range = '$__rate_interval'): string =>
  `histogram_quantile(${q}, sum by (${by}) (${rate(`${DURATION}_bucket{${WHERE}}`, range)}))`;
const by = (labels: string, selector: string, range?: string): string =>
  `sum by (${labels}) (${rate(selector, range)})`;

/** The same spans in ClickHouse, which spells kinds as its exporter does. */
const SPANS = `$__timeFilter(Timestamp)
  AND $__conditionalAll(ServiceName IN (\${service:singlequote}), $service)
  AND $__conditionalAll(SpanName IN (\${operation:singlequote}), $operation)
  AND concat('SPAN_KIND_', upper(SpanKind)) IN (\${kind:singlequote})`;

/** RED: all services, then one, then one operation; then the traces behind. */
export function servicePerformance(): Dashboard {
  return assemble({
    uid: UIDS.service,
    title: 'Spanweir / Service performance',
    description: 'Rate, errors and durations from all services down to one operation and its traces.',
    variables: [
      prometheusVariable(),
      clickHouseVariable(),
      choices('kind', 'Kind', KINDS, ['SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER']),
      labelVariable('service', 'Service', CALLS, 'service_name'),
      labelVariable('operation', 'Operation', `${CALLS}{service_name=~"$service"}`, 'span_name'),
    ],
    sections: [
      { title: 'Overview', panels: overview() },
      { title: 'Services over time', panels: overTime() },
      { title: 'Operations of $service', panels: [operations()] },
      { title: 'Durations of $operation', panels: durations() },
      { title: 'How sure, and the traces behind', panels: [sureness(), ...traces()] },
    ],
  });
}

function overview() {
  const now = (expr: string) => promNow('A', expr);
  return [
    figure(
      { title: 'Rate', description: 'Spans per second, sampled ones weighted.', unit: 'reqps', width: 6 },
      now(`sum(${rate(CALLED)})`),
    ),
    figure(
      { title: 'Errors', description: 'Share of spans with status Error.', unit: 'percentunit', width: 6 },
      now(share(rate(FAILED), rate(CALLED), '')),
    ).thresholds(limits(0.01, 0.05)),
    figure(
      { title: 'p95', description: 'Within its bucket of the histogram.', unit: 'ms', width: 6 },
      now(quantile(0.95, 'le')),
    ),
    figure(
      { title: 'Services seen', description: 'That had spans of these kinds.', width: 6 },
      now(`count(sum by (service_name) (${rate(CALLED)}) > 0)`),
    ),
    table(
      { title: 'Services', description: 'Over the whole range. A click shows one service.', width: 24 },
      promNow('A', by('service_name', CALLED, '$__range')),
      promNow('B', share(rate(FAILED, '$__range'), rate(CALLED, '$__range'), 'service_name')),
      promNow('C', quantile(0.5, 'service_name, le', '$__range')),
      promNow('D', quantile(0.95, 'service_name, le', '$__range')),
      promNow('E', quantile(0.99, 'service_name, le', '$__range')),
    )
      .withTransformation(naming({ Time: '', service_name: 'Service', ...RED_COLUMNS }))
      .overrideByName('Service', [linked('This service', toService(cell('Service')))])
      .overrideByName('Rate', [inUnit('reqps')])
      .overrideByName('Errors', [inUnit('percentunit')])
      .overrideByRegexp('^p\\d+$', [inUnit('ms')]),
  ];
}

const RED_COLUMNS = {
  'Value #A': 'Rate',
  'Value #B': 'Errors',
  'Value #C': 'p50',
  'Value #D': 'p95',
  'Value #E': 'p99',
};

function overTime() {
  return [
    lines(
      { title: 'Rate by service', description: 'Spans per second.', unit: 'reqps', width: 8 },
      prom('A', by('service_name', CALLED), '{{service_name}}'),
    ),
    lines(
      {
        title: 'Errors by service',
        description: 'Share of spans with status Error.',
        unit: 'percentunit',
        width: 8,
      },
      prom('A', share(rate(FAILED), rate(CALLED), 'service_name'), '{{service_name}}'),
    ),
    lines(
      { title: 'p95 by service', description: 'Within its bucket.', unit: 'ms', width: 8 },
      promWithExemplars('A', quantile(0.95, 'service_name, le'), '{{service_name}}'),
    ),
  ];
}

function operations() {
  return table(
    {
      title: 'Operations',
      description: 'Over the whole range. A click shows one operation.',
      width: 24,
      height: 10,
    },
    promNow('A', by(SECTION_BY, CALLED, '$__range')),
    promNow('B', share(rate(FAILED, '$__range'), rate(CALLED, '$__range'), SECTION_BY)),
    promNow('C', quantile(0.5, `${SECTION_BY}, le`, '$__range')),
    promNow('D', quantile(0.95, `${SECTION_BY}, le`, '$__range')),
    promNow('E', quantile(0.99, `${SECTION_BY}, le`, '$__range')),
    promNow('F', `sum by (${SECTION_BY}) (${rate(`${DURATION}_sum{${WHERE}}`, '$__range')}) / 1000`),
  )
    .withTransformation(
      naming({
        Time: '',
        service_name: 'Service',
        span_name: 'Operation',
        span_kind: 'Kind',
        ...RED_COLUMNS,
        'Value #F': 'Time per second',
      }),
    )
    .overrideByName('Operation', [linked('This operation', toService(cell('Service'), cell('Operation')))])
    .overrideByName('Rate', [inUnit('reqps')])
    .overrideByName('Errors', [inUnit('percentunit')])
    .overrideByName('Time per second', [inUnit('s')])
    .overrideByRegexp('^p\\d+$', [inUnit('ms')]);
}

function durations() {
  const lineOf = (refId: string, q: number, name: string) =>
    promWithExemplars(refId, quantile(q, 'le'), name);
  return [
    stack(
      { title: 'Rate by status', description: 'Spans per second.', unit: 'reqps', width: 8 },
      prom('A', by('status_code', CALLED), '{{status_code}}'),
    ),
    lines(
      {
        title: 'Quantiles',
        description: 'Points are exemplars: a click leads to a trace that took so long.',
        unit: 'ms',
        width: 8,
      },
      lineOf('A', 0.5, 'p50'),
      lineOf('B', 0.9, 'p90'),
      lineOf('C', 0.95, 'p95'),
      lineOf('D', 0.99, 'p99'),
    ),
    heat(
      { title: 'Durations', description: 'Spans by bucket of the histogram.', unit: 'ms', width: 8 },
      promBuckets('A', `sum by (le) (increase(${DURATION}_bucket{${WHERE}}[$__rate_interval]))`),
    ),
  ];
}

/** From the rollup, where each row says how sure its count is. */
function sureness() {
  const sql = `SELECT time, sum(calls) / $__interval_s AS rate,
       calls_low(sum(seen), sum(calls), pow(sum(sqrt(squares)), 2)) / $__interval_s AS low,
       calls_high(sum(calls), pow(sum(sqrt(squares)), 2), max(largest)) / $__interval_s AS high
FROM (
  SELECT $__timeInterval(Ts) AS time, sum(Spans) AS seen, sum(Calls) AS calls, sum(WeightSquares) AS squares, max(WeightMax) AS largest
  FROM span_metrics_1m
  WHERE $__timeFilter(Ts) AND Connector = (SELECT min(Connector) FROM span_metrics_1m WHERE $__timeFilter(Ts))
    AND $__conditionalAll(ServiceName IN (\${service:singlequote}), $service)
    AND $__conditionalAll(SpanName IN (\${operation:singlequote}), $operation)
    AND concat('SPAN_KIND_', upper(SpanKind)) IN (\${kind:singlequote})
  GROUP BY time, ServiceName, SpanKind, SpanName, StatusCode, DimsHash
)
GROUP BY time
ORDER BY time`;
  return lines(
    {
      title: 'Rate with its 95 % interval',
      description:
        'Of sampled traffic, from ClickHouse: the true rate lies between low and high in 95 of 100 cases. Where everything is sampled the three are one.',
      unit: 'reqps',
      width: 24,
    },
    sqlSeries('A', sql),
  ).interval('1m');
}

function traces() {
  const columns = `Timestamp AS time, TraceId AS traceID, ServiceName AS service, SpanName AS operation,
       Duration / 1e6 AS ms, StatusCode AS status, StatusMessage AS message`;
  const list = (refId: string, where: string, order: string) =>
    sqlTable(
      refId,
      `SELECT ${columns}\nFROM otel_traces\nWHERE ${SPANS}${where}\nORDER BY ${order} DESC\nLIMIT 50`,
    );
  const traceLink = link('This trace', toTrace(cell('traceID')));
  return [
    table(
      { title: 'Slowest spans', description: 'As stored; a click shows the trace.' },
      list('A', '', 'Duration'),
    )
      .dataLinks([traceLink])
      .overrideByName('ms', [inUnit('ms')]),
    table(
      { title: 'Newest errors', description: 'As stored; a click shows the trace.' },
      list('A', "\n  AND StatusCode = 'Error'", 'Timestamp'),
    )
      .dataLinks([traceLink])
      .overrideByName('ms', [inUnit('ms')]),
  ];
}
