import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';
import { midnight, type Window, whileIn } from './days.ts';
import { endOf, type LogState, parametersOf, type Scope } from './log-state.ts';
import { MOST_EACH } from './ranges.ts';
import type { Finding, Kind, Open } from './report.ts';

const TABLE = 'otel_traces';
const ID = 'reinterpretAsUInt64(reverse(unhex(SpanId)))';

/** Which days and sources have spans, '' included. */
export async function readSpanDays(
  client: ClickHouse,
  window: Window,
): Promise<{ readonly day: string; readonly source: string; readonly spans: number }[]> {
  const rows = await client.query<{ day: string; source: string; spans: string }>(
    `SELECT toString(toDate(Timestamp, 'UTC')) AS day, toString(KafkaSource) AS source, count() AS spans
     FROM ${quoted(client.database)}.${TABLE} WHERE ${whileIn('Timestamp', window)} GROUP BY day, source`,
  );
  return rows.map((row) => ({ ...row, spans: Number(row.spans) }));
}

export interface SpanDay {
  readonly findings: Finding[];
  /** Spans behind what is logged: a block on its way, or one whose process was killed. */
  readonly ahead: Open[];
  /** By partition. */
  readonly compared: ReadonlyMap<number, { readonly expected: number; readonly found: number }>;
}

/**
 * One source's spans of one day, block by block. Blocks that overlap are taken together, since an offset does not
 * say then which of them its spans came with.
 */
export async function checkSpanDay(
  client: ClickHouse,
  { state, scope }: { readonly state: LogState; readonly scope: Scope },
  source: string,
  day: string,
): Promise<SpanDay> {
  const { findings, ahead }: { findings: Finding[]; ahead: Open[] } = { findings: [], ahead: [] };
  const compared = new Map<number, { expected: number; found: number }>();
  const partitions = await client.query<DayAnswer>(dayQuery(client, state, scope, source), {
    ...parametersOf(scope),
    source,
    day,
    from: `${day} 00:00:00`,
  });
  for (const row of partitions) {
    const partition = row.Partition;
    compared.set(partition, { expected: Number(row.expected), found: Number(row.found) });
    const common = { table: TABLE, source, partition, day };
    for (const [island, end, found, expected, least, most, place] of row.bad) {
      const inside = place === 'in';
      const range = inside
        ? { firstOffset: Number(island), lastOffset: Number(end) - 1 }
        : { firstOffset: Number(least), lastOffset: Number(most) };
      const figures = { expected: Number(expected), found: Number(found) };
      findings.push({ ...common, ...range, ...figures, ...judged(inside, figures) });
    }
    if (Number(row.ahead) > 0) {
      ahead.push({
        ...common,
        firstOffset: Number(row.aheadFirst),
        lastOffset: Number(row.aheadLast),
        expected: 0,
        found: Number(row.ahead),
        text: `${row.ahead} spans behind the last logged block: one that is on its way, or whose process was killed`,
      });
    }
  }
  return { findings, ahead, compared };
}

interface DayAnswer {
  readonly Partition: number;
  readonly expected: string;
  readonly found: string;
  readonly ahead: string;
  readonly aheadFirst: string;
  readonly aheadLast: string;
  readonly bad: readonly [
    island: string,
    end: string,
    found: string,
    expected: string,
    least: string,
    most: string,
    place: string,
  ][];
}

function judged(
  inside: boolean,
  { expected, found }: { readonly expected: number; readonly found: number },
): { readonly kind: Kind; readonly text: string } {
  if (!inside)
    return { kind: 'unlogged', text: `${found} spans at offsets of no block that has spans of this day` };
  if (expected === 0) return { kind: 'unlogged', text: `${found} spans, none by the log` };
  const text = `${found} spans instead of ${expected}`;
  if (found < expected) return { kind: 'missing', text };
  if (found > expected) return { kind: 'surplus', text };
  return {
    kind: 'altered',
    text: `${found} spans as logged, but not the same ones (their ids have another sum)`,
  };
}

/**
 * An island is a block, or blocks that overlap; its number is its first offset. `place` is `in` for spans of an
 * island, `between` for those of none, `ahead` for those behind the logged end.
 */
