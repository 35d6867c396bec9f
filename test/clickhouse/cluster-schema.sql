

CREATE DATABASE IF NOT EXISTS `shop` ON CLUSTER `main`;

CREATE TABLE IF NOT EXISTS `shop`.otel_traces_local ON CLUSTER `main`
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
    KafkaPartition     UInt32 DEFAULT 0 CODEC(T64, ZSTD(1)),
    KafkaOffset        UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)),
    KafkaSource        LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)),
    KafkaBlockEnd      UInt64 DEFAULT 0 CODEC(ZSTD(1)),
    SampleWeight       Float64 DEFAULT 1 CODEC(ZSTD(1)),
    HttpStatus         UInt16 MATERIALIZED toUInt16OrZero(if(SpanAttributes['http.response.status_code'] != '', SpanAttributes['http.response.status_code'], SpanAttributes['http.status_code'])) CODEC(ZSTD(1)),
    HttpRoute          LowCardinality(String) MATERIALIZED SpanAttributes['http.route'] CODEC(ZSTD(1)),
    DbSystem           LowCardinality(String) MATERIALIZED if(SpanAttributes['db.system.name'] != '', SpanAttributes['db.system.name'], SpanAttributes['db.system']) CODEC(ZSTD(1)),
    PeerService        LowCardinality(String) MATERIALIZED SpanAttributes['peer.service'] CODEC(ZSTD(1)),
    Environment        LowCardinality(String) MATERIALIZED if(ResourceAttributes['deployment.environment.name'] != '', ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) CODEC(ZSTD(1)),
    SpanAttributeItems Array(String) ALIAS arrayMap(x -> concat(x.1, '=', x.2), SpanAttributes::Array(Tuple(String, String))),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfTenMinutes(Timestamp), ServiceName, SpanName, toDateTime(Timestamp))
TTL toDate(Timestamp) + toIntervalSecond(86400)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic',
         map_serialization_version = 'with_buckets', map_buckets_strategy = 'constant', max_buckets_in_map = 8, map_buckets_min_avg_size = 0;

CREATE TABLE IF NOT EXISTS `shop`.otel_traces ON CLUSTER `main` AS `shop`.otel_traces_local
ENGINE = Distributed('main', 'shop', 'otel_traces_local');

