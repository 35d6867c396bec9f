-- title: What changed most
-- about: Operations now against the same range a while ago. The score is the largest of three: doublings of the rate,
--   tenths of the error share, doublings of the 95th percentile, up or down. A rate counts where its 99.7 % intervals do not
--   meet, an error share where it differs by more than three standard errors, a percentile where it moves by more than
--   the width of a bucket.
-- param service (text = ): only this service; empty = all
-- param versus (duration = 1d): how long ago the other range is
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param least (count = 30): operations with fewer spans in both ranges are left out
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 20): most rows
WITH
    toUnixTimestamp({to:DateTime}) - toUnixTimestamp({from:DateTime}) AS seconds,
    -- a Poisson process of traffic, thinned by sampling
    3 * (sqrt(calls + squares) + sqrt(calls_before + squares_before)) AS rate_noise,
    (errors + errors_before) / (calls + calls_before) AS both_share,
    3 * sqrt(both_share * (1 - both_share) * (1 / greatest(spans, 1) + 1 / greatest(spans_before, 1))) AS share_noise,
    if(abs(calls - calls_before) > rate_noise, abs(log2((calls + 1) / (calls_before + 1))), 0) AS rate_score,
    if(abs(error_share - error_share_before) > share_noise, 10 * abs(error_share - error_share_before), 0) AS errors_score,
    if(p95_ms > 0 AND p95_ms_before > 0 AND abs(log2(p95_ms / p95_ms_before)) > 1 / 16, abs(log2(p95_ms / p95_ms_before)), 0) AS p95_score
SELECT
    ServiceName AS service,
    SpanName AS operation,
    round(greatest(rate_score, errors_score, p95_score), 3) AS score,
    multiIf(score = 0, '', rate_score >= greatest(errors_score, p95_score), 'rate', errors_score >= p95_score, 'errors', 'p95') AS what,
    round(calls_before / seconds, 6) AS calls_per_s_before,
    round(calls / seconds, 6) AS calls_per_s,
    if(calls_before > 0, round(errors_before / calls_before, 6), 0) AS error_share_before,
    if(calls > 0, round(errors / calls, 6), 0) AS error_share,
    round(exphist_quantile(0.95, hist_before) * 1000, 3) AS p95_ms_before,
    round(exphist_quantile(0.95, hist) * 1000, 3) AS p95_ms
FROM
(
    SELECT
        ServiceName, SpanName,
        sumIf(Spans, now) AS spans, sumIf(Spans, NOT now) AS spans_before,
        sumIf(Calls, now) AS calls, sumIf(Calls, NOT now) AS calls_before,
        sumIf(WeightSquares, now) AS squares, sumIf(WeightSquares, NOT now) AS squares_before,
        sumIf(Calls, now AND StatusCode = 'Error') AS errors, sumIf(Calls, NOT now AND StatusCode = 'Error') AS errors_before,
        sumMapIf(Hist, now) AS hist, sumMapIf(Hist, NOT now) AS hist_before
    FROM
    (
        SELECT *, true AS now FROM {{SPAN_METRICS}}
        UNION ALL
        SELECT *, false AS now FROM {{SPAN_METRICS versus}}
    )
    WHERE ({service:String} = '' OR ServiceName = {service:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
    GROUP BY ServiceName, SpanName
    HAVING greatest(spans, spans_before) >= {least:UInt64}
)
ORDER BY score DESC, service, operation
LIMIT {limit:UInt64}
