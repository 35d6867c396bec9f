import { type EdgeRules, NO_CLIENT, NO_SERVER } from '../../dependencies/edge-rules.ts';
import { quoted } from '../client.ts';

/** A minute to be derived, and how many spans there were when that was found out. */
export interface DueMinute {
  /** Start, Unix seconds. */
  readonly startS: number;
  readonly spans: number;
  /** In all minutes in which ends of its edges are looked for. */
  readonly spansAround: number;
}

export interface Derivation {
  readonly database: string;
  /** The table that the graphs go into; `service_graph` by default. */
  readonly into?: string;
  readonly connector: string;
  readonly rules: EdgeRules;
  /** How far before and behind a minute the other ends are looked for, whole minutes. */
  readonly reachS: number;
  /** Adjoining minutes, ascending. */
  readonly minutes: readonly DueMinute[];
}

const EDGE_COLUMNS = [
  'Client',
  'Server',
  'ConnectionType',
  'Failed',
  'VirtualNode',
  'ClientDims',
  'ServerDims',
  'Spans',
  'Calls',
  'ClientDurationNs',
  'ServerDurationNs',
  'ClientHist',
  'ServerHist',
] as const;

/**
 * One insert of the graphs of some minutes, from what otel_traces holds now: the rules are those of EdgeStore. Two ends
 * belong together when the 64-bit hashes of trace and span id are equal, among the spans of these minutes.
 */
export function deriveStatement(derivation: Derivation): string {
  const { connector, database, into = 'service_graph', minutes } = derivation;
  const list = (of: (minute: DueMinute) => number, type: string): string =>
    `CAST([${minutes.map(of).join(', ')}], 'Array(${type})')`;
  const columns = EDGE_COLUMNS.map((name) => `\`Edges.${name}\``);
  return `INSERT INTO ${quoted(database)}.${into}
  (Ts, Connector, Spans, SpansAround, DerivedAt, ${columns.join(', ')})
${commonTables(derivation)},
minutes AS (
  SELECT Ts, Spans, SpansAround
  FROM (SELECT 1)
  ARRAY JOIN ${list(({ startS }) => startS, "DateTime(\\'UTC\\')")} AS Ts,
    ${list(({ spans }) => spans, 'UInt64')} AS Spans, ${list(({ spansAround }) => spansAround, 'UInt64')} AS SpansAround
),
graphs AS (
  SELECT Minute, ${EDGE_COLUMNS.map((name) => `groupArray(${name}) AS ${name}s`).join(', ')}
  FROM counted
  GROUP BY Minute
)
SELECT m.Ts, ${literal(connector)}, m.Spans, m.SpansAround, now64(3), ${EDGE_COLUMNS.map((name) => `g.${name}s`).join(', ')}
FROM minutes AS m LEFT JOIN graphs AS g ON g.Minute = m.Ts`;
}

