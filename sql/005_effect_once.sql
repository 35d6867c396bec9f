-- What a block leaves behind in every table, so that its rows can be looked for after a crash of ClickHouse
-- itself: a token that was noted proves nothing then, since it is noted before the part is in place.
--
-- Spans say which block they came with. The aggregated tables have a marker instead: one row per block and day
-- has {'clusterId/topic:partition': end of the block}, which rides through the views and merges as a maximum.
-- The blocks of a partition are written one at a time and in order, so the maximum within a day says which of
-- them have their rows there. service_operations needs nothing: writing it twice changes nothing.
--
-- Targets come before the views that fill them, and the columns of sources before the views that read them, so
-- that inserts go on meanwhile; what an older release inserts has the defaults.

ALTER TABLE {{DB}}.otel_traces
    -- clusterId/topic, as ingest_log.Source; '' for spans that came in a request
    ADD COLUMN IF NOT EXISTS KafkaSource LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)) AFTER KafkaOffset,
    -- offset behind the block's last record: on one row of a block whose rows are all of one day, else on all
    ADD COLUMN IF NOT EXISTS KafkaBlockEnd UInt64 DEFAULT 0 CODEC(ZSTD(1)) AFTER KafkaSource;

ALTER TABLE {{DB}}.trace_summary
    ADD COLUMN IF NOT EXISTS Seen SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1));

-- Detached below: there again, where an earlier run of this file was cut off in between.
ATTACH TABLE IF NOT EXISTS {{DB}}.trace_summary_mv;
ATTACH TABLE IF NOT EXISTS {{DB}}.span_metrics_1h_mv;
ATTACH TABLE IF NOT EXISTS {{DB}}.span_metrics_1m_mv;

ALTER TABLE {{DB}}.trace_summary_mv MODIFY QUERY
SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(addNanoseconds(Timestamp, Duration)) AS End,
    min(if(ParentSpanId = '', (Timestamp, toString(ServiceName), toString(SpanName)), (toDateTime64('2200-01-01 00:00:00', 9), '', ''))) AS Root,
    sumMap(map(toString(ServiceName), toUInt64(1))) AS Spans,
    sumMap(if(StatusCode = 'Error', map(toString(ServiceName), toUInt64(1)), map()::Map(String, UInt64))) AS Errors,
    maxMap(if(KafkaBlockEnd > 0, map(concat(toString(KafkaSource), ':', toString(KafkaPartition)), KafkaBlockEnd), map()::Map(String, UInt64))) AS Seen
FROM {{DB}}.otel_traces
WHERE TraceId != ''
GROUP BY TraceId;

ALTER TABLE {{DB}}.span_metrics_1h
    ADD COLUMN IF NOT EXISTS Seen SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1));

ALTER TABLE {{DB}}.span_metrics_1m
    ADD COLUMN IF NOT EXISTS Seen SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1));

ALTER TABLE {{DB}}.span_metrics_1h_mv MODIFY QUERY
SELECT toStartOfHour(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, any(m.Dims) AS Dims,
       sum(m.Spans) AS Spans, sum(m.Calls) AS Calls, sum(m.DurationSumNs) AS DurationSumNs,
       max(m.DurationMaxNs) AS DurationMaxNs, sumMap(m.Hist) AS Hist, maxMap(m.Seen) AS Seen
FROM {{DB}}.span_metrics_1m AS m
GROUP BY Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash;

ALTER TABLE {{DB}}.span_metrics_10s
    ADD COLUMN IF NOT EXISTS Seen SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1));

ALTER TABLE {{DB}}.span_metrics_1m_mv MODIFY QUERY
SELECT toStartOfMinute(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, any(m.Dims) AS Dims,
       sum(m.Spans) AS Spans, sum(m.Calls) AS Calls, sum(m.DurationSumNs) AS DurationSumNs,
       max(m.DurationMaxNs) AS DurationMaxNs, sumMap(m.Hist) AS Hist, maxMap(m.Seen) AS Seen
FROM {{DB}}.span_metrics_10s AS m
GROUP BY Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash;

-- MODIFY QUERY gives a view's rows other deduplication tokens until the server loads the view anew: a block that is
-- sent again after its first restart would be in the view's target twice. So load it now, before there are rows
-- of blocks that may be sent again. What is inserted while a view is detached is missing in its target.
DETACH TABLE IF EXISTS {{DB}}.trace_summary_mv SYNC;
ATTACH TABLE IF NOT EXISTS {{DB}}.trace_summary_mv;
DETACH TABLE IF EXISTS {{DB}}.span_metrics_1h_mv SYNC;
ATTACH TABLE IF NOT EXISTS {{DB}}.span_metrics_1h_mv;
DETACH TABLE IF EXISTS {{DB}}.span_metrics_1m_mv SYNC;
ATTACH TABLE IF NOT EXISTS {{DB}}.span_metrics_1m_mv;

ALTER TABLE {{DB}}.sampling_throughput
    ADD COLUMN IF NOT EXISTS Seen SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1));

-- A block without any rows has one row with Target '', so that the ranges of a partition have no gaps.
ALTER TABLE {{DB}}.ingest_log
    -- of the block's records, not of the table's rows
    ADD COLUMN IF NOT EXISTS FirstTimestamp DateTime64(3) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS LastTimestamp DateTime64(3) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS Records UInt64 CODEC(T64, ZSTD(1)),
    -- records that could not be read and were put aside
    ADD COLUMN IF NOT EXISTS Quarantined UInt64 CODEC(T64, ZSTD(1));
