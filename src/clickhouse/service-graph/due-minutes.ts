import { type ClickHouse, quoted } from '../client.ts';
import { type DueMinute, literal } from './edge-sql.ts';

export interface DueQuery {
  readonly connector: string;
  readonly reachS: number;
  /** Minutes that began before are looked at, Unix seconds. */
  readonly settledS: number;
  /** At most so many, the oldest first. */
  readonly limit: number;
}

/**
 * Minutes in [fromS, endS) whose graph was derived from another number of spans than there are now, or not at all.
 * Reads nothing but the spans' timestamps.
 */
export async function dueMinutes(
  client: ClickHouse,
  { connector, limit, reachS, settledS }: DueQuery,
  fromS: number,
  endS: number,
): Promise<DueMinute[]> {
  const database = quoted(client.database);
  const rows = await client.query<{ startS: string; spans: string; around: string }>(
    `WITH counts AS (
       SELECT toUnixTimestamp(toStartOfMinute(Timestamp, 'UTC')) AS startS, count() AS spans
       FROM ${database}.otel_traces
       WHERE Timestamp >= toDateTime(${fromS - reachS}) AND Timestamp < toDateTime(${endS + reachS})
       GROUP BY startS
     ),
     derived AS (
       SELECT toUnixTimestamp(Ts) AS startS, Spans AS spans, SpansAround AS around
       FROM ${database}.service_graph FINAL
       WHERE Connector = ${literal(connector)} AND Ts >= toDateTime(${fromS}) AND Ts < toDateTime(${endS})
     ),
     minutes AS (
       SELECT startS, sum(n) AS spans, sum(was) AS derivedSpans, sum(wasAround) AS derivedAround
       FROM (
         SELECT startS, spans AS n, 0 AS was, 0 AS wasAround FROM counts
         UNION ALL SELECT startS, 0, spans, around FROM derived
       ) GROUP BY startS
     )
     SELECT startS, spans, around
     FROM (
       SELECT startS, spans, derivedSpans, derivedAround,
         sum(spans) OVER (ORDER BY startS RANGE BETWEEN ${reachS} PRECEDING AND ${reachS} FOLLOWING) AS around
       FROM minutes
     )
     WHERE startS >= ${fromS} AND startS < ${endS} AND startS < ${settledS}
       AND (spans != derivedSpans OR (around != derivedAround AND spans > 0))
     ORDER BY startS LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    startS: Number(row.startS),
    spans: Number(row.spans),
    spansAround: Number(row.around),
  }));
}

/**
 * Days (start, Unix seconds) of which otel_traces holds another number of spans than their minutes were derived from:
 * known from the metadata of its parts.
 */
export async function changedDays(client: ClickHouse, connector: string): Promise<number[]> {
  const { cluster } = client;
  const parts = cluster === undefined ? 'system.parts' : `cluster(${literal(cluster)}, system.parts)`;
  const rows = await client.query<{ dayS: string }>(
    `SELECT toUnixTimestamp(toDateTime(day, 'UTC')) AS dayS
     FROM (
       SELECT toDate(partition) AS day, toInt64(sum(rows)) AS spans FROM ${parts}
       WHERE database = {db: String} AND table = {table: String} AND active GROUP BY day
       UNION ALL
       SELECT toDate(Ts) AS day, -toInt64(sum(Spans)) FROM ${quoted(client.database)}.service_graph FINAL
       WHERE Connector = {connector: String} GROUP BY day
     )
     GROUP BY day HAVING sum(spans) != 0 AND max(spans) > 0 ORDER BY dayS`,
    { db: client.database, connector, table: client.stored('otel_traces') },
  );
  return rows.map(({ dayS }) => Number(dayS));
}