/** `counted`: a row per minute and edge. */
function commonTables({ database, minutes, reachS, rules }: Derivation): string {
  const first = minutes[0]?.startS ?? 0;
  const end = (minutes.at(-1)?.startS ?? 0) + 60;
  const spans = `${quoted(database)}.otel_traces`;
  const near = within(first - reachS, end + reachS);
  const inside = `At >= toDateTime(${first}) AND At < toDateTime(${end})`;
  return `WITH
clients AS (
  SELECT sipHash64(TraceId, SpanId) AS Pair, ServiceName AS Service, Timestamp AS At, Duration AS Ns,
    StatusCode = 'Error' AS IsFailed, SampleWeight AS Weight, SpanKind = 'Producer' AS IsMessage,
    ${firstOf(rules.databaseNames, (key) => [resource(key), span(key)])} AS Database,
    ${firstOf(rules.peerAttributes, (key) => [span(key)])} AS Peer, ${dimensions(rules)} AS Dims
  FROM ${spans}
  WHERE ${near} AND SpanKind IN ('Client', 'Producer') AND ServiceName != '' AND TraceId != '' AND SpanId != ''
),
servers AS (
  SELECT sipHash64(Ids.1, Ids.2) AS Pair, ServiceName AS Service, Timestamp AS At, Duration AS Ns,
    StatusCode = 'Error' AS IsFailed, SampleWeight AS Weight, SpanKind = 'Consumer' AS IsMessage, Ids.2 = '' AS IsRoot,
    ${dimensions(rules)} AS Dims
  FROM ${spans}
  ARRAY JOIN if(SpanKind = 'Consumer' AND notEmpty(\`Links.SpanId\`), arrayZip(\`Links.TraceId\`, \`Links.SpanId\`), [(TraceId, ParentSpanId)]) AS Ids
  WHERE ${near} AND SpanKind IN ('Server', 'Consumer') AND ServiceName != '' AND TraceId != '' AND SpanId != ''
),
edges AS (
  SELECT toStartOfMinute(s.At, 'UTC') AS Minute, if(s.IsRoot, ${literal(NO_CLIENT)}, c.Service) AS Client, s.Service AS Server,
    multiIf(s.IsRoot, 'virtual_node', c.IsMessage OR s.IsMessage, 'messaging_system', '') AS ConnectionType,
    (c.IsFailed OR s.IsFailed)::Bool AS Failed, if(s.IsRoot, 'client', '') AS VirtualNode, c.Dims AS ClientDims, s.Dims AS ServerDims,
    greatest(c.Weight, s.Weight) AS Weight, c.Ns AS ClientNs, s.Ns AS ServerNs, NOT s.IsRoot AS HasClient, true AS HasServer
  FROM (SELECT * FROM servers WHERE ${inside}) AS s
  LEFT ANY JOIN (SELECT * FROM clients WHERE Database = '') AS c ON s.Pair = c.Pair
  WHERE s.IsRoot OR c.Service != ''
  UNION ALL
  SELECT toStartOfMinute(At, 'UTC'), Service, multiIf(Database != '', Database, Peer != '', Peer, ${literal(NO_SERVER)}),
    if(Database != '', 'database', 'virtual_node'), IsFailed::Bool, if(Database != '', '', 'server'), Dims, map(),
    Weight, Ns, if(Database != '', Ns, 0), true, Database != ''
  FROM clients
  WHERE ${inside} AND (Database != '' OR Pair NOT IN (SELECT Pair FROM servers WHERE NOT IsRoot))
),
counted AS (
  SELECT Minute, Client, Server, ConnectionType, Failed, VirtualNode, ClientDims, ServerDims, count() AS Spans, sum(Weight) AS Calls,
    sum(ClientNs * Weight) AS ClientDurationNs, sum(ServerNs * Weight) AS ServerDurationNs,
    sumMap(if(HasClient, map(${bucket('ClientNs')}, Weight), map())) AS ClientHist,
    sumMap(if(HasServer, map(${bucket('ServerNs')}, Weight), map())) AS ServerHist
  FROM edges
  GROUP BY Minute, Client, Server, ConnectionType, Failed, VirtualNode, ClientDims, ServerDims
  ORDER BY Minute, Client, Server, ConnectionType, Failed
)`;
}

function within(fromS: number, endS: number): string {
  return `Timestamp >= toDateTime(${fromS}) AND Timestamp < toDateTime(${endS})`;
}

/** Index of sketch/exponential.ts. */
function bucket(ns: string): string {
  return `toInt16(if(${ns} = 0, -32768, ceil(log2(${ns} / 1e9) * 16) - 1))`;
}

function resource(key: string): string {
  return `ResourceAttributes[${literal(key)}]`;
}

function span(key: string): string {
  return `SpanAttributes[${literal(key)}]`;
}

/** The first that is not empty. */
function firstOf(keys: readonly string[], columns: (key: string) => readonly string[]): string {
  const all = keys.flatMap(columns);
  if (all.length === 0) return `''`;
  return `multiIf(${all.map((column) => `${column} != '', ${column}`).join(', ')}, '')`;
}

function dimensions({ dimensions: keys }: EdgeRules): string {
  if (keys.length === 0) return `map()::Map(String, String)`;
  const pairs = keys.map((key) => `${literal(key)}, ${firstOf([key], () => [resource(key), span(key)])}`);
  return `mapFilter((k, v) -> v != '', map(${pairs.join(', ')}))`;
}

/** A string as it stands in a statement. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
