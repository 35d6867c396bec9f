import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { cell, toTrace, UIDS } from './links.ts';
import { inUnit, lines, link, stack, table, trace } from './panels.ts';
import { sqlSeries, sqlTable, sqlTrace } from './queries.ts';
import { choices, clickHouseVariable, sqlVariable, textVariable } from './variables.ts';

/** Everything that the variables above the panels say. An empty text says nothing. */
const WHERE = `$__timeFilter(Timestamp)
  AND $__conditionalAll(ServiceName IN (\${service:singlequote}), $service)
  AND $__conditionalAll(SpanName IN (\${operation:singlequote}), $operation)
  AND StatusCode IN (\${status:singlequote})
  AND Duration >= 1e6 * toFloat64OrZero(\${min_ms:singlequote})
  AND (\${key:singlequote} = '' OR if(\${value:singlequote} = '', mapContains(SpanAttributes, \${key:singlequote}) OR mapContains(ResourceAttributes, \${key:singlequote}),
       SpanAttributes[\${key:singlequote}] = \${value:singlequote} OR ResourceAttributes[\${key:singlequote}] = \${value:singlequote}))`;

const GROUP = `if(mapContains(SpanAttributes, \${group:singlequote}), SpanAttributes[\${group:singlequote}], ResourceAttributes[\${group:singlequote}])`;

/** Spans and traces as they are stored, by whatever is in them. */
export function traceExplorer(): Dashboard {
  return assemble({
    uid: UIDS.traces,
    title: 'Spanweir / Trace explorer',
    description: 'Ad hoc questions to the spans in ClickHouse.',
    variables: [
      clickHouseVariable(),
      sqlVariable('service', 'Service', 'SELECT DISTINCT toString(ServiceName) FROM service_operations'),
      sqlVariable(
        'operation',
        'Operation',
        'SELECT DISTINCT SpanName FROM service_operations WHERE $__conditionalAll(ServiceName IN (${service:singlequote}), $service)',
      ),
      choices('status', 'Status', ['Unset', 'Ok', 'Error'], ['Unset', 'Ok', 'Error']),
      textVariable('min_ms', 'At least ms', '0'),
      textVariable('key', 'Attribute'),
      textVariable('value', 'Value'),
      textVariable('group', 'Group by', 'http.route'),
      textVariable('trace_id', 'Trace id'),
    ],
    sections: [
      { title: 'Spans', panels: spans() },
      { title: 'By $group', panels: groups() },
      { title: 'Traces', panels: [traces()] },
      { title: 'Trace $trace_id', panels: [oneTrace()] },
    ],
  });
}

function spans() {
  const rate = `SELECT $__timeInterval(Timestamp) AS time, StatusCode AS status, sum(SampleWeight) / $__interval_s AS spans
FROM otel_traces
WHERE ${WHERE}
GROUP BY time, status
ORDER BY time`;
  const durations = `SELECT $__timeInterval(Timestamp) AS time,
       quantile(0.5)(Duration) / 1e6 AS p50, quantile(0.95)(Duration) / 1e6 AS p95, quantile(0.99)(Duration) / 1e6 AS p99, max(Duration) / 1e6 AS max
FROM otel_traces
WHERE ${WHERE}
GROUP BY time
ORDER BY time`;
  const operations = `SELECT ServiceName AS service, SpanName AS operation, SpanKind AS kind, count() AS stored, sum(SampleWeight) AS spans,
       sumIf(SampleWeight, StatusCode = 'Error') / spans AS errors, quantile(0.95)(Duration) / 1e6 AS p95, max(Duration) / 1e6 AS max
FROM otel_traces
WHERE ${WHERE}
GROUP BY service, operation, kind
ORDER BY spans DESC
LIMIT 200`;
  return [
    stack(
      { title: 'Spans', description: 'Per second, each for as many as it stands for.', unit: 'cps' },
      sqlSeries('A', rate),
    ),
    lines(
      { title: 'Durations', description: 'Of the spans that are stored.', unit: 'ms' },
      sqlSeries('A', durations),
    ),
    table(
      { title: 'Operations', description: 'stored: rows; spans: what they stand for.', width: 24 },
      sqlTable('A', operations),
    )
      .overrideByName('errors', [inUnit('percentunit')])
      .overrideByRegexp('^(p95|max)$', [inUnit('ms')]),
  ];
}

