-- title: Rate, errors and durations of a service over time
-- about: One row a step. The rate is of requests, sampled or not, with the bounds of a 95 % interval; the last step is
--   shorter when the range ends in it, and its rate is of the part that is over. Steps without spans are left out.
-- param service (text): the service
-- param operation (text = ): only this operation; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param step (duration = auto): length of a step; auto makes some hundred of them
SELECT
    time,
    round(sum(calls) / seconds, 6) AS calls_per_s,
    round(calls_low(sum(spans), sum(calls), pow(sum(sqrt(squares)), 2)) / seconds, 6) AS calls_per_s_low,
    round(calls_high(sum(calls), pow(sum(sqrt(squares)), 2), max(largest)) / seconds, 6) AS calls_per_s_high,
    round(sumIf(calls, StatusCode = 'Error') / seconds, 6) AS errors_per_s,
    round(sumIf(calls, StatusCode = 'Error') / sum(calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMap(hist)) * 1000, 3) AS p50_ms,
    round(exphist_quantile(0.95, sumMap(hist)) * 1000, 3) AS p95_ms,
    round(exphist_quantile(0.99, sumMap(hist)) * 1000, 3) AS p99_ms
FROM
(
    SELECT
        toDateTime(intDiv(toUnixTimestamp(Ts), {step:UInt32}) * {step:UInt32}, 'UTC') AS time,
        least({step:UInt32}, toUnixTimestamp({to:DateTime}) - toUnixTimestamp(time)) AS seconds,
        SpanKind, SpanName, StatusCode,
        sum(Spans) AS spans, sum(Calls) AS calls, sum(WeightSquares) AS squares, max(WeightMax) AS largest, sumMap(Hist) AS hist
    FROM {{SPAN_METRICS}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    GROUP BY time, SpanKind, SpanName, StatusCode
)
GROUP BY time, seconds
ORDER BY time
