import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { cell, toSampling, toService, UIDS } from './links.ts';
import { columns, figure, inUnit, limits, lines, linked, stack, table } from './panels.ts';
import { orZero, prom, promNow, sqlSeries, sqlTable } from './queries.ts';
import { clickHouseVariable, prometheusVariable, sqlVariable } from './variables.ts';

/** What was decided on within the range; ServiceName '' is the default of unknown services. */
const DECIDED = `$__timeFilter(Ts)
  AND $__conditionalAll(ServiceName IN (\${service:singlequote}), $service)`;

const CHOSEN = '$__conditionalAll(ServiceName IN (${service:singlequote}), $service)';

/** The rules as they are stored, and in words: ARRAYs of ClickHouse. */
const WHY: Readonly<Record<string, string>> = {
  initial: 'nothing is known yet',
  stored: 'taken over from before a restart',
  cold_start: 'few roots so far',
  kept: 'the difference is within what samples can tell',
  raised: 'less is sampled than wanted',
  raised_carefully: 'less than wanted, but samples are few',
  lowered: 'more is sampled than wanted',
  silent: 'no root for longer than chance explains',
  silent_long: 'silent for long',
  minimum: 'at the lowest allowed value',
  maximum: 'all there is, or the highest allowed value',
  fixed: 'an override fixes it',
  never: 'an override says never',
  boosted: 'errors or durations left what they were',
  not_followed: 'the service does not sample as told',
  tail: 'one of too many operations',
  left: 'no root for an hour',
  siblings: 'by the traffic of its siblings',
  within_tolerance: 'within the tolerance round the target',
  raised_capped: 'raised by the most that a step may',
  no_traffic_doubled: 'no sampled root seen lately',
  not_using: 'its last value has not been seen yet',
  floor: 'at the lowest allowed value',
  ceiling: 'everything is sampled',
};

const literals = (words: readonly string[]): string => `[${words.map((word) => `'${word}'`).join(', ')}]`;
const IN_WORDS = `transform(toString(Rule), ${literals(Object.keys(WHY))}, ${literals(Object.values(WHY))}, toString(Rule))`;

/** A NaN would make a sum unknown. */
const known = (column: string): string => `if(isNaN(${column}), 0, ${column})`;

/** What stood in each interval: everything that stands is written again every five minutes. */
const STOOD = `SELECT $__timeInterval(Ts) AS time, ServiceName, Operation,
         argMax(Probability, Ts) AS p, argMax(Rate, Ts) AS r, argMax(Target, Ts) AS t
  FROM sampling_probabilities
  WHERE ${DECIDED} AND Operation != ''
  GROUP BY time, ServiceName, Operation`;

/** Adaptive sampling: what is served, what really comes, what was wanted, and why. */
export function sampling(): Dashboard {
  return assemble({
    uid: UIDS.sampling,
    title: 'Spanweir / Sampling',
    description: 'Probabilities that are served, what they lead to, the budget, and why it is so.',
    from: 'now-6h',
    variables: [
      prometheusVariable(),
      clickHouseVariable(),
      sqlVariable(
        'service',
        'Service',
        "SELECT DISTINCT toString(ServiceName) FROM sampling_probabilities WHERE ServiceName != '' AND Ts > now() - INTERVAL 2 DAY",
      ),
    ],
    sections: [
      { title: 'Now', panels: now() },
      { title: 'Why', panels: why() },
      { title: 'Served, real, wanted', panels: overTime() },
      { title: 'Budget and conformance', panels: budget() },
      { title: 'Pollers', panels: pollers() },
      { title: 'The controller', panels: controller() },
    ],
  });
}

