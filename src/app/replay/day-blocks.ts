import type { Clock } from '../../base/clock.ts';
import { ROLLUPS } from '../../clickhouse/block-parts.ts';
import { type ClickHouse, quoted } from '../../clickhouse/client.ts';
import { surplusOf } from './arbiter.ts';
import { dateOf } from './days.ts';
import { grouped } from './progress.ts';
import type { PartitionView } from './topic-view.ts';

export interface Db {
  readonly client: ClickHouse;
  readonly clock: Clock;
}

/** A block that has rows of the days. */
export interface DayBlock {
  readonly source: string;
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  /** Its days, of those that were asked for. */
  readonly days: readonly string[];
}

export interface DayState {
  readonly day: string;
  readonly blocks: number;
  readonly spans: number;
  /** Why it can't be recomputed; empty = it can. */
  readonly obstacles: readonly string[];
}

/** All blocks of the log with rows of these days (numbers since 1970), whoever wrote them. */
export async function blocksOf(client: ClickHouse, days: readonly number[]): Promise<DayBlock[]> {
  const rows = await client.query<{
    source: string;
    partition: number;
    first: string;
    last: string;
    days: string[];
  }>(
    `SELECT toString(Source) AS source, Partition AS partition, FirstOffset AS first, LastOffset AS last,
            arraySort(groupUniqArray(toString(Day))) AS days
     FROM ${quoted(client.database)}.ingest_log WHERE Day IN {days: Array(Date)} AND Source != ''
     GROUP BY source, partition, first, last ORDER BY source, partition, first`,
    { days: days.map(dateOf) },
  );
  return rows.map((row) => ({
    source: row.source,
    partition: Number(row.partition),
    first: Number(row.first),
    last: Number(row.last),
    days: row.days,
  }));
}

export function blockKey({ source, partition, first, last }: Omit<DayBlock, 'days'>): string {
  return `${source}:${partition}:${first}-${last}`;
}

/** What stands in the way of recomputing each day. Nothing may be lost: what can't be formed again must not be there. */
export async function judgeDays(
  db: Db,
  days: readonly number[],
  blocks: readonly DayBlock[],
  logs: ReadonlyMap<string, PartitionView>,
): Promise<DayState[]> {
  const { client } = db;
  const states: DayState[] = [];
  for (const number of days) {
    const day = dateOf(number);
    const own = blocks.filter((block) => block.days.includes(day));
    const obstacles = [
      ...strangers(own, logs),
      ...lost(own, logs),
      ...overlaps(own),
      ...(await unlogged(db, day)),
    ];
    const [row] = await client.query<{ spans: string; requests: string }>(
      `SELECT sumIf(Spans, Target = 'otel_traces') AS spans, countIf(Source = '') AS requests
       FROM ${quoted(client.database)}.ingest_log WHERE Day = {day: Date}`,
      { day },
    );
    if (Number(row?.requests) > 0)
      obstacles.push('it has spans that came in requests, which nothing can give again');
    states.push({ day, blocks: own.length, spans: Number(row?.spans), obstacles });
  }
  return states;
}

function strangers(blocks: readonly DayBlock[], logs: ReadonlyMap<string, PartitionView>): string[] {
  const foreign = blocks.filter(({ source, partition }) => !logs.has(`${source}:${partition}`));
  const sources = [...new Set(foreign.map(({ source }) => source))];
  return sources.map((source) => `it has spans of ${source}, which this receiver does not read`);
}

function lost(blocks: readonly DayBlock[], logs: ReadonlyMap<string, PartitionView>): string[] {
  const obstacles = new Map<string, number>();
  for (const { source, partition, first, last } of blocks) {
    const log = logs.get(`${source}:${partition}`);
    if (log === undefined || (first >= log.low && last < log.high)) continue;
    const where = `${source} ${partition} (its log is ${log.low} to ${log.high - 1})`;
    obstacles.set(where, (obstacles.get(where) ?? 0) + 1);
  }
  return Array.from(
    obstacles,
    ([where, n]) => `Kafka no longer holds ${grouped(n)} of its blocks in ${where}`,
  );
}

/** `blocks` are sorted. */
function overlaps(blocks: readonly DayBlock[]): string[] {
  const doubled = blocks.filter(({ source, partition, first }, i) => {
    const before = blocks[i - 1];
    return before?.source === source && before.partition === partition && first <= before.last;
  });
  return doubled.length === 0 ? [] : [`the log has ${grouped(doubled.length)} blocks that overlap others`];
}

const TRIES = 10;
const WAIT_MS = 500;

/** Rows that no log speaks of. A running engine writes the log last, so it is given some time. */
async function unlogged(db: Db, day: string): Promise<string[]> {
  const { client, clock } = db;
  let obstacles: string[] = [];
  for (let i = 0; i < TRIES; i++) {
    const [rows] = await client.query<{ extra: string }>(
      `SELECT (SELECT count() FROM ${quoted(client.database)}.otel_traces WHERE toDate(Timestamp) = {day: Date})
            - (SELECT sum(Rows) FROM ${quoted(client.database)}.ingest_log WHERE Target = 'otel_traces' AND Day = {day: Date}) AS extra`,
      { day },
    );
    const extra: [string, number][] = [['otel_traces', Number(rows?.extra)]];
    for (const table of ROLLUPS) {
      extra.push([table, await surplusOf(db, table, 'span_metrics_10s', day.replaceAll('-', ''))]);
    }
    extra.push([
      'sampling_throughput',
      await surplusOf(db, 'sampling_throughput', 'sampling_throughput', day.replaceAll('-', '')),
    ]);
    obstacles = extra
      .filter(([, n]) => n > 0)
      .map(([table, n]) => `${table} has ${grouped(n)} spans that no log speaks of`);
    if (obstacles.length === 0) break;
    await clock.sleep(WAIT_MS);
  }
  return obstacles;
}
