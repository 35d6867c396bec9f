-- Adaptive sampling: what each block saw, and what was decided from it and why.

-- Sampled root spans per window, service and operation, as partial rows that merge. Asked for by a few recent
-- windows, so the order of the key matters little; 3 days are kept for looking back.
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_throughput
(
    -- start of the window, event time
    Ts            DateTime CODEC(DoubleDelta, ZSTD(1)),
    ServiceName   LowCardinality(String),
    Operation     LowCardinality(String),
    Count         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Probabilities SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1)),
    -- which blocks are in here: see 001
    Seen          SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Ts)
ORDER BY (Ts, ServiceName, Operation)
TTL toDate(Ts) + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- Every decision with its inputs. Written whole, a round at a time, and never replaced, so a plain MergeTree;
-- ordered by time, so that the newest round is found without reading the others.
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_probabilities
(
    -- when it was decided
    Ts                DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    ServiceName       LowCardinality(String),
    Operation         LowCardinality(String),
    Probability       Float64 CODEC(ZSTD(1)),
    -- what was served before
    Previous          Float64 CODEC(ZSTD(1)),
    -- sampled root spans per second: weighted over BucketQps, and wanted
    Qps               Float64 CODEC(ZSTD(1)),
    TargetQps         Float64 CODEC(ZSTD(1)),
    Reason            LowCardinality(String),
    -- the inputs: rates of the buckets, newest first; probabilities seen on spans; whether the SDKs were taken
    -- to sample with Previous; delta_tolerance
    BucketQps         Array(Float64) CODEC(ZSTD(1)),
    SeenProbabilities Array(String) CODEC(ZSTD(1)),
    UsingAdaptive     Bool CODEC(ZSTD(1)),
    Tolerance         Float64 CODEC(ZSTD(1)),
    -- end of the newest bucket
    DataUntil         DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    -- which process decided
    Instance          LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Ts)
ORDER BY (Ts, ServiceName, Operation)
TTL toDate(Ts) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS {{DB}}.sampling_probabilities_latest AS
SELECT *
FROM {{DB}}.sampling_probabilities
WHERE Ts = (SELECT max(Ts) FROM {{DB}}.sampling_probabilities);
