-- title: Versions of a service
-- about: Each service.version that ran in a range, from raw spans: when it was seen, and how it did. The oldest first.
-- param service (text): the service
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1d): where to begin
-- param to (time = now): where to end
SELECT
    ResourceAttributes['service.version'] AS version,
    toDateTime(min(Timestamp), 'UTC') AS first_seen,
    toDateTime(max(Timestamp), 'UTC') AS last_seen,
    uniqExact(ResourceAttributes['service.instance.id']) AS instances,
    round(sum(SampleWeight), 3) AS calls,
    round(sumIf(SampleWeight, StatusCode = 'Error') / sum(SampleWeight), 6) AS error_share,
    round(quantileExactWeighted(0.5)(Duration, toUInt64(1000 * SampleWeight)) / 1e6, 3) AS p50_ms,
    round(quantileExactWeighted(0.95)(Duration, toUInt64(1000 * SampleWeight)) / 1e6, 3) AS p95_ms
FROM {{DB}}.otel_traces
WHERE Timestamp >= {from:DateTime} AND Timestamp < {to:DateTime} AND ServiceName = {service:String}
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY version
ORDER BY first_seen, version
