import type { KafkaOrigin } from '../flow/block.ts';
import type { BlockPart } from './block-parts.ts';
import { type ClickHouse, LOCAL, quoted } from './client.ts';
import { blockEnd, seenKey } from './native/seen-column.ts';

/** Parts asked for in one query. */
const PARTS_A_QUERY = 50;

/** Characters of a service's name up to which it is asked for: ClickHouse reads queries of up to 256 KiB. */
const LONGEST_SERVICE = 256;

/** What the check has to know of the database. */
export interface Surroundings {
  /** By usual name; 0 = nothing expires. Tables that are not there are not in it. */
  readonly ttlS: ReadonlyMap<string, number>;
  /** SELECT of each materialized view, by the view's name. */
  readonly views: ReadonlyMap<string, string>;
  /** Tables and views with the prefix that was asked for. */
  readonly leftovers: readonly string[];
  /** The server's clock. */
  readonly nowS: number;
}

export async function surroundings(client: ClickHouse, prefix: string): Promise<Surroundings> {
  const rows = await client.query<{
    name: string;
    engine: string;
    engine_full: string;
    as_select: string;
    nowS: string;
  }>(
    `SELECT name, engine, engine_full, as_select, toUnixTimestamp(now()) AS nowS
     FROM system.tables WHERE database = {db: String}`,
    { db: client.database },
  );
  const ttlS = new Map<string, number>();
  const views = new Map<string, string>();
  for (const { name, engine, engine_full, as_select } of rows) {
    if (engine === 'MaterializedView') views.set(name, as_select);
    else if (client.cluster === undefined) ttlS.set(name, ttlSeconds(engine_full));
    else if (name.endsWith(LOCAL)) ttlS.set(name.slice(0, -LOCAL.length), ttlSeconds(engine_full));
  }
  const leftovers = rows.map(({ name }) => name).filter((name) => name.startsWith(prefix));
  return { ttlS, views, leftovers, nowS: Number(rows[0]?.nowS ?? 0) };
}

const UNIT_S: Readonly<Record<string, number>> = { Second: 1, Day: 86_400 };

/** Of the TTL forms that sql/ and the configuration make. */
export function ttlSeconds(engineFull: string): number {
  const [, unit = '', count = ''] = / TTL .*? \+ toInterval(Second|Day)\((\d+)\)/.exec(engineFull) ?? [];
  return (UNIT_S[unit] ?? 0) * Number(count);
}

/** Parts that may be gone, or go at any moment, without anything being wrong. */
export function isExpired({ newestDay, table }: BlockPart, { nowS, ttlS }: Surroundings): boolean {
  const keptS = ttlS.get(table) ?? 0;
  return keptS > 0 && newestDay * 86_400 + keptS <= nowS;
}

export interface Findings {
  readonly missing: readonly BlockPart[];
  /**
   * Of the missing ones, those whose row has the marker of a later block: of another log of this name, or of a
   * block that was written later, over which this one's may have been lost in a merge.
   */
  readonly overgrown: readonly BlockPart[];
}

export interface Look {
  /** Tables to look in instead. */
  readonly placeOf?: (table: string) => string;
  /**
   * For the block's marker on any row of the part, not only on the one that has it by our rules: who formed the
   * block before may have had other rules, or records that the log has lost since. Reads whole parts.
   */
  readonly isBroad?: boolean;
}

/** Which of the parts are not in their tables. */
export async function findMissing(
  client: ClickHouse,
  origin: KafkaOrigin,
  parts: readonly BlockPart[],
  { placeOf = (table) => table, isBroad = false }: Look = {},
): Promise<Findings> {
  const missing: BlockPart[] = [];
  const overgrown: BlockPart[] = [];
  for (let from = 0; from < parts.length; from += PARTS_A_QUERY) {
    const chunk = parts.slice(from, from + PARTS_A_QUERY);
    const query = chunk.map((part, i) =>
      lookup(part, i, { origin, table: target(client, placeOf(part.table)), isBroad }),
    );
    const rows = await client.query<{ part: number; here: string; later: string }>(
      query.join('\nUNION ALL\n'),
      { source: `${origin.clusterId}/${origin.topic}`, key: seenKey(origin) },
    );
    for (const { here, later, part } of rows) {
      if (Number(here) > 0) continue;
      missing.push(chunk[part] as BlockPart);
      if (Number(later) > 0) overgrown.push(chunk[part] as BlockPart);
    }
  }
  return { missing, overgrown };
}

/** Names are anyone's text, of any length: in hex, and only what a query of many parts has room for. */
function ofService(service: string | undefined): string {
  if (service === undefined || service.length > LONGEST_SERVICE) return '';
  return ` AND ServiceName = unhex('${Buffer.from(service).toString('hex')}')`;
}

function target(client: ClickHouse, table: string): string {
  return `${quoted(client.database)}.${quoted(client.stored(table))}`;
}

function lookup(
  { partitionId, proof }: BlockPart,
  index: number,
  where: { readonly origin: KafkaOrigin; readonly table: string; readonly isBroad: boolean },
): string {
  const { isBroad, origin, table } = where;
  const { firstOffset, firstTimestampMs, lastOffset, partition, revision } = origin;
  const from = `FROM ${table} WHERE _partition_id = '${partitionId}'`;
  const seen =
    `SELECT ${index} AS part, countIf(Seen[{key: String}] = ${blockEnd(origin)}) AS here, ` +
    `countIf(Seen[{key: String}] > ${blockEnd(origin)}) AS later ${from}`;
  switch (proof.kind) {
    case 'window':
      if (isBroad) return seen;
      return `${seen} AND Ts = toDateTime(${proof.windowS})${ofService(proof.service)}`;
    case 'trace':
      return isBroad ? seen : `${seen} AND TraceId = '${proof.traceId}'`;
    case 'span':
      if (isBroad) {
        return (
          `SELECT ${index} AS part, count() AS here, toUInt64(0) AS later ${from} AND KafkaSource = {source: String} ` +
          `AND KafkaPartition = ${partition} AND KafkaOffset BETWEEN ${firstOffset} AND ${lastOffset}`
        );
      }
      return (
        `SELECT ${index} AS part, count() AS here, toUInt64(0) AS later ${from} ` +
        `AND Timestamp = fromUnixTimestamp64Nano(toInt64('${proof.startNs}')) AND KafkaSource = {source: String} ` +
        `AND KafkaPartition = ${partition} AND KafkaOffset = ${proof.offset} AND SpanId = '${proof.spanId}' ` +
        `AND TraceId = '${proof.traceId}'`
      );
    case 'log':
      return (
        `SELECT ${index} AS part, count() AS here, toUInt64(0) AS later ${from} AND Source = {source: String} ` +
        `AND Partition = ${partition} AND FirstOffset = ${firstOffset} AND LastOffset = ${lastOffset} ` +
        `AND Revision = ${revision} AND toUnixTimestamp64Milli(FirstTimestamp) = ${Math.max(0, firstTimestampMs)}`
      );
  }
}

/** Whether an insert with that token, or anything that speaks of `name`, is being run by the server. */
export async function isRunning(client: ClickHouse, token: string, name: string): Promise<boolean> {
  const [row] = await client.query<{ n: string }>(
    `SELECT count() AS n FROM system.processes
     WHERE (Settings['insert_deduplication_token'] = {token: String} OR position(query, {name: String}) > 0)
       AND query_id != queryID()`,
    { token, name },
  );
  return Number(row?.n) > 0;
}
