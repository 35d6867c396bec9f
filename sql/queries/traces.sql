-- title: Traces by attribute
-- about: The newest traces that have a span like that, each with its root, its length, and how many spans and errors it
--   has in which services.
-- param service (text = ): of this service; empty = all
-- param operation (text = ): with this name; empty = all
-- param attribute (text = ): that has this attribute, on the span or its resource; empty = any
-- param value (text = ): with this value; empty = any
-- param status (any|Error|Ok|Unset = any): that ended like that
-- param longer (duration = 0): that took at least this long
-- param shorter (duration = 0): that took at most this long; 0 = no limit
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 20): most traces
WITH found AS
(
    SELECT TraceId, max(Timestamp) AS newest
    FROM {{DB}}.otel_traces
    WHERE Timestamp >= {from:DateTime} AND Timestamp < {to:DateTime} AND TraceId != ''
      AND ({service:String} = '' OR ServiceName = {service:String})
      AND ({operation:String} = '' OR SpanName = {operation:String})
      AND ({status:String} = 'any' OR StatusCode = {status:String})
      AND Duration >= toUInt64({longer:Float64} * 1e9)
      AND ({shorter:Float64} = 0 OR Duration <= toUInt64({shorter:Float64} * 1e9))
      AND ({attribute:String} = '' OR ({value:String} = '' AND (mapContains(SpanAttributes, {attribute:String}) OR mapContains(ResourceAttributes, {attribute:String})))
        OR ({value:String} != '' AND (SpanAttributes[{attribute:String}] = {value:String} OR ResourceAttributes[{attribute:String}] = {value:String})))
    GROUP BY TraceId
    ORDER BY newest DESC, TraceId
    LIMIT {limit:UInt64}
)
SELECT
    TraceId AS trace_id,
    toTimeZone(min(Start), 'UTC') AS start,
    round((toUnixTimestamp64Nano(max(End)) - toUnixTimestamp64Nano(min(Start))) / 1e6, 3) AS duration_ms,
    min(Root).2 AS root_service,
    min(Root).3 AS root_operation,
    arraySum(mapValues(sumMap(Spans))) AS spans,
    arraySum(mapValues(sumMap(Errors))) AS errors,
    arrayStringConcat(arraySort(mapKeys(sumMap(Spans))), ', ') AS services
FROM {{DB}}.trace_summary
WHERE TraceId IN (SELECT TraceId FROM found)
GROUP BY TraceId
ORDER BY start DESC, trace_id
