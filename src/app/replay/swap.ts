import { type ClickHouse, quoted } from '../../clickhouse/client.ts';
import { DAY_MS, dateOf } from './days.ts';
import type { Scratch } from './scratch.ts';

const BY_DAY = ['otel_traces', 'trace_summary', 'span_metrics_10s', 'span_metrics_1m', 'sampling_throughput'];
const WAITING = { alter_sync: '2', mutations_sync: '2' };

/** Rows of a block in the log, by what does not change when it is formed again, and by all that it says. */
const BLOCK = '(Source, Partition, FirstOffset, LastOffset)';
const ROW = '(Source, Partition, FirstOffset, LastOffset, Revision, Target, Day, Rows, Spans, SpanIdSum)';

/**
 * What differs between a block's log here and there in what its records decide alone: what was stored can't be
 * formed again.
 */
export async function differences(
  client: ClickHouse,
  scratch: Scratch,
  days: readonly number[],
): Promise<string[]> {
  const facts = (database: string): string =>
    `SELECT toString(Source) AS source, Partition AS partition, FirstOffset AS first, LastOffset AS last,
            max(Records) AS records, max(FirstTimestamp) AS at,
            arraySort(groupArrayIf((toString(Day), Rows, SpanIdSum), Target = 'otel_traces' AND Day IN {days: Array(Date)})) AS rows
     FROM (SELECT DISTINCT Source, Partition, FirstOffset, LastOffset, Target, Day, Rows, SpanIdSum, Records, FirstTimestamp
           FROM ${quoted(database)}.ingest_log)
     WHERE ${BLOCK} IN (SELECT ${BLOCK} FROM ${quoted(client.database)}.ingest_log WHERE Day IN {days: Array(Date)} AND Source != '')
     GROUP BY source, partition, first, last`;
  const rows = await client.query<{ text: string }>(
    `SELECT concat(was.source, ' ', toString(was.partition), ' ', toString(was.first), '-', toString(was.last)) AS text
     FROM (${facts(client.database)}) AS was
     LEFT JOIN (${facts(scratch.database)}) AS is USING (source, partition, first, last)
     WHERE was.rows != is.rows OR (was.records > 0 AND (was.records != is.records OR was.at != is.at))
     ORDER BY text`,
    { days: days.map(dateOf) },
  );
  return rows.map(({ text }) => text);
}

/** Tables and days that would lose all their rows, because nothing makes such rows any more. */
export async function emptiedDays(
  client: ClickHouse,
  scratch: Scratch,
  days: readonly number[],
): Promise<string[]> {
  const rows = await filledDays(client, client.database, days);
  const fresh = new Set(await filledDays(client, scratch.database, days));
  return rows.filter((name) => scratch.tables.has(name.split(' ')[0] as string) && !fresh.has(name));
}

/** `table 20260501` of those that have rows. */
async function filledDays(client: ClickHouse, database: string, days: readonly number[]): Promise<string[]> {
  const rows = await client.query<{ name: string }>(
    `SELECT DISTINCT concat(table, ' ', partition_id) AS name FROM system.parts
     WHERE active AND rows > 0 AND database = {database: String} AND table IN {tables: Array(String)}
       AND partition_id IN {ids: Array(String)} ORDER BY name`,
    { database, tables: BY_DAY, ids: days.map((day) => dateOf(day).replaceAll('-', '')) },
  );
  return rows.map(({ name }) => name);
}

/** Puts the scratch's days in the place of the live ones, table by table, each day of a table at once. */
export async function swapDays(
  client: ClickHouse,
  scratch: Scratch,
  days: readonly number[],
  nowMs: number,
): Promise<void> {
  const filled = new Set(await filledDays(client, scratch.database, days));
  for (const table of BY_DAY.filter((name) => scratch.tables.has(name))) {
    const keptMs = (scratch.ttlS.get(table) ?? 0) * 1000;
    for (const day of days) {
      // It has expired, or is about to.
      if (keptMs > 0 && day * DAY_MS + keptMs <= nowMs) continue;
      const id = dateOf(day).replaceAll('-', '');
      if (!filled.has(`${table} ${id}`)) continue;
      await client.command(
        `ALTER TABLE ${live(client, table)} REPLACE PARTITION ID '${id}' FROM ${quoted(scratch.database)}.${table}`,
        WAITING,
      );
    }
  }
  for (const long of LONG_PARTITIONS) {
    if (scratch.tables.has(long.table)) await correctLong(client, scratch, days, long);
  }
}