CREATE TABLE IF NOT EXISTS `shop`.trace_summary_local ON CLUSTER `main`
(
    TraceId      String CODEC(ZSTD(1)),
    Start        SimpleAggregateFunction(min, DateTime64(9)) CODEC(ZSTD(1)),
    End          SimpleAggregateFunction(max, DateTime64(9)) CODEC(ZSTD(1)),
    Root         SimpleAggregateFunction(min, Tuple(DateTime64(9), String, String)) CODEC(ZSTD(1)),
    Spans        SimpleAggregateFunction(sumMap, Map(String, UInt64)) CODEC(ZSTD(1)),
    Errors       SimpleAggregateFunction(sumMap, Map(String, UInt64)) CODEC(ZSTD(1)),
    Seen         SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(Start)
ORDER BY TraceId
TTL toDate(Start) + toIntervalSecond(86400)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.trace_summary ON CLUSTER `main` AS `shop`.trace_summary_local
ENGINE = Distributed('main', 'shop', 'trace_summary_local');

CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.trace_summary_mv ON CLUSTER `main` TO `shop`.trace_summary_local AS
SELECT
    TraceId,
    min(Timestamp) AS Start,
    max(addNanoseconds(Timestamp, Duration)) AS End,
    min(if(ParentSpanId = '', (Timestamp, toString(ServiceName), toString(SpanName)), (toDateTime64('2200-01-01 00:00:00', 9), '', ''))) AS Root,
    sumMap(map(toString(ServiceName), toUInt64(1))) AS Spans,
    sumMap(if(StatusCode = 'Error', map(toString(ServiceName), toUInt64(1)), map()::Map(String, UInt64))) AS Errors,
    maxMap(if(KafkaBlockEnd > 0, map(concat(toString(KafkaSource), ':', toString(KafkaPartition)), KafkaBlockEnd), map()::Map(String, UInt64))) AS Seen
FROM `shop`.otel_traces_local
WHERE TraceId != ''
GROUP BY TraceId;

CREATE VIEW IF NOT EXISTS `shop`.otel_traces_trace_id_ts ON CLUSTER `main` AS
SELECT TraceId, Start, End FROM `shop`.trace_summary;


CREATE TABLE IF NOT EXISTS `shop`.span_metrics_10s_local ON CLUSTER `main`
(
    Ts            DateTime CODEC(DoubleDelta, ZSTD(1)),
    Connector     LowCardinality(String),
    ServiceName   LowCardinality(String),
    SpanKind      LowCardinality(String),
    SpanName      LowCardinality(String),
    StatusCode    LowCardinality(String),
    DimsHash      UInt64 CODEC(ZSTD(1)),
    Dims          SimpleAggregateFunction(any, Map(String, String)) CODEC(ZSTD(1)),
    Spans         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Calls         SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    WeightSquares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    WeightMax     SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
    DurationSumNs SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    DurationMaxNs SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    Hist          SimpleAggregateFunction(sumMap, Map(Int16, Float64)) CODEC(ZSTD(1)),
    Seen          SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
TTL toDate(Ts) + toIntervalSecond(259200)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_10s ON CLUSTER `main` AS `shop`.span_metrics_10s_local
ENGINE = Distributed('main', 'shop', 'span_metrics_10s_local');

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1m_local ON CLUSTER `main` AS `shop`.span_metrics_10s_local
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
TTL toDate(Ts) + toIntervalSecond(3024000)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1m ON CLUSTER `main` AS `shop`.span_metrics_1m_local
ENGINE = Distributed('main', 'shop', 'span_metrics_1m_local');

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1h_local ON CLUSTER `main` AS `shop`.span_metrics_10s_local
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
TTL toDate(Ts) + toIntervalSecond(34560000)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1h ON CLUSTER `main` AS `shop`.span_metrics_1h_local
ENGINE = Distributed('main', 'shop', 'span_metrics_1h_local');

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1d_local ON CLUSTER `main` AS `shop`.span_metrics_10s_local
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYear(Ts)
ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)
TTL toDate(Ts) + toIntervalSecond(94608000)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.span_metrics_1d ON CLUSTER `main` AS `shop`.span_metrics_1d_local
ENGINE = Distributed('main', 'shop', 'span_metrics_1d_local');

CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.span_metrics_1m_mv ON CLUSTER `main` TO `shop`.span_metrics_1m_local AS
SELECT toStartOfMinute(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM `shop`.span_metrics_10s_local AS m;

CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.span_metrics_1h_mv ON CLUSTER `main` TO `shop`.span_metrics_1h_local AS
SELECT toStartOfHour(m.Ts) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM `shop`.span_metrics_1m_local AS m;

CREATE MATERIALIZED VIEW IF NOT EXISTS `shop`.span_metrics_1d_mv ON CLUSTER `main` TO `shop`.span_metrics_1d_local AS
SELECT toDateTime(toStartOfDay(m.Ts, 'UTC')) AS Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash, Dims,
       Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen
FROM `shop`.span_metrics_1h_local AS m;

CREATE VIEW IF NOT EXISTS `shop`.service_operations ON CLUSTER `main` AS
SELECT ServiceName, SpanKind, toString(SpanName) AS SpanName, min(Ts) AS FirstSeen, max(Ts) AS LastSeen
FROM `shop`.span_metrics_1h
WHERE Ts > now() - INTERVAL 30 DAY
GROUP BY ServiceName, SpanKind, SpanName;

CREATE FUNCTION IF NOT EXISTS exphist_quantile ON CLUSTER `main` AS (q, m) ->
    arrayElement(
        arrayMap((k, n, c) -> exp2((k + (q * arrayCumSum(mapValues(m))[-1] - (c - n)) / n) / 16), mapKeys(m), mapValues(m), arrayCumSum(mapValues(m))),
        arrayFirstIndex(c -> c >= q * arrayCumSum(mapValues(m))[-1], arrayCumSum(mapValues(m))));

CREATE FUNCTION IF NOT EXISTS calls_low ON CLUSTER `main` AS (spans, calls, squares) ->
    if(squares > 0,
       greatest(toFloat64(spans), calls + 1.9207 * squares / calls - 1.96 * sqrt(squares + 0.9604 * pow(squares / calls, 2))),
       toFloat64(calls));

CREATE FUNCTION IF NOT EXISTS calls_high ON CLUSTER `main` AS (calls, squares, largest) ->
    if(squares > 0,
       calls + largest / 2 + 1.9207 * (squares + pow(largest, 2) / 2) / (calls + largest / 2)
       + 1.96 * sqrt(squares + pow(largest, 2) / 2 + 0.9604 * pow((squares + pow(largest, 2) / 2) / (calls + largest / 2), 2)),
       toFloat64(calls));


CREATE TABLE IF NOT EXISTS `shop`.sampling_throughput_local ON CLUSTER `main`
(
    Ts              DateTime CODEC(DoubleDelta, ZSTD(1)),
    ServiceName     LowCardinality(String),
    Operation       LowCardinality(String),
    Count           SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Probabilities   SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1)),
    Roots           SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Tagged          SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Adjusted        SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    AdjustedSquares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    Bounded         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Variates        SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1)),
    Errors          SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Durations       SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1)),
    Seen            SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(Ts)
