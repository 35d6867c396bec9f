-- title: A trace by its id
-- about: Its spans in the order of their beginning, with their place in the tree. When the trace was is looked up first, so that only those
--   minutes are read.
-- param id (text): the trace id, in hexadecimal; leading zeros may be missing
WITH
    leftPad(lower({id:String}), 32, '0') AS wanted,
    (SELECT (min(Start), max(End)) FROM {{DB}}.trace_summary WHERE TraceId = wanted) AS bounds
SELECT
    round((toUnixTimestamp64Nano(Timestamp) - toUnixTimestamp64Nano(bounds.1)) / 1e6, 3) AS at_ms,
    round(Duration / 1e6, 3) AS duration_ms,
    ServiceName AS service,
    SpanName AS operation,
    SpanKind AS kind,
    StatusCode AS status,
    StatusMessage AS message,
    SpanId AS span_id,
    ParentSpanId AS parent_id,
    SampleWeight AS weight,
    SpanAttributes AS attributes
FROM {{DB}}.otel_traces
WHERE TraceId = wanted AND Timestamp >= bounds.1 AND Timestamp <= bounds.2
ORDER BY Timestamp, SpanId