function now() {
  const gauge = (title: string, description: string, expr: string, unit?: string) =>
    figure({ title, description, ...(unit !== undefined && { unit }) }, promNow('A', expr));
  return [
    gauge('Services', 'With a strategy of their own.', 'max(spanweir_sampling_services)'),
    gauge('Operations', 'With a probability of their own.', 'max(spanweir_sampling_operations)'),
    gauge(
      'Pollers',
      'Addresses, each with a user agent, that polls came from.',
      'sum(spanweir_sampling_pollers)',
    ),
    gauge(
      'Not following',
      'Services that do not sample as they are told.',
      'sum(max by (conformance) (spanweir_sampling_not_following_services))',
    ).thresholds(limits(1, 1)),
    gauge(
      'Behind',
      'How far the slowest partition holds decisions back.',
      'max(spanweir_sampling_windows_behind_seconds)',
      's',
    ).thresholds(limits(60, 300)),
    gauge(
      'Decided until',
      'How long ago the newest window that was decided on ended.',
      'time() - max(spanweir_sampling_decided_until_seconds)',
      's',
    ).thresholds(limits(120, 600)),
  ];
}

function why() {
  const sql = `SELECT ServiceName AS service,
       multiIf(Operation != '', Operation, ServiceName != '', '(default)', '(unknown services)') AS operation,
       Probability AS served, Previous AS before, ${IN_WORDS} AS why,
       Rate AS rate, RateLow AS low, RateHigh AS high, Rate * Probability AS sampled, Target AS target,
       BudgetShare AS budget, Conformance AS conformance, Samples AS samples, ChangedAt AS changed
FROM sampling_probabilities_latest
WHERE ${CHOSEN}
ORDER BY sampled DESC, service, operation
LIMIT 1000`;
  return [
    table(
      {
        title: 'What stands, and why',
        description:
          'rate: requests a second, sampled or not, with its 95 % interval (low, high); sampled: what the probability makes of it; target: sampled traces a second that are wanted.',
        width: 24,
        height: 12,
      },
      sqlTable('A', sql),
    )
      .overrideByName('service', [linked('This service', toSampling(cell('service')))])
      .overrideByName('operation', [linked('Its performance', toService(cell('service'), cell('operation')))])
      .overrideByRegexp('^(rate|low|high|sampled|target)$', [inUnit('reqps')])
      .overrideByName('budget', [inUnit('percentunit')])
      .overrideByName('changed', [inUnit('dateTimeFromNow')]),
  ];
}

function overTime() {
  const probabilities = `SELECT $__timeInterval(Ts) AS time, concat(ServiceName, ' ', Operation) AS operation,
       argMax(Probability, Ts) AS served
FROM sampling_probabilities
WHERE ${DECIDED} AND Operation != ''
GROUP BY time, operation
ORDER BY time`;
  const totals = `SELECT time, sum(${known('t')}) AS wanted, sum(${known('r')} * p) AS expected, sum(${known('r')}) AS requests
FROM (${STOOD})
GROUP BY time
ORDER BY time`;
  const real = `SELECT $__timeInterval(Ts) AS time, sum(Roots) / $__interval_s AS real
FROM sampling_throughput
WHERE $__timeFilter(Ts) AND ${CHOSEN}
GROUP BY time
ORDER BY time`;
  const traffic = `SELECT $__timeInterval(Ts) AS time, argMax(Rate, Ts) AS rate, argMax(RateLow, Ts) AS low, argMax(RateHigh, Ts) AS high,
       concat(ServiceName, ' ', Operation) AS operation
FROM sampling_probabilities
WHERE ${DECIDED} AND Operation != '' AND NOT isNaN(Rate)
GROUP BY time, operation
ORDER BY time`;
  return [
    lines(
      { title: 'Probabilities served', description: 'The last one of each interval.', unit: 'percentunit' },
      sqlSeries('A', probabilities),
    ).interval('5m'),
    lines(
      {
        title: 'Sampled traces: wanted, expected, real',
        description:
          'wanted: the targets; expected: probability times estimated requests; real: root spans that came.',
        unit: 'reqps',
      },
      sqlSeries('A', totals),
      sqlSeries('B', real),
    ).interval('5m'),
    lines(
      {
        title: 'Requests, estimated',
        description: 'With the bounds of the 95 % interval; sampled or not.',
        unit: 'reqps',
        width: 24,
      },
      sqlSeries('A', traffic),
    ).interval('5m'),
  ];
}