ORDER BY (Ts, ServiceName, Operation)
TTL toDate(Ts) + toIntervalSecond(259200)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.sampling_throughput ON CLUSTER `main` AS `shop`.sampling_throughput_local
ENGINE = Distributed('main', 'shop', 'sampling_throughput_local');

CREATE TABLE IF NOT EXISTS `shop`.sampling_probabilities_local ON CLUSTER `main`
(
    Ts                DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    Version           UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ServiceName       LowCardinality(String),
    Operation         LowCardinality(String),
    Probability       Float64 CODEC(ZSTD(1)),
    Previous          Float64 CODEC(ZSTD(1)),
    ChangedAt         DateTime64(3) CODEC(ZSTD(1)),
    Rule              LowCardinality(String),
    Rate              Float64 CODEC(ZSTD(1)),
    RateLow           Float64 CODEC(ZSTD(1)),
    RateHigh          Float64 CODEC(ZSTD(1)),
    Samples           Float64 CODEC(ZSTD(1)),
    OverS             Float64 CODEC(ZSTD(1)),
    Target            Float64 CODEC(ZSTD(1)),
    BudgetShare       Float64 CODEC(ZSTD(1)),
    Conformance       LowCardinality(String),
    GateLow           Float64 CODEC(ZSTD(1)),
    GateHigh          Float64 CODEC(ZSTD(1)),
    LowerBound        Float64 CODEC(ZSTD(1)),
    Algorithm         LowCardinality(String),
    Mode              LowCardinality(String),
    BucketQps         Array(Float64) CODEC(ZSTD(1)),
    SeenProbabilities Array(String) CODEC(ZSTD(1)),
    UsingAdaptive     Bool CODEC(ZSTD(1)),
    Tolerance         Float64 CODEC(ZSTD(1)),
    DataUntil         DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    Instance          LowCardinality(String)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(Ts)
ORDER BY (Ts, ServiceName, Operation)
TTL toDate(Ts) + toIntervalSecond(7776000)
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.sampling_probabilities ON CLUSTER `main` AS `shop`.sampling_probabilities_local
ENGINE = Distributed('main', 'shop', 'sampling_probabilities_local');

CREATE VIEW IF NOT EXISTS `shop`.sampling_probabilities_latest ON CLUSTER `main` AS
SELECT *
FROM `shop`.sampling_probabilities
WHERE Ts > (SELECT max(Ts) FROM `shop`.sampling_probabilities) - INTERVAL 2 DAY
ORDER BY Ts DESC
LIMIT 1 BY ServiceName, Operation;

CREATE TABLE IF NOT EXISTS `shop`.sampling_progress_local ON CLUSTER `main`
(
    Source        LowCardinality(String),
    Partition     UInt32,
    CompleteUntil DateTime64(3) CODEC(ZSTD(1)),
    At            DateTime64(3) CODEC(ZSTD(1)),
    Instance      LowCardinality(String)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (Source, Partition, At)
TTL toDateTime(At) + INTERVAL 1 HOUR;

CREATE TABLE IF NOT EXISTS `shop`.sampling_progress ON CLUSTER `main` AS `shop`.sampling_progress_local
ENGINE = Distributed('main', 'shop', 'sampling_progress_local');

CREATE TABLE IF NOT EXISTS `shop`.sampling_pollers_local ON CLUSTER `main`
(
    Instance LowCardinality(String),
    At       DateTime64(3) CODEC(ZSTD(1)),
    Pollers  String CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', At)
ORDER BY Instance
TTL toDateTime(At) + INTERVAL 1 HOUR;

CREATE TABLE IF NOT EXISTS `shop`.sampling_pollers ON CLUSTER `main` AS `shop`.sampling_pollers_local
ENGINE = Distributed('main', 'shop', 'sampling_pollers_local');

CREATE TABLE IF NOT EXISTS `shop`.ingest_log_local ON CLUSTER `main`
(
    Source      LowCardinality(String),
    Partition   UInt32,
    FirstOffset UInt64,
    LastOffset  UInt64,
    Revision    UInt32,
    Target      LowCardinality(String),
    Day         Date,
    Rows        UInt64,
    Spans       UInt64,
    SpanIdSum   UInt64,
    FirstTimestamp DateTime64(3) CODEC(ZSTD(1)),
    LastTimestamp  DateTime64(3) CODEC(ZSTD(1)),
    Records        UInt64 CODEC(T64, ZSTD(1)),
    Quarantined    UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (Source, Partition, FirstOffset, Target, Day)
TTL greatest(Day, toDate(LastTimestamp)) + toIntervalSecond(2592000)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, merge_selector_base = 20, auto_statistics_types = 'basic';

CREATE TABLE IF NOT EXISTS `shop`.ingest_log ON CLUSTER `main` AS `shop`.ingest_log_local
ENGINE = Distributed('main', 'shop', 'ingest_log_local');


CREATE TABLE IF NOT EXISTS `shop`.service_graph_local ON CLUSTER `main`
(
    Ts          DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    Connector   LowCardinality(String),
    Spans       UInt64 CODEC(T64, ZSTD(1)),
    SpansAround UInt64 CODEC(T64, ZSTD(1)),
    DerivedAt   DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    `Edges.Client`           Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.Server`           Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.ConnectionType`   Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.Failed`           Array(Bool) CODEC(ZSTD(1)),
    `Edges.VirtualNode`      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.ClientDims`       Array(Map(String, String)) CODEC(ZSTD(1)),
    `Edges.ServerDims`       Array(Map(String, String)) CODEC(ZSTD(1)),
    `Edges.Spans`            Array(UInt64) CODEC(ZSTD(1)),
    `Edges.Calls`            Array(Float64) CODEC(ZSTD(1)),
    `Edges.ClientDurationNs` Array(Float64) CODEC(ZSTD(1)),
    `Edges.ServerDurationNs` Array(Float64) CODEC(ZSTD(1)),
    `Edges.ClientHist`       Array(Map(Int16, Float64)) CODEC(ZSTD(1)),
    `Edges.ServerHist`       Array(Map(Int16, Float64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', DerivedAt)
PARTITION BY toYYYYMM(Ts)
ORDER BY (Connector, Ts)
TTL toDate(Ts) + toIntervalSecond(34560000)
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shop`.service_graph ON CLUSTER `main` AS `shop`.service_graph_local
ENGINE = Distributed('main', 'shop', 'service_graph_local');

CREATE VIEW IF NOT EXISTS `shop`.service_graph_edges ON CLUSTER `main` AS
SELECT Ts, Connector, Client, Server, ConnectionType, Failed, VirtualNode, ClientDims, ServerDims,
       EdgeSpans AS Spans, Calls, ClientDurationNs, ServerDurationNs, ClientHist, ServerHist
FROM `shop`.service_graph FINAL
ARRAY JOIN
    `Edges.Client` AS Client,
    `Edges.Server` AS Server,
    `Edges.ConnectionType` AS ConnectionType,
    `Edges.Failed` AS Failed,
    `Edges.VirtualNode` AS VirtualNode,
    `Edges.ClientDims` AS ClientDims,
    `Edges.ServerDims` AS ServerDims,
    `Edges.Spans` AS EdgeSpans,
    `Edges.Calls` AS Calls,
    `Edges.ClientDurationNs` AS ClientDurationNs,
    `Edges.ServerDurationNs` AS ServerDurationNs,
    `Edges.ClientHist` AS ClientHist,
    `Edges.ServerHist` AS ServerHist;