function dayQuery(client: ClickHouse, state: LogState, scope: Scope, source: string): string {
  const db = quoted(client.database);
  const ofPartition = (column: string): string =>
    scope.partition === undefined ? '' : `AND ${column} = {partition: UInt32}`;
  const preceding = (end: string): string =>
    `OVER (PARTITION BY Partition ORDER BY First ROWS BETWEEN UNBOUNDED PRECEDING AND ${end})`;
  return `WITH logged AS (
  SELECT Partition, First, max(Last + 1) AS End, sum(R) AS Rows, sum(I) AS Ids
  FROM (SELECT Partition, FirstOffset AS First, LastOffset AS Last, Revision, FirstTimestamp,
               any(l.Rows) AS R, any(l.SpanIdSum) AS I
        FROM ${db}.ingest_log AS l
        WHERE Source = {source: String} AND Target = '${TABLE}' AND Day = {day: Date}
              AND LastOffset < ${endOf(state, source, 'Partition')} ${ofPartition('Partition')}
        GROUP BY Partition, First, Last, Revision, FirstTimestamp)
  GROUP BY Partition, First
), islands AS (
  SELECT Partition, Island, max(End) AS IslandEnd, sum(Rows) AS Expected, sum(Ids) AS ExpectedIds
  FROM (SELECT *, max(if(Begins, First, 0)) ${preceding('CURRENT ROW')} AS Island
        FROM (SELECT *, First >= max(End) ${preceding('1 PRECEDING')} AS Begins FROM logged))
  GROUP BY Partition, Island
)
SELECT Partition, sum(Expected) AS expected, sumIf(Found, Place != 'ahead') AS found,
       sumIf(Found, Place = 'ahead') AS ahead, minIf(Least, Place = 'ahead') AS aheadFirst,
       maxIf(Most, Place = 'ahead') AS aheadLast,
       groupArrayIf(${MOST_EACH})((Island, IslandEnd, Found, Expected, Least, Most, Place),
                    Place != 'ahead' AND (Found != Expected OR FoundIds != ExpectedIds)) AS bad
FROM (
  SELECT Partition, Island, IslandEnd, Place, sum(F) AS Found, sum(I) AS FoundIds, max(L) AS Least, max(M) AS Most,
         sum(E) AS Expected, sum(EI) AS ExpectedIds
  FROM (
    SELECT s.Partition AS Partition, i.Island AS Island, i.IslandEnd AS IslandEnd,
           multiIf(s.Offset >= s.End, 'ahead', s.Offset < i.IslandEnd, 'in', 'between') AS Place,
           count() AS F, sum(s.Id) AS I, min(s.Offset) AS L, max(s.Offset) AS M, toUInt64(0) AS E, toUInt64(0) AS EI
    FROM (SELECT KafkaPartition AS Partition, KafkaOffset AS Offset, ${ID} AS Id,
                 ${endOf(state, source, 'KafkaPartition')} AS End
          FROM ${db}.${TABLE}
          WHERE KafkaSource = {source: String} AND Timestamp >= toDateTime64({from: String}, 9, 'UTC')
                AND Timestamp < toDateTime64({from: String}, 9, 'UTC') + INTERVAL 1 DAY ${ofPartition('KafkaPartition')}
         ) AS s
    ASOF LEFT JOIN islands AS i ON s.Partition = i.Partition AND s.Offset >= i.Island
    GROUP BY Partition, Island, IslandEnd, Place
    UNION ALL
    SELECT Partition, Island, IslandEnd, 'in', 0, 0, 0, 0, Expected, ExpectedIds FROM islands
  )
  GROUP BY Partition, Island, IslandEnd, Place
  ORDER BY Partition, Island
)
GROUP BY Partition ORDER BY Partition`;
}

/** Spans without a source, of one day. */
export async function readRequestSpans(
  client: ClickHouse,
  day: string,
): Promise<{ readonly spans: number; readonly idSum: bigint }> {
  const [row] = await client.query<{ spans: string; ids: string }>(
    `SELECT count() AS spans, sum(${ID}) AS ids FROM ${quoted(client.database)}.${TABLE}
     WHERE KafkaSource = '' AND Timestamp >= ${midnight(day)} AND Timestamp < ${midnight(day)} + INTERVAL 1 DAY`,
  );
  return { spans: Number(row?.spans), idSum: BigInt(row?.ids ?? 0) };
}
