-- title: Rate, errors and durations of a service over time
-- about: One row a step. The rate is of requests, sampled or not, with the bounds of a 95 % interval; the last step is
--   shorter when the range ends in it, and its rate is of the part that is over. Steps without spans are left out.
-- param service (text): the service
-- param operation (text = ): only this operation; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param step (duration = auto): length of a step; auto makes some hundred of them
WITH
    toDateTime(intDiv(toUnixTimestamp(Ts), {step:UInt32}) * {step:UInt32}, 'UTC') AS step_start,
    least({step:UInt32}, toUnixTimestamp({to:DateTime}) - toUnixTimestamp(step_start)) AS seconds,
    -- errors of several series add up, since their spans are of the same traces
    sumMap(if(WeightSquares = 0, CAST(map(), 'Map(UInt64, Float64)'), map(cityHash64(SpanKind, SpanName, StatusCode), WeightSquares))) AS squares,
    pow(arraySum(square -> sqrt(square), mapValues(squares)), 2) AS variance
SELECT
    step_start AS time,
    round(sum(Calls) / seconds, 6) AS calls_per_s,
    round(calls_low(sum(Spans), sum(Calls), variance) / seconds, 6) AS calls_per_s_low,
    round(calls_high(sum(Calls), variance, max(WeightMax)) / seconds, 6) AS calls_per_s_high,
    round(sumIf(Calls, StatusCode = 'Error') / seconds, 6) AS errors_per_s,
    round(sumIf(Calls, StatusCode = 'Error') / sum(Calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMap(Hist)) * 1000, 3) AS p50_ms,
    round(exphist_quantile(0.95, sumMap(Hist)) * 1000, 3) AS p95_ms,
    round(exphist_quantile(0.99, sumMap(Hist)) * 1000, 3) AS p99_ms
FROM {{SPAN_METRICS}}
WHERE ServiceName = {service:String}
  AND ({operation:String} = '' OR SpanName = {operation:String})
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY step_start
ORDER BY time
