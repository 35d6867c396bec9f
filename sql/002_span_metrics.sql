-- RED metrics as partial rows that merge: the engine writes one row per 10 s window and series of each block,
-- late and replayed data are just more rows, and the coarser tables follow by materialized views.
--
-- Order: series first, time last, because a chart reads one series over time. Connector is in the key, since
-- two span_metrics connectors count the same spans. Series that differ in service.instance.id alone are one
-- here (a restart of a pod would otherwise begin new ones); service.namespace is among Dims.
-- Partition: a day (a month for hours, a year for days), so that whole parts expire: 3, 35 and 400 days, 3 years.
-- Days are those of UTC, as they are wherever a block is looked for.
-- Durations are integer nanoseconds times the weight, summed as Float64: exact up to 104 days per row, and
-- weights may be fractions.
-- Hist: exponential histogram of the duration in seconds, scale 4: bucket i covers (2^(i/16), 2^((i+1)/16)].

CREATE TABLE IF NOT EXISTS {{DB}}.span_metrics_10s
(
    Ts            DateTime CODEC(DoubleDelta, ZSTD(1)),
    Connector     LowCardinality(String),
    ServiceName   LowCardinality(String),
    SpanKind      LowCardinality(String),
    SpanName      LowCardinality(String),
    StatusCode    LowCardinality(String),
    -- of Dims, so that the key stays short; 0 without dimensions
    DimsHash      UInt64 CODEC(ZSTD(1)),
    Dims          SimpleAggregateFunction(any, Map(String, String)) CODEC(ZSTD(1)),
    -- spans seen
    Spans         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    -- spans that these stand for: what a rate is made of
    Calls         SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    -- variance of Calls, from the squares of what each sampled trace stands for, and the root of one trace's largest
    -- part in it; 0 where nothing was sampled. Both are for calls_low and calls_high below.
    WeightSquares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    WeightMax     SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
    DurationSumNs SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    DurationMaxNs SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    Hist          SimpleAggregateFunction(sumMap, Map(Int16, Float64)) CODEC(ZSTD(1)),
    -- which blocks are in here: see 001
    Seen          SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
{{TTL span_metrics_10s toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS {{DB}}.span_metrics_1m AS {{DB}}.span_metrics_10s
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
{{TTL span_metrics_1m toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS {{DB}}.span_metrics_1h AS {{DB}}.span_metrics_10s
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
{{TTL span_metrics_1h toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS {{DB}}.span_metrics_1d AS {{DB}}.span_metrics_10s
ENGINE = AggregatingMergeTree
PARTITION BY toYear(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
{{TTL span_metrics_1d toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

-- The views have no GROUP BY: what they make of a block becomes one part, whose equal keys the table itself adds up before
-- it is written (optimize_on_insert) and again in merges. To plan and to run a grouping costs more than the rows of a small block.
CREATE MATERIALIZED VIEW IF NOT EXISTS {{DB}}.span_metrics_1m_mv TO {{DB}}.span_metrics_1m AS
SELECT toStartOfMinute(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM {{DB}}.span_metrics_10s AS m;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{DB}}.span_metrics_1h_mv TO {{DB}}.span_metrics_1h AS
SELECT toStartOfHour(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM {{DB}}.span_metrics_1m AS m;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{DB}}.span_metrics_1d_mv TO {{DB}}.span_metrics_1d AS
SELECT toDateTime(toStartOfDay(m.Ts, 'UTC')) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM {{DB}}.span_metrics_1h AS m;

-- Which services and operations there are. Asked rarely, so it is a question to the hours and not one more table that each
-- block has to be written to.
CREATE VIEW IF NOT EXISTS {{DB}}.service_operations AS
SELECT ServiceName, SpanKind, toString(SpanName) AS SpanName, min(Ts) AS FirstSeen, max(Ts) AS LastSeen
FROM {{DB}}.span_metrics_1h
WHERE Ts > now() - INTERVAL 30 DAY
GROUP BY ServiceName, SpanKind, SpanName;

-- Quantile of an exponential histogram map, in seconds: exphist_quantile(0.95, sumMap(Hist)). Server wide. The total is the
-- last of the running sums: added up in another order, fractions of weights may come to a little more.
CREATE FUNCTION IF NOT EXISTS exphist_quantile AS (q, m) ->
    arrayElement(
        arrayMap((k, n, c) -> exp2((k + (q * arrayCumSum(mapValues(m))[-1] - (c - n)) / n) / 16), mapKeys(m), mapValues(m), arrayCumSum(mapValues(m))),
        arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(m))[-1], arrayCumSum(mapValues(m))));

-- The 95 % interval of a count (ADR 8), of sums over the rows of one series:
--   calls_low(sum(Spans), sum(Calls), sum(WeightSquares)), calls_high(sum(Calls), sum(WeightSquares), max(WeightMax))
-- Where all was kept both are the count. Over several series of the same traces, errors add: give them
-- pow(sum(sqrt(squares of a series)), 2) instead. Server wide.
CREATE FUNCTION IF NOT EXISTS calls_low AS (spans, calls, squares) ->
    if(squares > 0,
       greatest(toFloat64(spans), calls + 1.9207 * squares / calls - 1.96 * sqrt(squares + 0.9604 * pow(squares / calls, 2))),
       toFloat64(calls));

CREATE FUNCTION IF NOT EXISTS calls_high AS (calls, squares, largest) ->
    if(squares > 0,
       calls + largest / 2 + 1.9207 * (squares + pow(largest, 2) / 2) / (calls + largest / 2)
       + 1.96 * sqrt(squares + pow(largest, 2) / 2 + 0.9604 * pow((squares + pow(largest, 2) / 2) / (calls + largest / 2), 2)),
       toFloat64(calls));
