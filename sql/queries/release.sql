-- title: Before and after a release
-- about: Operations of a service in one service.version against another, from raw spans, the most changed first. Error
--   shares and durations are those of the spans themselves, so that it does not matter how much traffic each version had.
-- param service (text): the service
-- param release (text): the new version
-- param against (text = ): the version to compare with; empty = all others
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1d): where to begin
-- param to (time = now): where to end
-- param limit (count = 50): most rows
SELECT
    SpanName AS operation,
    round(sumIf(SampleWeight, NOT new), 3) AS calls_before,
    round(sumIf(SampleWeight, new), 3) AS calls_after,
    round(sumIf(SampleWeight, NOT new AND StatusCode = 'Error') / sumIf(SampleWeight, NOT new), 6) AS error_share_before,
    round(sumIf(SampleWeight, new AND StatusCode = 'Error') / sumIf(SampleWeight, new), 6) AS error_share_after,
    round(quantileExactWeightedIf(0.5)(Duration, toUInt64(1000 * SampleWeight), NOT new) / 1e6, 3) AS p50_ms_before,
    round(quantileExactWeightedIf(0.5)(Duration, toUInt64(1000 * SampleWeight), new) / 1e6, 3) AS p50_ms_after,
    round(quantileExactWeightedIf(0.95)(Duration, toUInt64(1000 * SampleWeight), NOT new) / 1e6, 3) AS p95_ms_before,
    round(quantileExactWeightedIf(0.95)(Duration, toUInt64(1000 * SampleWeight), new) / 1e6, 3) AS p95_ms_after
FROM
(
    SELECT SpanName, StatusCode, Duration, SampleWeight, ResourceAttributes['service.version'] = {release:String} AS new
    FROM {{DB}}.otel_traces
    WHERE Timestamp >= {from:DateTime} AND Timestamp < {to:DateTime} AND ServiceName = {service:String}
      AND ({against:String} = '' OR new OR ResourceAttributes['service.version'] = {against:String})
      AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
)
GROUP BY operation
ORDER BY
    greatest(ifNotFinite(abs(log2(p95_ms_after / p95_ms_before)), 0), ifNotFinite(10 * abs(error_share_after - error_share_before), 0)) DESC,
    operation
LIMIT {limit:UInt64}
