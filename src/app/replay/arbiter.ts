import type { Clock } from '../../base/clock.ts';
import { type BlockPart, ROLLUPS } from '../../clickhouse/block-parts.ts';
import { type ClickHouse, quoted } from '../../clickhouse/client.ts';
import type { DayTotal } from '../../clickhouse/ingest-log.ts';
import { dateOf } from './days.ts';
import type { Ledger } from './ledger.ts';

/** What of a block is in a table, where its marker can't tell because a later block's has grown over it. */
export type Verdict = 'there' | 'not there' | 'unknown';

/** Looks at the log while the newest block is not in it, and at the table while it does not add up. */
const TRIES = 40;
const WEIGHINGS = 4;
const WAIT_MS = 250;

/**
 * Whether the rows of a block that no log speaks of are in an aggregated table, judged for all such blocks at once: a
 * table has as many spans of those days as its log says, besides those of blocks whose marker is seen; or the
 * others are there, too. Anything in between can't be told apart. Blocks that a running engine has written and not
 * logged yet are known by their markers, and waited for.
 */
export async function weighDays(
  client: ClickHouse,
  clock: Clock,
  part: BlockPart,
  ledger: Ledger,
): Promise<Verdict> {
  const { partitionId, table } = part;
  const target = ROLLUPS.includes(table) ? 'span_metrics_10s' : table;
  for (let i = 0; i < WEIGHINGS; i++) {
    const surplus = await surplusOf({ client, clock }, table, target, partitionId);
    const unexplained = surplus - ledger.spans(part, 'there');
    if (unexplained === 0) return 'not there';
    if (unexplained === ledger.spans(part, 'not known')) return 'there';
    await clock.sleep(WAIT_MS);
  }
  return 'unknown';
}

/** What a block's log says of its spans in one partition of a table. */
export function spansIn({ partitionId, table }: BlockPart, totals: readonly DayTotal[]): number {
  const target = ROLLUPS.includes(table) ? 'span_metrics_10s' : table;
  return totals
    .filter(
      (total) => total.target === target && dateOf(total.day).replaceAll('-', '').startsWith(partitionId),
    )
    .reduce((sum, { spans }) => sum + spans, 0);
}

/**
 * Spans of a day, month or year (as in a partition's id: 20260501, 202605 or 2026) that a table has beyond those that
 * the log knows of; less than 0 when it has fewer. Waits for the log of what a running engine has just written.
 */
export async function surplusOf(
  { client, clock }: { readonly client: ClickHouse; readonly clock: Clock },
  table: string,
  target: string,
  id: string,
): Promise<number> {
  const column = table === 'sampling_throughput' ? 'Roots' : 'Spans';
  const [held] = await client.query<{ spans: string; seen: Record<string, string> }>(
    `SELECT sum(${column}) AS spans, maxMap(Seen) AS seen
     FROM ${quoted(client.database)}.${quoted(table)} WHERE startsWith(formatDateTime(Ts, '%Y%m%d'), {id: String})`,
    { id },
  );
  const seen = Object.entries(held?.seen ?? {});
  const parameters = { target, id, keys: seen.map(([key]) => key), ends: seen.map(([, end]) => end) };
  for (let i = 0; ; i++) {
    const [logged] = await client.query<{ spans: string; ends: Record<string, string> }>(
      `WITH mapFromArrays({keys: Array(String)}, arrayMap(end -> toUInt64(end), {ends: Array(String)})) AS seen,
            concat(toString(Source), ':', toString(Partition)) AS key
       SELECT sumIf(Spans, Source = '' OR NOT mapContains(seen, key) OR LastOffset < seen[key]) AS spans,
              maxMap(map(key, LastOffset + 1)) AS ends
       FROM ${quoted(client.database)}.ingest_log
       WHERE Target = {target: String} AND startsWith(formatDateTime(Day, '%Y%m%d'), {id: String})`,
      parameters,
    );
    // The newest block of a partition may be in the table and be logged in a moment.
    const isBehind = seen.some(([key, end]) => Number(logged?.ends[key] ?? 0) < Number(end));
    if (!isBehind || i === TRIES) return Number(held?.spans ?? 0) - Number(logged?.spans ?? 0);
    await clock.sleep(WAIT_MS);
  }
}

/**
 * Whether trace_summary has a block's spans: for the block's traces it counts as many as otel_traces has rows, or
 * as many more as the block has. `spans` are the block's, `inTable` of them are in otel_traces.
 */
export async function weighTraces(
  client: ClickHouse,
  traceIds: readonly string[],
  block: { readonly spans: number; readonly inTable: number },
): Promise<Verdict> {
  const db = quoted(client.database);
  const [row] = await client.query<{ counted: string; rows: string }>(
    `SELECT (SELECT sum(arraySum(mapValues(Spans))) FROM ${db}.trace_summary WHERE TraceId IN {ids: Array(String)}) AS counted,
            (SELECT count() FROM ${db}.otel_traces WHERE TraceId IN {ids: Array(String)}) AS rows`,
    { ids: traceIds },
  );
  const others = Number(row?.rows) - block.inTable;
  if (Number(row?.counted) === others) return 'not there';
  return Number(row?.counted) === others + block.spans ? 'there' : 'unknown';
}
