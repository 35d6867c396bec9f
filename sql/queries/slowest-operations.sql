-- title: Slowest operations
-- about: Operations by a quantile of their duration, the slowest first.
-- param service (text = ): only this service; empty = all
-- param quantile (number = 0.95): which quantile makes the order
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param least (count = 10): operations with fewer spans are left out
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 20): most rows
SELECT
    ServiceName AS service,
    SpanName AS operation,
    SpanKind AS kind,
    round(exphist_quantile({quantile:Float64}, sumMap(Hist)) * 1000, 3) AS quantile_ms,
    round(exphist_quantile(0.5, sumMap(Hist)) * 1000, 3) AS p50_ms,
    round(max(DurationMaxNs) / 1e6, 3) AS max_ms,
    round(sum(DurationSumNs) / sum(Calls) / 1e6, 3) AS mean_ms,
    round(sum(Calls), 3) AS calls
FROM {{SPAN_METRICS}}
WHERE ({service:String} = '' OR ServiceName = {service:String})
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY ServiceName, SpanName, SpanKind
HAVING sum(Spans) >= {least:UInt64}
ORDER BY quantile_ms DESC, service, operation, kind
LIMIT {limit:UInt64}
