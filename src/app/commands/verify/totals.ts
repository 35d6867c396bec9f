import type { Clock } from '../../../base/clock.ts';
import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';
import { type Window, whileIn } from './days.ts';
import type { LogState } from './log-state.ts';
import type { ComparedTable, Finding, Open } from './report.ts';
import { keyOf, readLoggedRequests, type Surplus } from './requests.ts';

/** A table whose totals per day are those of the log. */
export interface TotalsTable {
  readonly table: string;
  /** What the log calls it, or the table that it is filled from. */
  readonly target: string;
  readonly measure: string;
  readonly byTheHour?: boolean;
}

export const TOTALS: readonly TotalsTable[] = [
  { table: 'span_metrics_10s', target: 'span_metrics_10s', measure: 'Spans' },
  { table: 'span_metrics_1m', target: 'span_metrics_10s', measure: 'Spans' },
  { table: 'span_metrics_1h', target: 'span_metrics_10s', measure: 'Spans', byTheHour: true },
  { table: 'span_metrics_1d', target: 'span_metrics_10s', measure: 'Spans', byTheHour: true },
  { table: 'sampling_throughput', target: 'sampling_throughput', measure: 'Roots' },
];

export interface TotalsCheck {
  readonly compared: ComparedTable;
  readonly findings: readonly Finding[];
  /** To be called wrong when no request on its way explains them. */
  readonly surpluses: readonly Surplus[];
  readonly open: readonly Open[];
}

interface Deps {
  readonly client: ClickHouse;
  readonly clock: Clock;
  readonly state: LogState;
  /** Partitions whose newest block was waited for already; this adds to them. */
  readonly waitedFor: Set<string>;
}

/**
 * A table's spans per day against the log's. The blocks of a partition are written in order, and the newest of a
 * day is marked in `Seen`, read in the same query: so what was on its way at that instant is known block by block,
 * and the comparison is exact while the system runs. Requests carry no mark: what there is more of may be theirs.
 */
export async function checkTotals(
  deps: Deps,
  { table, target, measure }: TotalsTable,
  window: Window,
  isWanted: (day: string) => boolean,
): Promise<TotalsCheck> {
  const { client, state } = deps;
  const rows = await client.query<{ day: string; found: string; seen: Record<string, string> }>(
    `SELECT toString(toDate(Ts, 'UTC')) AS day, sum(${measure}) AS found, maxMap(Seen) AS seen
     FROM ${quoted(client.database)}.${table} WHERE ${whileIn('Ts', window)} GROUP BY day`,
  );
  const there = new Map(rows.map((row) => [row.day, row]));
  const expectations = expectedByDay(state, target);
  const days = [...new Set([...there.keys(), ...expectations.keys()])].filter(isWanted).sort();
  const findings: Finding[] = [];
  const surpluses: Surplus[] = [];
  const open: Open[] = [];
  let expectedAll = 0;
  let foundAll = 0;
  for (const day of days) {
    const found = Number(there.get(day)?.found ?? 0);
    const base = expectations.get(day) ?? { kafka: 0, requests: 0 };
    const ahead = await readAhead(deps, target, day, there.get(day)?.seen ?? {});
    const ofKafka = base.kafka + ahead.spans;
    const expected = ofKafka + base.requests;
    expectedAll += expected;
    foundAll += found;
    if (found === expected) continue;
    const common = { table, day, found };
    if (found < expected) {
      findings.push({ ...common, expected, kind: 'missing', text: `${found} spans instead of ${expected}` });
    } else if (ahead.unlogged.length > 0) {
      const logged = (await readLoggedRequests(client)).get(keyOf(target, day)) ?? 0;
      if (found <= ofKafka + logged) continue;
      const text = `can't be compared: ${ahead.unlogged.join(', ')} has spans here that are not logged yet`;
      open.push({ ...common, expected, text });
    } else {
      const finding = (logged: number): Finding => {
        const most = ofKafka + logged;
        const requests = logged > 0 ? '; requests given up half way count here, too' : '';
        const text = `${found} spans instead of ${most}${requests}`;
        return { ...common, expected: most, kind: 'surplus', text };
      };
      surpluses.push({ target, day, spans: found - ofKafka, finding });
    }
  }
  const compared = { table, days: days.length, expected: expectedAll, found: foundAll };
  return { compared, findings, surpluses, open };
}

interface Expected {
  kafka: number;
  requests: number;
}

function expectedByDay(state: LogState, target: string): Map<string, Expected> {
  const byDay = new Map<string, Expected>();
  for (const one of state.days) {
    if (one.target !== target) continue;
    const expected = byDay.get(one.day) ?? { kafka: 0, requests: 0 };
    byDay.set(one.day, expected);
    if (one.source === '') expected.requests += one.spans;
    else expected.kafka += one.spans;
  }
  return byDay;
}

/** How often the log is asked for a block that a table has already, and after which waits. */
const ASKED = 6;
const WAIT_MS = 500;

/**
 * Blocks that were written between the reading of the log and that of the table: what the log says of them now,
 * and the partitions of which it still says nothing.
 */
async function readAhead(
  { client, clock, state, waitedFor }: Deps,
  target: string,
  day: string,
  seen: Readonly<Record<string, string>>,
): Promise<{ readonly spans: number; readonly unlogged: readonly string[] }> {
  const ahead = Object.entries(seen)
    .map(([key, end]) => ({ key, end: Number(end), logged: state.ends.get(key) ?? 0 }))
    .filter(({ end, logged }) => end > logged);
  if (ahead.length === 0) return { spans: 0, unlogged: [] };
  const keys = { keys: ahead.map(({ key }) => key), target, day };
  const at = (of: (one: (typeof ahead)[number]) => number): string =>
    `transform(Key, {keys: Array(String)}, [${ahead.map(of).join()}]::Array(UInt64), toUInt64(0))`;
  for (let asked = 1; ; asked++) {
    const rows = await client.query<{ key: string; spans: string; end: string }>(
      `SELECT Key AS key, sumIf(S, Target = {target: String} AND Day = {day: Date} AND LastOffset < ${at(({ end }) => end)})
              AS spans, max(LastOffset) + 1 AS end
       FROM (SELECT concat(Source, ':', toString(Partition)) AS Key, FirstOffset, Target, Day, LastOffset, Revision,
                    FirstTimestamp, any(Spans) AS S
             FROM ${quoted(client.database)}.ingest_log WHERE Key IN {keys: Array(String)}
             GROUP BY Source, Partition, FirstOffset, Target, Day, LastOffset, Revision, FirstTimestamp)
       WHERE LastOffset >= ${at(({ logged }) => logged)}
       GROUP BY Key`,
      keys,
    );
    const now = new Map(rows.map((row) => [row.key, Number(row.end)]));
    const unlogged = ahead.filter(({ key, end }) => (now.get(key) ?? 0) < end).map(({ key }) => key);
    if (asked === ASKED || unlogged.every((key) => waitedFor.has(key))) {
      for (const key of unlogged) waitedFor.add(key);
      return { spans: rows.reduce((sum, row) => sum + Number(row.spans), 0), unlogged };
    }
    await clock.sleep(WAIT_MS);
  }
}
