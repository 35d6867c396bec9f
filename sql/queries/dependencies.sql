-- title: Which service calls which
-- about: From raw spans: a span and its parent in another service. Calls are of requests, sampled or not; durations are the callee's.
--   It reads all spans of the range, so it is for short ones; where a service_graph connector runs, service-graph is for all.
-- param service (text = ): only what this service calls or is called by; empty = all
-- param from (time = 15m): where to begin
-- param to (time = now): where to end
SELECT
    caller, callee,
    round(sum(weight), 3) AS calls,
    round(sumIf(weight, failed), 3) AS errors,
    round(sumIf(weight, failed) / sum(weight), 6) AS error_share,
    round(quantileExactWeighted(0.5)(duration, toUInt64(1000 * weight)) / 1e6, 3) AS p50_ms,
    round(quantileExactWeighted(0.95)(duration, toUInt64(1000 * weight)) / 1e6, 3) AS p95_ms
FROM
(
    SELECT
        parent.ServiceName AS caller, child.ServiceName AS callee, child.SampleWeight AS weight, child.StatusCode = 'Error' AS failed,
        child.Duration AS duration
    FROM
    (
        SELECT TraceId, ParentSpanId, ServiceName, SampleWeight, StatusCode, Duration
        FROM {{DB}}.otel_traces
        WHERE Timestamp >= {from:DateTime} AND Timestamp < {to:DateTime} AND ParentSpanId != ''
    ) AS child
    INNER JOIN
    (
        -- a parent begins before its child
        SELECT TraceId, SpanId, ServiceName
        FROM {{DB}}.otel_traces
        WHERE Timestamp >= {from:DateTime} - INTERVAL 10 MINUTE AND Timestamp < {to:DateTime} + INTERVAL 1 MINUTE
    ) AS parent
    ON child.TraceId = parent.TraceId AND child.ParentSpanId = parent.SpanId
    WHERE child.ServiceName != parent.ServiceName
      AND ({service:String} = '' OR child.ServiceName = {service:String} OR parent.ServiceName = {service:String})
)
GROUP BY caller, callee
ORDER BY calls DESC, caller, callee
