import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { cell, toService, UIDS } from './links.ts';
import { columns, figure, goals, inUnit, limits, lines, linked, naming, table } from './panels.ts';
import { CALLS, DURATION, ERROR, prom, promNow, share, sqlSeries, sqlTable } from './queries.ts';
import { choice, clickHouseVariable, labelVariable, prometheusVariable, sqlChoice } from './variables.ts';

const WHERE = 'service_name=~"$service", span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"';
const BUDGET = '(1 - $objective)';

const failed = (range: string, by = ''): string =>
  share(`rate(${CALLS}{${WHERE}, ${ERROR}}[${range}])`, `rate(${CALLS}{${WHERE}}[${range}])`, by);
const burn = (range: string, by = ''): string => `(${failed(range, by)}) / ${BUDGET}`;
/** Prometheus writes a whole bound with or without a decimal point, as it was scraped. */
const fast = (range: string, by = ''): string => {
  const sum = by === '' ? 'sum' : `sum by (${by})`;
  return `${sum} (rate(${DURATION}_bucket{${WHERE}, le=~"$threshold_ms(\\\\.0)?"}[${range}])) / ${sum} (rate(${DURATION}_count{${WHERE}}[${range}]))`;
};

const ROLLUP = `Connector = \${connector:singlequote} AND SpanKind IN ('Server', 'Consumer')
  AND $__conditionalAll(ServiceName IN (\${service:singlequote}), $service)`;

/** Objectives, what is left of their budgets, and how fast it burns. */
export function slo(): Dashboard {
  return assemble({
    uid: UIDS.slo,
    title: 'Spanweir / SLO',
    description:
      'Availability and latency of services against an objective. The alerts of grafana/prometheus/alerts.yaml ask the same.',
    from: 'now-24h',
    variables: [
      prometheusVariable(),
      clickHouseVariable(),
      labelVariable('service', 'Service', CALLS, 'service_name'),
      choice('objective', 'Objective', ['0.9', '0.95', '0.99', '0.995', '0.999', '0.9999'], '0.999'),
      choice(
        'threshold_ms',
        'Fast enough (ms)',
        [
          '2',
          '4',
          '6',
          '8',
          '10',
          '50',
          '100',
          '200',
          '400',
          '800',
          '1000',
          '1400',
          '2000',
          '5000',
          '10000',
          '15000',
        ],
        '800',
      ),
      sqlChoice(
        'connector',
        'Connector',
        'SELECT DISTINCT toString(Connector) AS c FROM span_metrics_1h ORDER BY c',
      ),
    ],
    sections: [
      { title: 'Over the range', panels: [...figures(), services()] },
      { title: 'Burn rate', panels: burning() },
      { title: 'Thirty days, from ClickHouse', panels: month() },
    ],
  });
}

function figures() {
  return [
    figure(
      {
        title: 'Available',
        description: 'Share of spans without status Error.',
        unit: 'percentunit',
        width: 6,
      },
      promNow('A', `1 - (${failed('$__range')})`),
    ).decimals(3),
    figure(
      {
        title: 'Error budget left',
        description: '1: none of it is used; below 0: the objective is missed over this range.',
        unit: 'percentunit',
        width: 6,
      },
      promNow('A', `1 - ${burn('$__range')}`),
    ).thresholds(goals(0, 0.25)),
    figure(
      { title: 'Burn rate, 1 h', description: '1 uses the budget up exactly.', width: 6 },
      promNow('A', burn('1h')),
    ).thresholds(limits(1, 14.4)),
    figure(
      {
        title: 'Fast enough',
        description: 'Share of spans within the threshold, which has to be a bound of the histogram.',
        unit: 'percentunit',
        width: 6,
      },
      promNow('A', fast('$__range')),
    ).decimals(3),
  ];
}

function services() {
  return table(
    { title: 'Services', description: 'Over the whole range.', width: 24 },
    promNow('A', `1 - (${failed('$__range', 'service_name')})`),
    promNow('B', `1 - ${burn('$__range', 'service_name')}`),
    promNow('C', burn('1h', 'service_name')),
    promNow('D', fast('$__range', 'service_name')),
    promNow('E', `sum by (service_name) (increase(${CALLS}{${WHERE}, ${ERROR}}[$__range]))`),
  )
    .withTransformation(
      naming({
        Time: '',
        service_name: 'Service',
        'Value #A': 'Available',
        'Value #B': 'Budget left',
        'Value #C': 'Burn, 1 h',
        'Value #D': 'Fast enough',
        'Value #E': 'Errors',
      }),
    )
    .overrideByName('Service', [linked('Its performance', toService(cell('Service')))])
    .overrideByRegexp('^(Available|Budget left|Fast enough)$', [inUnit('percentunit')]);
}

function burning() {
  return [
    lines(
      {
        title: 'Burn rate',
        description:
          'Alerts: above 14.4 in 1 h and 5 min, above 6 in 6 h and 30 min, above 3 in 1 d and 2 h, above 1 in 3 d and 6 h.',
      },
      ...['5m', '1h', '6h', '1d'].map((range, i) => prom(String.fromCharCode(65 + i), burn(range), range)),
    ),
    lines(
      { title: 'Burn rate by service', description: 'Of one hour.' },
      prom('A', burn('1h', 'service_name'), '{{service_name}}'),
    ),
  ];
}

function month() {
  const daily = `SELECT toStartOfDay(Ts) AS time, ServiceName AS service, sumIf(Calls, StatusCode = 'Error') / sum(Calls) / (1 - $objective) AS used
FROM span_metrics_1h
WHERE Ts > now() - INTERVAL 30 DAY AND ${ROLLUP}
GROUP BY time, service
ORDER BY time`;
  const budgets = `SELECT ServiceName AS service, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors, 1 - errors / calls AS available,
       1 - (errors / calls) / (1 - $objective) AS budget_left, calls * (1 - $objective) - errors AS errors_left
FROM span_metrics_1h
WHERE Ts > now() - INTERVAL 30 DAY AND ${ROLLUP}
GROUP BY service
ORDER BY budget_left`;
  return [
    columns(
      {
        title: 'Budget used by each day',
        description: 'Of that day: 1 uses it up exactly.',
        unit: 'percentunit',
      },
      sqlSeries('A', daily),
    ).timeFrom('30d'),
    table(
      { title: 'Budget of thirty days', description: 'From the hourly rollup; exact.' },
      sqlTable('A', budgets),
    )
      .overrideByName('service', [linked('Its performance', toService(cell('service')))])
      .overrideByRegexp('^(available|budget_left)$', [inUnit('percentunit')]),
  ];
}
