-- title: Rare operations
-- about: Operations of which there are few spans in a range, the rarest first: what nobody watches, and what a sampler easily
--   misses.
-- param service (text = ): only this service; empty = all
-- param most (count = 10): operations with more spans are left out
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = all): which spans; entry = Server and Consumer
-- param from (time = 1d): where to begin
-- param to (time = now): where to end
-- param limit (count = 50): most rows
SELECT
    ServiceName AS service,
    SpanName AS operation,
    SpanKind AS kind,
    sum(Spans) AS spans,
    round(sum(Calls), 3) AS calls,
    round(sumIf(Calls, StatusCode = 'Error'), 3) AS errors,
    round(max(DurationMaxNs) / 1e6, 3) AS max_ms
FROM {{SPAN_METRICS}}
WHERE ({service:String} = '' OR ServiceName = {service:String})
  AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
GROUP BY ServiceName, SpanName, SpanKind
HAVING spans <= {most:UInt64}
ORDER BY spans, service, operation, kind
LIMIT {limit:UInt64}
