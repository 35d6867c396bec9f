-- title: The service graph
-- about: Who calls whom, from the table that the service_graph connector derives: databases, queues and what is not traced
--   itself are in it too, and a month is as quick as an hour. In whole minutes; the last few are not there yet.
-- param service (text = ): only what this service calls or is called by; empty = all
-- param connector (text = ): id of the service_graph connector; empty = the first one by name
-- param from (time = 1h): where to begin
-- param to (time = now): where to end
WITH toUnixTimestamp(toStartOfMinute({to:DateTime})) - toUnixTimestamp(toStartOfMinute({from:DateTime})) AS seconds
SELECT
    Client AS client,
    Server AS server,
    ConnectionType AS type,
    round(sum(Calls) / seconds, 6) AS calls_per_s,
    round(sumIf(Calls, Failed) / seconds, 6) AS errors_per_s,
    round(sumIf(Calls, Failed) / sum(Calls), 6) AS error_share,
    round(exphist_quantile(0.5, sumMap(ClientHist)) * 1000, 3) AS client_p50_ms,
    round(exphist_quantile(0.95, sumMap(ClientHist)) * 1000, 3) AS client_p95_ms,
    round(exphist_quantile(0.5, sumMap(ServerHist)) * 1000, 3) AS server_p50_ms,
    round(exphist_quantile(0.95, sumMap(ServerHist)) * 1000, 3) AS server_p95_ms
FROM {{DB}}.service_graph_edges
WHERE Ts >= toStartOfMinute({from:DateTime}) AND Ts < toStartOfMinute({to:DateTime})
  AND Connector = if({connector:String} != '', {connector:String}, (SELECT min(Connector) FROM {{DB}}.service_graph))
  AND ({service:String} = '' OR Client = {service:String} OR Server = {service:String})
GROUP BY Client, Server, ConnectionType
ORDER BY calls_per_s DESC, client, server, type
