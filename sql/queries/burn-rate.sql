-- title: Burn rate of an error budget, as alerts look at it
-- about: How fast errors spend the budget, over pairs of a long and a short window that end at `to`: 1 spends all of it
--   within the objective's own period. A pair fires when both of its windows are above its limit, which are those
--   of Google's SRE workbook for 30 days.
-- param service (text): the service
-- param objective (number = 0.999): share of requests that has to be good
-- param operation (text = ): only this operation; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param to (time = now): the end of all windows
WITH windows AS
(
    SELECT 300 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 5m}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 1800 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 30m}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 3600 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 1h}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 7200 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 2h}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 21600 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 6h}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 86400 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 1d}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    UNION ALL
    SELECT 259200 AS length, sum(Calls) AS calls, sumIf(Calls, StatusCode = 'Error') AS errors
    FROM {{SPAN_METRICS last 3d}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
),
burns AS
(
    SELECT CAST((groupArray(length), groupArray(if(calls > 0, errors / calls / (1 - {objective:Float64}), 0))), 'Map(UInt32, Float64)') AS of
    FROM windows
)
SELECT
    pair.1 AS long_window,
    round(of[pair.2], 6) AS long_burn,
    pair.3 AS short_window,
    round(of[pair.4], 6) AS short_burn,
    pair.5 AS limit,
    pair.6 AS severity,
    long_burn > limit AND short_burn > limit AS fires
FROM burns
ARRAY JOIN [('1h', 3600, '5m', 300, 14.4, 'page'), ('6h', 21600, '30m', 1800, 6, 'page'), ('1d', 86400, '2h', 7200, 3, 'ticket'), ('3d', 259200, '6h', 21600, 1, 'ticket')] AS pair
