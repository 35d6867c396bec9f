-- title: Operations that fail most
-- about: Operations by how many of their spans end in an error; where there are none an operation is left out.
-- param service (text = ): only this service; empty = all
-- param sort (errors|share = errors): by number or by share
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param least (count = 10): operations with fewer spans are left out
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 20): most rows
SELECT
    ServiceName AS service,
    SpanName AS operation,
    SpanKind AS kind,
    round(sumIf(Calls, StatusCode = 'Error'), 3) AS errors,
    round(sum(Calls), 3) AS calls,
    round(sumIf(Calls, StatusCode = 'Error') / sum(Calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMapIf(Hist, StatusCode = 'Error')) * 1000, 3) AS failed_p50_ms,
    round(exphist_quantile(0.5, sumMapIf(Hist, StatusCode != 'Error')) * 1000, 3) AS good_p50_ms
FROM {{SPAN_METRICS}}
WHERE ({service:String} = '' OR ServiceName = {service:String})
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY ServiceName, SpanName, SpanKind
HAVING sum(Spans) >= {least:UInt64} AND errors > 0
ORDER BY if({sort:String} = 'share', error_share, errors) DESC, service, operation, kind
LIMIT {limit:UInt64}
