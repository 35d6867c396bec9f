-- title: All services: rate, errors and durations
-- about: One row a service, the busiest first.
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param sort (rate|errors|error_share|p95 = rate): what comes first
-- param limit (count = 100): most rows
SELECT
    ServiceName AS service,
    round(sum(Calls) / seconds, 6) AS calls_per_s,
    round(sumIf(Calls, StatusCode = 'Error') / seconds, 6) AS errors_per_s,
    round(sumIf(Calls, StatusCode = 'Error') / sum(Calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMap(Hist)) * 1000, 3) AS p50_ms,
    round(exphist_quantile(0.95, sumMap(Hist)) * 1000, 3) AS p95_ms,
    round(exphist_quantile(0.99, sumMap(Hist)) * 1000, 3) AS p99_ms,
    toUnixTimestamp({to:DateTime}) - toUnixTimestamp({from:DateTime}) AS seconds
FROM {{SPAN_METRICS}}
WHERE {kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer'))
GROUP BY ServiceName
ORDER BY
    multiIf({sort:String} = 'errors', errors_per_s, {sort:String} = 'error_share', error_share, {sort:String} = 'p95', p95_ms, calls_per_s) DESC,
    service
LIMIT {limit:UInt64}
