-- Adaptive sampling: what each block saw, and what was decided from it and why.

-- Sampled root spans per window, service and operation, as partial rows that merge. Asked for by a few recent
-- windows, so the order of the key matters little; 3 days are kept for looking back. The operation is the span's
-- name; '' stands for all those that can't have a probability of their own (names with ids, and too many names).
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_throughput
(
    -- start of the window, event time
    Ts              DateTime CODEC(DoubleDelta, ZSTD(1)),
    ServiceName     LowCardinality(String),
    Operation       LowCardinality(String),
    -- what Jaeger's algorithm counts: roots that carry Jaeger's tags, kept by a probabilistic sampler
    Count           SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Probabilities   SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1)),
    -- all sampled roots; of these, the ones that tell their probability p, with the sums of 1/p and 1/p^2; and the
    -- ones that a lower bound, a rate limit or a constant kept
    Roots           SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Tagged          SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    Adjusted        SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    AdjustedSquares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    Bounded         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    -- the other roots by class of their trace id's variate u: class c holds 2^(-(c+1)/8) <= u < 2^(-c/8)
    Variates        SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1)),
    Errors          SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    -- by class of duration, four to an octave: class 4e + m begins at 2^e * (1 + m/4) ns
    Durations       SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1)),
    -- which blocks are in here: see 001
    Seen            SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(Ts)
ORDER BY (Ts, ServiceName, Operation)
{{TTL sampling_throughput toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

-- Every decision with what led to it. A round writes what it has changed, and what stands again every few minutes.
-- Never replaced, so a plain MergeTree; ordered by time, so that the newest are found without reading the others.
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_probabilities
(
    -- when it was decided
    Ts                DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    -- of what is served: counts up with every change of it
    Version           UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ServiceName       LowCardinality(String),
    -- '' is the service's default; that of unknown services where ServiceName is '' too
    Operation         LowCardinality(String),
    -- served from now on, and before; since when
    Probability       Float64 CODEC(ZSTD(1)),
    Previous          Float64 CODEC(ZSTD(1)),
    ChangedAt         DateTime64(3) CODEC(ZSTD(1)),
    -- which rule had the last word
    Rule              LowCardinality(String),
    -- requests per second that there are, sampled or not, with the bounds of a 95 % interval; nan = unknown
    Rate              Float64 CODEC(ZSTD(1)),
    RateLow           Float64 CODEC(ZSTD(1)),
    RateHigh          Float64 CODEC(ZSTD(1)),
    -- sampled roots that the estimate rests on, and over how many seconds
    Samples           Float64 CODEC(ZSTD(1)),
    OverS             Float64 CODEC(ZSTD(1)),
    -- sampled traces per second that are wanted, and their share of the budget (nan = there is none)
    Target            Float64 CODEC(ZSTD(1)),
    BudgetShare       Float64 CODEC(ZSTD(1)),
    -- whether the service samples as it is told
    Conformance       LowCardinality(String),
    -- the smallest and the largest probability that a poller may still have had
    GateLow           Float64 CODEC(ZSTD(1)),
    GateHigh          Float64 CODEC(ZSTD(1)),
    -- traces per second and instance below which SDKs that know a lower bound sample all of an operation
    LowerBound        Float64 CODEC(ZSTD(1)),
    -- adaptive or jaeger; control, or observe where nothing of it was served
    Algorithm         LowCardinality(String),
    Mode              LowCardinality(String),
    -- what Jaeger's algorithm looks at: sampled roots per second of the buckets, newest first; probabilities seen on
    -- spans; whether the SDKs were taken to sample with Previous; delta_tolerance
    BucketQps         Array(Float64) CODEC(ZSTD(1)),
    SeenProbabilities Array(String) CODEC(ZSTD(1)),
    UsingAdaptive     Bool CODEC(ZSTD(1)),
    Tolerance         Float64 CODEC(ZSTD(1)),
    -- end of the newest window
    DataUntil         DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    -- which process decided
    Instance          LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Ts)
ORDER BY (Ts, ServiceName, Operation)
{{TTL sampling_probabilities toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, merge_selector_base = 20, auto_statistics_types = 'basic';

-- What stands: the newest decision on each operation of the last two days that there were any.
CREATE VIEW IF NOT EXISTS {{DB}}.sampling_probabilities_latest AS
SELECT *
FROM {{DB}}.sampling_probabilities
WHERE Ts > (SELECT max(Ts) FROM {{DB}}.sampling_probabilities) - INTERVAL 2 DAY
ORDER BY Ts DESC
LIMIT 1 BY ServiceName, Operation;

-- How far each partition of Kafka is in the tables, by event time, as its owner says every few seconds: the controller
-- takes windows for complete up to the smallest of the newest. 1970 = the owner can't tell yet.
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_progress
(
    -- cluster/topic, and the partition; requests of a process have requests: and its name, and partition 0
    Source        LowCardinality(String),
    Partition     UInt32,
    CompleteUntil DateTime64(3) CODEC(ZSTD(1)),
    -- when that was said
    At            DateTime64(3) CODEC(ZSTD(1)),
    Instance      LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY (Source, Partition, At)
TTL toDateTime(At) + INTERVAL 1 HOUR;

-- Who asks for strategies, as each process that answers them saw it last: JSON of its own making.
CREATE TABLE IF NOT EXISTS {{DB}}.sampling_pollers
(
    Instance LowCardinality(String),
    At       DateTime64(3) CODEC(ZSTD(1)),
    Pollers  String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(At)
ORDER BY Instance
TTL toDateTime(At) + INTERVAL 1 HOUR;
