-- title: Operations of a service: rate, errors and durations
-- about: One row an operation and kind of span. The rate is of requests, sampled or not, with the bounds of a 95 %
--   interval; busy_share is which part of all the time that the rows show was spent in it.
-- param service (text = ): the service; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param sort (rate|errors|error_share|p95|busy = rate): what comes first
-- param limit (count = 100): most rows
WITH
    toUnixTimestamp({to:DateTime}) - toUnixTimestamp({from:DateTime}) AS seconds,
    -- errors of several series add up, since their spans are of the same traces
    sumMap(if(WeightSquares = 0, CAST(map(), 'Map(String, Float64)'), map(toString(StatusCode), WeightSquares))) AS squares,
    pow(arraySum(square -> sqrt(square), mapValues(squares)), 2) AS variance
SELECT
    ServiceName AS service,
    SpanName AS operation,
    SpanKind AS kind,
    round(sum(Calls) / seconds, 6) AS calls_per_s,
    round(calls_low(sum(Spans), sum(Calls), variance) / seconds, 6) AS calls_per_s_low,
    round(calls_high(sum(Calls), variance, max(WeightMax)) / seconds, 6) AS calls_per_s_high,
    round(sumIf(Calls, StatusCode = 'Error') / seconds, 6) AS errors_per_s,
    round(sumIf(Calls, StatusCode = 'Error') / sum(Calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMap(Hist)) * 1000, 3) AS p50_ms,
    round(exphist_quantile(0.95, sumMap(Hist)) * 1000, 3) AS p95_ms,
    round(exphist_quantile(0.99, sumMap(Hist)) * 1000, 3) AS p99_ms,
    round(sum(DurationSumNs) / sum(sum(DurationSumNs)) OVER (), 6) AS busy_share
FROM {{SPAN_METRICS}}
WHERE ({service:String} = '' OR ServiceName = {service:String})
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY ServiceName, SpanName, SpanKind
ORDER BY
    multiIf({sort:String} = 'errors', errors_per_s, {sort:String} = 'error_share', error_share, {sort:String} = 'p95', p95_ms,
        {sort:String} = 'busy', busy_share, calls_per_s) DESC,
    service, operation, kind
LIMIT {limit:UInt64}
