-- What was inserted: one row per block, table and day, written last and with the block's own token. A plain
-- MergeTree without a clock column: a row says what the block's records are, never when they were handled, so
-- the same block always writes the same rows, and none is ever replaced.
-- Kept as long as the spans that it speaks of, and 30 days at least.
-- A block without any rows has one row with Target '', so that the ranges of a partition have no gaps.
-- Ordered by where the records came from, because gaps and overlaps are looked for along the offsets.
CREATE TABLE IF NOT EXISTS {{DB}}.ingest_log
(
    -- clusterId/topic; '' for spans that came in a request
    Source      LowCardinality(String),
    Partition   UInt32,
    FirstOffset UInt64,
    LastOffset  UInt64,
    Revision    UInt32,
    -- the table
    Target      LowCardinality(String),
    -- of the rows' event time, UTC
    Day         Date,
    Rows        UInt64,
    -- spans that the rows stand for
    Spans       UInt64,
    -- of otel_traces: sum(reinterpretAsUInt64(reverse(unhex(SpanId)))), which wraps
    SpanIdSum   UInt64,
    -- of the block's records, not of the table's rows
    FirstTimestamp DateTime64(3) CODEC(ZSTD(1)),
    LastTimestamp  DateTime64(3) CODEC(ZSTD(1)),
    Records        UInt64 CODEC(T64, ZSTD(1)),
    -- records that could not be read and were put aside
    Quarantined    UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (Source, Partition, FirstOffset, Target, Day)
{{LOG_TTL greatest(Day, toDate(LastTimestamp))}}
SETTINGS non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';
