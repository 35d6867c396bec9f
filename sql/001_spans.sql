-- Raw spans, one row each, under the column names of the OpenTelemetry exporter, so that Grafana's ClickHouse
-- data source (OTel mode) and HyperDX read them as they are.
--
-- Order: a ten-minute bucket first, so that short windows over all services prune; then service and name, so
-- that one service's spans lie together and compress. The raw timestamp is left out on purpose: with it in the
-- key a condition on Timestamp is checked against it and the bucket no longer prunes.
-- Partition: a day, so that whole parts expire (ttl_only_drop_parts) and nothing is rewritten.
-- Attributes: maps in 8 buckets, so that reading one key reads an eighth of the values.
-- Every table and every view's target remembers insert tokens (non_replicated_deduplication_window): a block
-- that is sent again after an unknown outcome is dropped in all of them.
-- A token that was noted proves nothing once the server has died, since it is noted before the part is in place.
-- So every table can be asked which blocks it has: spans say which block they came with, and the aggregated tables
-- have a marker (Seen): one row per block and day has {'clusterId/topic:partition': end of the block}, which rides
-- through the views and merges as a maximum. The blocks of a partition are written one at a time and in order.
--
-- A view is never altered in place: after MODIFY QUERY, and again after the server's next start, ClickHouse
-- takes it for another view, which has not seen the tokens that it has seen (tried on 26.7), so that a block that is
-- sent again is in its target twice. A changed view is a new view with a new target.

-- Parts are merged twenty of a size at a time (merge_selector_base), not from five down to two: blocks are small and many, and what
-- merging them costs goes with how often a row is written anew. Of each column a part knows its bounds, which leave out
-- parts, and not how many different values it has (auto_statistics_types), which costs a fifth of merging small parts.

CREATE DATABASE IF NOT EXISTS {{DB}};

CREATE TABLE IF NOT EXISTS {{DB}}.otel_traces
(
    Timestamp          DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId            String CODEC(ZSTD(1)),
    SpanId             String CODEC(ZSTD(1)),
    ParentSpanId       String CODEC(ZSTD(1)),
    TraceState         String CODEC(ZSTD(1)),
    SpanName           LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind           LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName        LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName          LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion       LowCardinality(String) CODEC(ZSTD(1)),
    SpanAttributes     Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration           UInt64 CODEC(T64, ZSTD(1)),
    StatusCode         LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage      String CODEC(ZSTD(1)),
    `Events.Timestamp`  Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Events.Name`       Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Links.TraceId`     Array(String) CODEC(ZSTD(1)),
    `Links.SpanId`      Array(String) CODEC(ZSTD(1)),
    `Links.TraceState`  Array(String) CODEC(ZSTD(1)),
    `Links.Attributes`  Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    -- where the row came from: what verify, replay and repairs rest on; 0 and 0 for spans that came in a request
    KafkaPartition     UInt32 DEFAULT 0 CODEC(T64, ZSTD(1)),
    KafkaOffset        UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)),
    -- clusterId/topic, as ingest_log.Source; '' for spans that came in a request
    KafkaSource        LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)),
    -- offset behind the block's last record: on one row of a block whose rows are all of one day, else on all
    KafkaBlockEnd      UInt64 DEFAULT 0 CODEC(ZSTD(1)),
    -- how many original spans this row stands for (1 / sampling probability)
    SampleWeight       Float64 DEFAULT 1 CODEC(ZSTD(1)),
    -- attributes that are asked for often, lifted out of the maps (0.5 byte a span together)
    HttpStatus         UInt16 MATERIALIZED toUInt16OrZero(if(SpanAttributes['http.response.status_code'] != '', SpanAttributes['http.response.status_code'], SpanAttributes['http.status_code'])) CODEC(ZSTD(1)),
    HttpRoute          LowCardinality(String) MATERIALIZED SpanAttributes['http.route'] CODEC(ZSTD(1)),
    DbSystem           LowCardinality(String) MATERIALIZED if(SpanAttributes['db.system.name'] != '', SpanAttributes['db.system.name'], SpanAttributes['db.system']) CODEC(ZSTD(1)),
    PeerService        LowCardinality(String) MATERIALIZED SpanAttributes['peer.service'] CODEC(ZSTD(1)),
    Environment        LowCardinality(String) MATERIALIZED if(ResourceAttributes['deployment.environment.name'] != '', ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) CODEC(ZSTD(1)),
    SpanAttributeItems Array(String) ALIAS arrayMap(x -> concat(x.1, '=', x.2), SpanAttributes::Array(Tuple(String, String))),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfTenMinutes(Timestamp), ServiceName, SpanName, toDateTime(Timestamp))
{{SPANS_TTL toDate(Timestamp)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic',
         map_serialization_version = 'with_buckets', map_buckets_strategy = 'constant', max_buckets_in_map = 8, map_buckets_min_avg_size = 0;

-- One row per trace, merged from partial ones: its bounds, for finding a trace by id without reading all days,
-- and what Jaeger's list of traces shows. Ordered by the id, since that is what it is asked by.
-- (SimpleAggregateFunction takes no LowCardinality inside its Map, so those maps use plain String.)
CREATE TABLE IF NOT EXISTS {{DB}}.trace_summary
(
    TraceId      String CODEC(ZSTD(1)),
    Start        SimpleAggregateFunction(min, DateTime64(9)) CODEC(ZSTD(1)),
    End          SimpleAggregateFunction(max, DateTime64(9)) CODEC(ZSTD(1)),
    -- earliest parentless span: (start, service, name); its start is 2200-01-01 while no root has been seen
    Root         SimpleAggregateFunction(min, Tuple(DateTime64(9), String, String)) CODEC(ZSTD(1)),
    Spans        SimpleAggregateFunction(sumMap, Map(String, UInt64)) CODEC(ZSTD(1)),
    Errors       SimpleAggregateFunction(sumMap, Map(String, UInt64)) CODEC(ZSTD(1)),
    -- which blocks are in here: see below
    Seen         SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Start)
ORDER BY TraceId
{{SPANS_TTL toDate(Start)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{DB}}.trace_summary_mv TO {{DB}}.trace_summary AS
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

-- The name and columns that Grafana's ClickHouse data source probes for.
CREATE VIEW IF NOT EXISTS {{DB}}.otel_traces_trace_id_ts AS
SELECT TraceId, Start, End FROM {{DB}}.trace_summary;
