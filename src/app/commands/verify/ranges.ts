import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';
import { dayOfMs, isIn, type Window } from './days.ts';
import { type LogState, ofScope, parametersOf, type Scope } from './log-state.ts';
import type { Finding } from './report.ts';

/** Findings of one partition and kind that are told one by one. */
export const MOST_EACH = 50;

export interface RangeCheck {
  readonly findings: readonly Finding[];
  readonly leftOut: readonly string[];
  readonly partitions: ReadonlyMap<string, PartitionRange>;
}

export interface PartitionRange {
  readonly source: string;
  readonly partition: number;
  readonly blocks: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/**
 * Whether the blocks of every partition follow one another. All of the log is looked at, whatever the days, since
 * a block of another day is no gap; told is what lies in `window`.
 */
export async function checkRanges(client: ClickHouse, scope: Scope, window: Window): Promise<RangeCheck> {
  const rows = await readPartitions(client, scope);
  const steps = await readSteps(client, scope);
  const partitions = new Map(rows.map((row) => [`${row.source}:${row.partition}`, row]));
  const findings: Finding[] = [];
  let anew = 0;
  let elsewhere = 0;
  for (const step of steps) {
    if (!isIn(step.day, window)) elsewhere++;
    else if (step.isAnew) anew++;
    else findings.push(findingOf(step));
  }
  const leftOut: string[] = [];
  if (elsewhere > 0)
    leftOut.push(`ingest_log: ${elsewhere} gaps or overlaps of days that are not looked at, or that expire`);
  if (anew > 0) {
    leftOut.push(
      `ingest_log: ${anew} ranges that begin again with records of another time: the topic was made anew, and gaps in one of its lives are not seen where the other has blocks`,
    );
  }
  return { findings, leftOut, partitions };
}

/** Where a block does not begin where the last one ended. */
interface Step {
  readonly source: string;
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  /** Behind the largest offset of the blocks before. */
  readonly end: number;
  readonly beforeFirst: number;
  readonly beforeLast: number;
  readonly day: string;
  /** Overlapping ranges whose records are of different times. */
  readonly isAnew: boolean;
}

function findingOf({ source, partition, first, last, end, beforeFirst, beforeLast, day }: Step): Finding {
  const common = { table: 'ingest_log', source, partition, day };
  const before = `[${beforeFirst}, ${beforeLast}]`;
  if (first > end) {
    const text = `${first - end} offsets of no block, between ${before} and [${first}, ${last}]`;
    return { ...common, kind: 'gap', firstOffset: end, lastOffset: first - 1, text };
  }
  const text = `of both ${before} and [${first}, ${last}]`;
  return { ...common, kind: 'overlap', firstOffset: first, lastOffset: Math.min(last, end - 1), text };
}

/** One row per block; of one that `replay --revision` recomputed for some of its days, too. */
const BLOCKS = `SELECT Source, Partition, FirstOffset, LastOffset, FirstTimestamp,
       any(LastTimestamp) AS Until`;

async function readPartitions(client: ClickHouse, scope: Scope): Promise<PartitionRange[]> {
  const rows = await client.query<Record<'first' | 'last' | 'blocks', string> & { s: string; p: number }>(
    `SELECT Source AS s, Partition AS p, count() AS blocks, min(FirstOffset) AS first, max(LastOffset) AS last
     FROM (${blocksOf(client, scope)}) GROUP BY Source, Partition ORDER BY Source, Partition`,
    parametersOf(scope),
  );
  return rows.map(({ s, p, blocks, first, last }) => ({
    source: s,
    partition: p,
    blocks: Number(blocks),
    firstOffset: Number(first),
    lastOffset: Number(last),
  }));
}

function blocksOf(client: ClickHouse, scope: Scope): string {
  return `${BLOCKS} FROM ${quoted(client.database)}.ingest_log
    WHERE Source != '' AND ${ofScope(scope, 'Source', 'Partition')}
    GROUP BY Source, Partition, FirstOffset, LastOffset, FirstTimestamp`;
}

/** Bounds one answer; a partition with more is in a state in which their number says enough. */
const MOST_STEPS = 10_000;

async function readSteps(client: ClickHouse, scope: Scope): Promise<Step[]> {
  const before = `OVER (PARTITION BY Source, Partition ORDER BY FirstOffset, LastOffset, FirstTimestamp
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  const rows = await client.query<StepAnswer>(
    `SELECT Source AS source, Partition AS partition, FirstOffset AS first, LastOffset AS last, End AS end,
            toUnixTimestamp64Milli(FirstTimestamp) AS fromMs, toUnixTimestamp64Milli(Until) AS untilMs,
            Before.1 AS beforeFirst, Before.2 AS beforeLast,
            toUnixTimestamp64Milli(Before.3) AS beforeFromMs, toUnixTimestamp64Milli(Before.4) AS beforeUntilMs
     FROM (SELECT *, max(LastOffset + 1) ${before} AS End, row_number() OVER (PARTITION BY Source, Partition
                    ORDER BY FirstOffset, LastOffset, FirstTimestamp) AS Number,
                  argMax((FirstOffset, LastOffset, FirstTimestamp, Until), LastOffset) ${before} AS Before
           FROM (${blocksOf(client, scope)}))
     WHERE Number > 1 AND FirstOffset != End
     ORDER BY source, partition, first LIMIT ${MOST_EACH} BY source, partition LIMIT ${MOST_STEPS}`,
    parametersOf(scope),
  );
  return rows.map((row) => ({
    source: row.source,
    partition: row.partition,
    first: Number(row.first),
    last: Number(row.last),
    end: Number(row.end),
    beforeFirst: Number(row.beforeFirst),
    beforeLast: Number(row.beforeLast),
    day: dayOfMs(Math.max(Number(row.fromMs), Number(row.untilMs))),
    isAnew:
      Number(row.first) < Number(row.end) &&
      (Number(row.fromMs) > Number(row.beforeUntilMs) || Number(row.untilMs) < Number(row.beforeFromMs)),
  }));
}

interface StepAnswer {
  readonly source: string;
  readonly partition: number;
  readonly first: string;
  readonly last: string;
  readonly end: string;
  readonly fromMs: string;
  readonly untilMs: string;
  readonly beforeFirst: string;
  readonly beforeLast: string;
  readonly beforeFromMs: string;
  readonly beforeUntilMs: string;
}

/** Rows of the log that are there more than once. */
export async function checkRepeated(
  client: ClickHouse,
  state: LogState,
  scope: Scope,
  window: Window,
): Promise<Finding[]> {
  if (!state.days.some(({ repeated, day }) => repeated > 0 && isIn(day, window))) return [];
  const rows = await client.query<Record<string, string> & { partition: number }>(
    `SELECT Source AS source, Partition AS partition, FirstOffset AS first, LastOffset AS last, Target AS target,
            toString(Day) AS day, count() AS copies
     FROM ${quoted(client.database)}.ingest_log
     WHERE Source != '' AND ${ofScope(scope, 'Source', 'Partition')}
     GROUP BY Source, Partition, FirstOffset, Target, Day, LastOffset, Revision, FirstTimestamp
     HAVING copies > 1 ORDER BY ALL LIMIT ${MOST_EACH} BY source, partition LIMIT ${MOST_STEPS}`,
    parametersOf(scope),
  );
  return rows
    .filter(({ day }) => isIn(day as string, window))
    .map(
      (row): Finding => ({
        kind: 'logged_twice',
        table: 'ingest_log',
        source: row['source'] as string,
        partition: row.partition,
        firstOffset: Number(row['first']),
        lastOffset: Number(row['last']),
        day: row['day'] as string,
        text: `${row['copies']} rows for ${row['target'] === '' ? 'a block without rows' : row['target']}`,
      }),
    );
}