function groups() {
  const values = `SELECT ${GROUP} AS value, sum(SampleWeight) AS spans, sumIf(SampleWeight, StatusCode = 'Error') / spans AS errors,
       quantile(0.95)(Duration) / 1e6 AS p95
FROM otel_traces
WHERE ${WHERE}
GROUP BY value
ORDER BY spans DESC
LIMIT 100`;
  const messages = `SELECT ServiceName AS service, SpanName AS operation, StatusMessage AS message, count() AS stored, any(TraceId) AS traceID
FROM otel_traces
WHERE ${WHERE} AND StatusCode = 'Error'
GROUP BY service, operation, message
ORDER BY stored DESC
LIMIT 100`;
  return [
    table(
      { title: 'Values', description: 'Of the attribute of spans, else of their resource.' },
      sqlTable('A', values),
    )
      .overrideByName('errors', [inUnit('percentunit')])
      .overrideByName('p95', [inUnit('ms')]),
    table(
      { title: 'Errors', description: 'By message, with a trace of each.' },
      sqlTable('A', messages),
    ).dataLinks([link('This trace', toTrace(cell('traceID')))]),
  ];
}

function traces() {
  const sql = `SELECT TraceId AS traceID, min(Start) AS startTime, min(Root).2 AS serviceName, min(Root).3 AS operationName,
       dateDiff('microsecond', min(Start), max(End)) / 1000 AS duration,
       arraySum(mapValues(sumMap(Spans))) AS spans, arraySum(mapValues(sumMap(Errors))) AS errors, mapKeys(sumMap(Spans)) AS services
FROM trace_summary
WHERE TraceId IN (
  SELECT TraceId FROM otel_traces WHERE ${WHERE} GROUP BY TraceId ORDER BY max(Timestamp) DESC LIMIT 100
)
GROUP BY TraceId
ORDER BY startTime DESC`;
  return table(
    {
      title: 'Newest traces',
      description: 'With a span like that; a click shows the trace below.',
      width: 24,
      height: 10,
    },
    sqlTable('A', sql),
  )
    .dataLinks([link('This trace', toTrace(cell('traceID')))])
    .overrideByName('duration', [inUnit('ms')]);
}

function oneTrace() {
  const pairs = (map: string): string => `arrayMap(k -> map('key', k, 'value', ${map}[k]), mapKeys(${map}))`;
  const sql = `WITH \${trace_id:singlequote} AS id,
     (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = id) AS from,
     (SELECT max(End) + INTERVAL 1 SECOND FROM otel_traces_trace_id_ts WHERE TraceId = id) AS to
SELECT TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID, ServiceName AS serviceName, SpanName AS operationName,
       toUnixTimestamp64Micro(Timestamp) / 1000 AS startTime, Duration / 1e6 AS duration,
       ${pairs('SpanAttributes')} AS tags, ${pairs('ResourceAttributes')} AS serviceTags,
       if(StatusCode = 'Error', 2, 0) AS statusCode, StatusMessage AS statusMessage, SpanKind AS kind, TraceState AS traceState,
       arrayMap((n, t, a) -> tuple(n, toUnixTimestamp64Micro(t) / 1000, arrayMap(k -> map('key', k, 'value', a[k]), mapKeys(a)))::Tuple(name String, timestamp Float64, fields Array(Map(String, String))),
                Events.Name, Events.Timestamp, Events.Attributes) AS logs,
       arrayMap((t, s, a) -> tuple(t, s, arrayMap(k -> map('key', k, 'value', a[k]), mapKeys(a)))::Tuple(traceID String, spanID String, tags Array(Map(String, String))),
                Links.TraceId, Links.SpanId, Links.Attributes) AS references
FROM otel_traces
WHERE TraceId = id AND Timestamp >= from AND Timestamp <= to
ORDER BY startTime
LIMIT 10000`;
  return trace(
    { title: 'Trace', description: 'Of the id above.', width: 24, height: 16 },
    sqlTrace('A', sql),
  );
}
