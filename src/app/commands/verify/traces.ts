import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';
import { dayAfter, midnight, type Window, whileIn } from './days.ts';
import type { ComparedTable, Finding } from './report.ts';

const TABLE = 'trace_summary';
const BUCKETS = 1024;
const BUCKET = `cityHash64(TraceId) % ${BUCKETS}`;
/** Buckets that are searched for the traces that differ, and traces that are told one by one. */
const MOST_BUCKETS = 16;
const MOST_TRACES = 50;

export interface TraceCheck {
  readonly compared: ComparedTable;
  readonly findings: readonly Finding[];
}

/**
 * The spans of each trace in trace_summary against otel_traces, in hash buckets. A row of trace_summary has the day
 * of its first span, so days do not compare; traces that cross an edge of the window are left out on both sides,
 * and then all spans of the others lie inside on both.
 *
 * The spans are counted before the summaries, and those of buckets that differ once more afterwards: what is
 * written meanwhile lies between. `together` = otel_traces is known to be wrong, so one line tells of all traces.
 */
export async function checkTraces(
  client: ClickHouse,
  window: Window,
  { days, together }: { readonly days: number; readonly together: boolean },
): Promise<TraceCheck> {
  const before = await bucketsOf(client, spansQuery(client, window));
  const summaries = await bucketsOf(client, summariesQuery(client, window));
  let differing = [...before.keys()].filter((bucket) => before[bucket] !== summaries[bucket]);
  if (differing.length > 0) {
    const after = await bucketsOf(client, spansQuery(client, window));
    differing = differing.filter((bucket) => {
      const found = summaries[bucket] as number;
      return found < (before[bucket] as number) || found > (after[bucket] as number);
    });
  }
  const compared = { table: TABLE, days, expected: total(before), found: total(summaries) };
  if (differing.length === 0) return { compared, findings: [] };
  const traces = await differingTraces(client, window, differing.slice(0, MOST_BUCKETS));
  const [one] = traces;
  if (one === undefined) return { compared, findings: [] };
  const areMore = differing.length > MOST_BUCKETS || traces.length > MOST_TRACES;
  const findings = together ? [] : traces.slice(0, MOST_TRACES).map(findingOf);
  if (together || areMore) {
    const sum = (of: (trace: Trace) => number): number => traces.reduce((all, trace) => all + of(trace), 0);
    const inAll = (counts: Float64Array): number =>
      differing.reduce((all, bucket) => all + (counts[bucket] as number), 0);
    const expected = areMore ? inAll(before) : sum((trace) => trace.expected);
    const found = areMore ? inAll(summaries) : sum((trace) => trace.found);
    const number = areMore ? `in ${differing.length} of ${BUCKETS} hash buckets` : `in ${traces.length}`;
    const others = together ? '; otel_traces itself has problems' : '';
    const text = `${found} spans instead of ${expected} ${number} traces, such as ${one.id}${others}`;
    findings.push({ kind: found < expected ? 'missing' : 'surplus', table: TABLE, expected, found, text });
  }
  return { compared, findings };
}

interface Trace {
  readonly id: string;
  readonly expected: number;
  readonly found: number;
}

function findingOf({ id, expected, found }: Trace): Finding {
  const kind = found < expected ? 'missing' : 'surplus';
  const text = `${found} spans instead of ${expected}`;
  return { kind, table: TABLE, traceId: id, expected, found, text };
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** `bucket`, `TraceId` and `spans` of each trace's partial rows. */
function spansQuery(client: ClickHouse, window: Window): string {
  return `SELECT TraceId, toUInt64(1) AS spans FROM ${quoted(client.database)}.otel_traces
    WHERE TraceId != '' AND ${whileIn('Timestamp', window)} ${notCrossing(client, window)}`;
}

function summariesQuery(client: ClickHouse, window: Window): string {
  return `SELECT TraceId, arraySum(mapValues(Spans)) AS spans FROM ${quoted(client.database)}.trace_summary
    WHERE ${whileIn('Start', window)} ${notCrossing(client, window)}`;
}

/** An end before its start comes of a duration beyond all bounds; where such a trace ends is not known. */
function notCrossing(client: ClickHouse, { since, until }: Window): string {
  const edges = [since, until === undefined ? undefined : dayAfter(until)].filter((day) => day !== undefined);
  if (edges.length === 0) return '';
  const crossing = edges.map(
    (day) => `(Start < ${midnight(day)} AND (End >= ${midnight(day)} OR End < Start))`,
  );
  return `AND TraceId NOT IN (SELECT TraceId FROM ${quoted(client.database)}.trace_summary
                              WHERE ${crossing.join(' OR ')})`;
}

async function bucketsOf(client: ClickHouse, spans: string): Promise<Float64Array> {
  const rows = await client.query<{ bucket: number; spans: string }>(
    `SELECT toUInt32(${BUCKET}) AS bucket, sum(s.spans) AS spans FROM (${spans}) AS s GROUP BY bucket`,
  );
  const counts = new Float64Array(BUCKETS);
  for (const row of rows) counts[row.bucket] = Number(row.spans);
  return counts;
}

async function differingTraces(
  client: ClickHouse,
  window: Window,
  buckets: readonly number[],
): Promise<Trace[]> {
  const inBuckets = `${BUCKET} IN (${buckets.join()})`;
  const rows = await client.query<{ id: string; expected: string; found: string }>(
    `SELECT TraceId AS id, sum(E) AS expected, sum(F) AS found
     FROM (SELECT TraceId, spans AS E, toUInt64(0) AS F FROM (${spansQuery(client, window)}) WHERE ${inBuckets}
           UNION ALL
           SELECT TraceId, 0, spans FROM (${summariesQuery(client, window)}) WHERE ${inBuckets})
     GROUP BY TraceId HAVING expected != found ORDER BY id LIMIT ${MOST_TRACES + 1}`,
  );
  return rows.map(({ id, expected, found }) => ({ id, expected: Number(expected), found: Number(found) }));
}
