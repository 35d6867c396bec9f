-- The graph of services: who calls whom. It is not written with the blocks but derived from otel_traces, minute by
-- minute, by the engine (docs/adr/007-service-graph.md): the two ends of a call may come in different blocks, hours apart.
--
-- One row holds the whole graph of a minute, so that one insert replaces it: what is derived anew (late spans, a replay) takes
-- the place of what was there, edges that are none any more included, and two processes that derive the same minute do no harm.
-- No insert tokens are needed. Read it through service_graph_edges, which has a row per edge.

CREATE TABLE IF NOT EXISTS {{DB}}.service_graph
(
    -- start of the minute; an edge belongs to the one in which its server's span began, or the client's where there is none
    Ts          DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    Connector   LowCardinality(String),
    -- of otel_traces when this was derived: in the minute, and in all minutes in which the ends of its edges are looked for.
    -- When there are others now, the minute is due again.
    Spans       UInt64 CODEC(T64, ZSTD(1)),
    SpansAround UInt64 CODEC(T64, ZSTD(1)),
    DerivedAt   DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    `Edges.Client`           Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.Server`           Array(LowCardinality(String)) CODEC(ZSTD(1)),
    -- '', messaging_system, database or virtual_node
    `Edges.ConnectionType`   Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.Failed`           Array(Bool) CODEC(ZSTD(1)),
    -- which end is made up: '', client or server
    `Edges.VirtualNode`      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Edges.ClientDims`       Array(Map(String, String)) CODEC(ZSTD(1)),
    `Edges.ServerDims`       Array(Map(String, String)) CODEC(ZSTD(1)),
    -- requests seen, and requests that these stand for
    `Edges.Spans`            Array(UInt64) CODEC(ZSTD(1)),
    `Edges.Calls`            Array(Float64) CODEC(ZSTD(1)),
    -- times the weight, as in span_metrics_10s; 0 for an end that is made up
    `Edges.ClientDurationNs` Array(Float64) CODEC(ZSTD(1)),
    `Edges.ServerDurationNs` Array(Float64) CODEC(ZSTD(1)),
    -- as in span_metrics_10s: scale 4, for exphist_quantile
    `Edges.ClientHist`       Array(Map(Int16, Float64)) CODEC(ZSTD(1)),
    `Edges.ServerHist`       Array(Map(Int16, Float64)) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(DerivedAt)
PARTITION BY toYYYYMM(Ts)
ORDER BY (Connector, Ts)
{{TTL service_graph toDate(Ts)}}
SETTINGS ttl_only_drop_parts = 1;

-- A row per minute, edge, connection type and outcome. A condition on Ts and Connector reads only what it needs.
CREATE VIEW IF NOT EXISTS {{DB}}.service_graph_edges AS
SELECT Ts, Connector, Client, Server, ConnectionType, Failed, VirtualNode, ClientDims, ServerDims,
       EdgeSpans AS Spans, Calls, ClientDurationNs, ServerDurationNs, ClientHist, ServerHist
FROM {{DB}}.service_graph FINAL
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