const SERIES = 'Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash';

/** Tables whose partitions are of more than a day, and how much of YYYYMMDD is their id. */
const LONG_PARTITIONS = [
  { table: 'span_metrics_1h', idLength: 6 },
  { table: 'span_metrics_1d', idLength: 4 },
] as const;

/**
 * Hours lie in partitions of a month, and days in those of a year, of which the other days go on being written, so
 * they are not replaced: what is wanted less what is there is added, in one insert that readers see at once or not
 * at all. Sums wrap, so that what is subtracted needs no sign. What is added to the hours goes on to the days by the
 * view. Merged, a series that is no more is a row of zeros, and is deleted.
 */
async function correctLong(
  client: ClickHouse,
  scratch: Scratch,
  days: readonly number[],
  { idLength, table }: (typeof LONG_PARTITIONS)[number],
): Promise<void> {
  const dates = days.map((day) => `'${dateOf(day)}'`).join(', ');
  const there = live(client, table);
  const columns = `${SERIES}, Dims, Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist, Seen`;
  const ids = [...new Set(days.map((day) => dateOf(day).replaceAll('-', '').slice(0, idLength)))];
  const from = (name: string, isNew: boolean): string =>
    `SELECT ${columns}, ${isNew ? 1 : 0} AS isNew FROM ${name} WHERE toDate(Ts) IN (${dates})`;
  await client.command(
    `INSERT INTO ${there} (${columns})
     SELECT ${SERIES}, any(d.Dims), reinterpretAsUInt64(toInt64(sumIf(d.Spans, isNew) - sumIf(d.Spans, NOT isNew))) AS spans,
            sumIf(d.Calls, isNew) - sumIf(d.Calls, NOT isNew) AS calls,
            sumIf(d.WeightSquares, isNew) - sumIf(d.WeightSquares, NOT isNew) AS squares,
            maxIf(d.WeightMax, isNew),
            sumIf(d.DurationSumNs, isNew) - sumIf(d.DurationSumNs, NOT isNew) AS ns,
            maxIf(d.DurationMaxNs, isNew),
            mapFilter((bucket, n) -> n != 0, sumMap(if(isNew, d.Hist, mapApply((bucket, n) -> (bucket, -n), d.Hist)))) AS hist,
            maxMapIf(d.Seen, isNew) AS seen
     FROM (${from(`${quoted(scratch.database)}.${table}`, true)} UNION ALL ${from(there, false)}) AS d
     GROUP BY ${SERIES}
     HAVING spans != 0 OR calls != 0 OR squares != 0 OR ns != 0 OR notEmpty(hist)`,
    {
      async_insert: '0',
      max_insert_block_size: '100000000',
      min_insert_block_size_rows: '0',
      min_insert_block_size_bytes: '0',
      max_insert_threads: '1',
      insert_deduplicate: '0',
    },
  );
  for (const id of ids) {
    await client.command(`OPTIMIZE TABLE ${there} PARTITION ID '${id}' FINAL`, WAITING);
  }
  await client.command(
    `ALTER TABLE ${there} DELETE WHERE toDate(Ts) IN (${dates}) AND Spans = 0 AND Calls = 0`,
    WAITING,
  );
}

/**
 * The log of the days says what they are now: the new rows first, then the old ones go, so that at no time a block
 * of them looks as if it had never been stored.
 */
export async function swapLog(client: ClickHouse, scratch: Scratch, days: readonly number[]): Promise<void> {
  const dates = days.map((day) => `'${dateOf(day)}'`).join(', ');
  const log = live(client, 'ingest_log');
  const fresh = `${quoted(scratch.database)}.ingest_log`;
  await client.command(
    `INSERT INTO ${log} SELECT * FROM ${fresh} WHERE Day IN (${dates})
     AND ${ROW} NOT IN (SELECT ${ROW} FROM ${log} WHERE Day IN (${dates}))`,
    { async_insert: '0', insert_deduplicate: '0' },
  );
  await client.command(
    `ALTER TABLE ${log} DELETE WHERE Day IN (${dates})
     AND ${BLOCK} IN (SELECT ${BLOCK} FROM ${fresh}) AND ${ROW} NOT IN (SELECT ${ROW} FROM ${fresh})`,
    WAITING,
  );
}

function live(client: ClickHouse, table: string): string {
  return `${quoted(client.database)}.${quoted(table)}`;
}
