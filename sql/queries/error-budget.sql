-- title: Error budget of a service
-- about: What an objective allows to go wrong in a range, and how much of it has. Bad is what ends in an error, and with
--   slower also what takes longer than that (counted by interpolation in the bucket of the histogram that it falls into).
--   A burn rate of 1 spends exactly the budget.
-- param service (text): the service
-- param objective (number = 0.999): share of requests that has to be good
-- param slower (duration = 0): requests that take longer are bad too; 0 = only errors are
-- param operation (text = ): only this operation; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 30d): where to begin
-- param to (time = now): where to end
SELECT
    round(all_calls, 3) AS calls,
    round(errors, 3) AS errors,
    round(slow, 3) AS slow,
    round(1 - (errors + slow) / all_calls, 6) AS good_share,
    round(all_calls * (1 - {objective:Float64}), 3) AS budget,
    round((errors + slow) / (all_calls * (1 - {objective:Float64})), 6) AS spent_share,
    round(1 - (errors + slow) / (all_calls * (1 - {objective:Float64})), 6) AS left_share,
    round((errors + slow) / all_calls / (1 - {objective:Float64}), 6) AS burn_rate
FROM
(
    SELECT
        sum(Calls) AS all_calls,
        sumIf(Calls, StatusCode = 'Error') AS errors,
        sumMapIf(Hist, StatusCode != 'Error') AS hist,
        if({slower:Float64} = 0, 0, arraySum(
            -- the part of each bucket that lies above the limit
            (bucket, count) -> count * greatest(0, least(1, bucket + 1 - 16 * log2({slower:Float64}))),
            mapKeys(hist), mapValues(hist))) AS slow
    FROM {{SPAN_METRICS}}
    WHERE ServiceName = {service:String}
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
)
WHERE all_calls > 0