function budget() {
  const shares = `SELECT ServiceName AS service, sum(${known('Target')}) AS target, sum(${known('Rate')} * Probability) AS sampled,
       sum(${known('BudgetShare')}) AS budget, sum(${known('Rate')}) AS requests
FROM sampling_probabilities_latest
WHERE Operation != '' AND ${CHOSEN}
GROUP BY service
ORDER BY sampled DESC`;
  const conformance = `SELECT ServiceName AS service, Conformance AS conformance, Ts AS decided, Samples AS samples,
       GateLow AS lowest, GateHigh AS highest
FROM sampling_probabilities_latest
WHERE Operation = '' AND ServiceName != '' AND ${CHOSEN}
ORDER BY conformance NOT IN ('follows', 'unknown') DESC, service`;
  return [
    table(
      { title: 'Budget by service', description: 'Sampled traces a second, wanted and expected.' },
      sqlTable('A', shares),
    )
      .overrideByRegexp('^(target|sampled|requests)$', [inUnit('reqps')])
      .overrideByName('budget', [inUnit('percentunit')]),
    table(
      {
        title: 'Conformance',
        description:
          'samples_more: keeps what it should leave out; samples_less: lacks what it should keep; not_uniform: its trace ids are not random enough. lowest, highest: what a poller may still sample with.',
      },
      sqlTable('A', conformance),
    ).overrideByName('service', [linked('This service', toSampling(cell('service')))]),
  ];
}

function pollers() {
  const who = `SELECT Instance AS answered_by, max(At) AS told, each.1 AS service, argMax(each.2, At) AS instances,
       argMax(each.3, At) / 1000 AS slowest_s, argMax(each.4, At) AS honours_lower_bound
FROM (
  SELECT Instance, At, arrayJoin(JSONExtract(report, 'services', 'Array(Tuple(String, UInt32, Nullable(Float64), UInt8))')) AS each
  FROM (SELECT Instance, At, arrayJoin(JSONExtract(Pollers, 'Array(String)')) AS report FROM sampling_pollers FINAL)
)
WHERE $__conditionalAll(service IN (\${service:singlequote}), $service)
GROUP BY Instance, service
ORDER BY service, answered_by`;
  return [
    stack(
      { title: 'Polls', description: 'Answers to SDKs, and what failed.', unit: 'reqps' },
      prom(
        'A',
        'sum by (transport, result) (rate(spanweir_sampling_polls_total[$__rate_interval]))',
        '{{transport}} {{result}}',
      ),
    ),
    table(
      {
        title: 'Who polls',
        description: 'As each replica told the others within the last hour.',
      },
      sqlTable('A', who),
    ).overrideByName('slowest_s', [inUnit('s')]),
  ];
}

function controller() {
  const trouble = [
    'rate(spanweir_sampling_store_errors_total[$__rate_interval])',
    'rate(spanweir_sampling_topic_errors_total[$__rate_interval])',
  ];
  const roots = 'sum by (told) (rate(spanweir_adaptive_sampling_roots_total[$__rate_interval]))';
  const changes = `SELECT $__timeInterval(Ts) AS time, Rule AS rule, count() AS changes
FROM sampling_probabilities
WHERE ${DECIDED} AND Ts = ChangedAt
GROUP BY time, rule
ORDER BY time`;
  return [
    columns(
      { title: 'Changes by rule', description: 'Probabilities that were changed.', width: 8 },
      sqlSeries('A', changes),
    ),
    lines(
      {
        title: 'Rounds and trouble',
        description: 'Rounds of the control loop; failed reads and writes.',
        unit: 'cps',
        width: 8,
      },
      prom('A', 'sum(rate(spanweir_sampling_recomputations_total[$__rate_interval]))', 'rounds'),
      prom('B', orZero(`sum(${trouble[0]})`), 'store errors'),
      prom('C', orZero(`sum(${trouble[1]})`), 'topic errors'),
    ),
    stack(
      {
        title: 'Roots by what they tell',
        description: 'Of their sampler: its probability, that a bound kept them, or nothing.',
        unit: 'cps',
        width: 8,
      },
      prom('A', roots, '{{told}}'),
    ),
  ];
}
