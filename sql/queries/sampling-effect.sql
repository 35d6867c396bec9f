-- title: What sampling keeps, and how sure the rest is
-- about: Spans that are stored beside the requests that they stand for, with the bounds of a 95 % interval, and the
--   probability that is served now (an operation's own, or its service's default). The least certain first.
-- param service (text = ): only this service; empty = all
-- param kind (entry|all|Server|Client|Internal|Producer|Consumer = entry): which spans; entry = Server and Consumer
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
-- param limit (count = 50): most rows
WITH served AS
(
    SELECT toString(ServiceName) AS service, toString(Operation) AS operation, toNullable(Probability) AS probability
    FROM {{DB}}.sampling_probabilities_latest
)
SELECT
    counted.service AS service,
    counted.operation AS operation,
    stored,
    round(weight, 3) AS calls,
    round(stored / weight, 6) AS kept_share,
    round(low, 3) AS calls_low,
    round(high, 3) AS calls_high,
    round((high - low) / 2 / weight, 6) AS uncertainty,
    coalesce(own.probability, usual.probability) AS served_probability
FROM
(
    SELECT
        service, operation,
        sum(n) AS stored,
        sum(calls) AS weight,
        calls_low(sum(n), sum(calls), pow(sum(sqrt(squares)), 2)) AS low,
        calls_high(sum(calls), pow(sum(sqrt(squares)), 2), max(largest)) AS high
    FROM
    (
        SELECT
            toString(ServiceName) AS service, toString(SpanName) AS operation, SpanKind, StatusCode,
            sum(Spans) AS n, sum(Calls) AS calls, sum(WeightSquares) AS squares, max(WeightMax) AS largest
        FROM {{SPAN_METRICS}}
        WHERE ({service:String} = '' OR ServiceName = {service:String})
          AND ({kind:String} = 'all' OR SpanKind = {kind:String} OR ({kind:String} = 'entry' AND SpanKind IN ('Server', 'Consumer')))
        GROUP BY service, operation, SpanKind, StatusCode
    )
    GROUP BY service, operation
) AS counted
LEFT JOIN served AS own ON own.service = counted.service AND own.operation = counted.operation
LEFT JOIN served AS usual ON usual.service = counted.service AND usual.operation = ''
ORDER BY uncertainty DESC, service, operation
LIMIT {limit:UInt64}
