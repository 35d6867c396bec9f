import type { Database } from './database.ts';
import type { LedgerRecord, OperationTotals, SpanLedger } from './span-ledger.ts';

/** What one table holds of what it should. */
export interface TableVerdict {
  readonly table: string;
  readonly expected: number;
  readonly found: number;
  readonly lost: number;
  readonly double: number;
  /** The first few places at which it is wrong. */
  readonly where: readonly string[];
}

type Query = Database['query'];

/** Rows of these tables are deleted after so many days. */
const KEPT_DAYS: Readonly<Record<string, number>> = {
  span_metrics_10s: 2,
  span_metrics_1m: 34,
  span_metrics_1h: 399,
  span_metrics_1d: 1094,
};
const SHOWN = 8;
/** A query each; beyond, the number of rows has to say what is lost or double. */
const COMPARED_BY_ID = 100;

/** Holds every table against the ledger. Everything must have been consumed. */
export async function checkTables(query: Query, ledger: SpanLedger): Promise<TableVerdict[]> {
  const verdicts = [await checkSpans(query, ledger)];
  for (const table of ['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d'])
    verdicts.push(await checkMetrics(query, ledger, table));
  verdicts.push(await checkSummaries(query, ledger));
  verdicts.push(await checkThroughput(query, ledger));
  verdicts.push(...(await checkLog(query, ledger)));
  return verdicts;
}

export function isExact(verdicts: readonly TableVerdict[]): boolean {
  return verdicts.every(({ lost, double, where }) => lost === 0 && double === 0 && where.length === 0);
}

export function printVerdicts(verdicts: readonly TableVerdict[]): void {
  for (const { table, expected, found, lost, double, where } of verdicts) {
    console.log(
      `  ${table.padEnd(28)} expected ${String(expected).padStart(9)}  found ${String(found).padStart(9)}` +
        `  lost ${lost}  double ${double}`,
    );
    for (const line of where) console.log(`      ${line}`);
  }
}

interface RecordRow {
  readonly p: number;
  readonly o: string;
  readonly n: string;
  readonly ids: string;
  readonly ns: string;
}

/** Record by record: how many spans, the sum of their ids and of their durations; where these differ, id by id. */
async function checkSpans(query: Query, ledger: SpanLedger): Promise<TableVerdict> {
  const rows = await query<RecordRow>(
    `SELECT KafkaPartition AS p, KafkaOffset AS o, count() AS n, sum(Duration) AS ns,
            sum(reinterpretAsUInt64(reverse(unhex(SpanId)))) AS ids
     FROM otel_traces GROUP BY p, o`,
  );
  const found = new Map(rows.map((row) => [`${row.p}/${row.o}`, row]));
  let total = 0;
  for (const { n } of rows) total += Number(n);
  const wrong: { readonly record: LedgerRecord; readonly rows: number }[] = [];
  for (let i = 0; i < ledger.records; i++) {
    const record = ledger.record(i);
    const key = `${record.partition}/${record.offset}`;
    const row = found.get(key);
    found.delete(key);
    const { ids, durationNs } = ledger.sumsOf(record);
    const isRight =
      row !== undefined &&
      Number(row.n) === record.spans &&
      BigInt(row.ids) === ids &&
      Number(row.ns) === durationNs;
    if (!isRight) wrong.push({ record, rows: Number(row?.n ?? 0) });
  }
  let [lost, double] = [0, 0];
  for (const { n } of found.values()) double += Number(n);
  const where = [...found.keys()].slice(0, SHOWN).map((key) => `${key}: not in the ledger`);
  for (const [index, { record, rows: count }] of wrong.entries()) {
    const difference =
      index < COMPARED_BY_ID
        ? await compareIds(query, ledger, record)
        : { lost: Math.max(0, record.spans - count), double: Math.max(0, count - record.spans) };
    lost += difference.lost;
    double += difference.double;
  }
  where.push(...ranges(wrong.map(({ record }) => record)).slice(0, SHOWN));
  return { table: 'otel_traces', expected: ledger.spans, found: total, lost, double, where };
}

async function compareIds(
  query: Query,
  ledger: SpanLedger,
  record: LedgerRecord,
): Promise<{ lost: number; double: number }> {
  const rows = await query<{ id: string; n: string }>(
    `SELECT lower(SpanId) AS id, count() AS n FROM otel_traces
     WHERE KafkaPartition = ${record.partition} AND KafkaOffset = ${record.offset} GROUP BY id`,
  );
  const found = new Map(rows.map(({ id, n }) => [id, Number(n)]));
  let [lost, double] = [0, 0];
  for (const id of ledger.idsOf(record)) {
    const count = found.get(id) ?? 0;
    if (count === 0) lost++;
    else found.set(id, count - 1);
  }
  for (const left of found.values()) double += left;
  return { lost, double };
}

/** `3/120-140 (21 records)`: neighbours together. */
function ranges(records: readonly LedgerRecord[]): string[] {
  const sorted = [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  const found: { partition: number; first: number; last: number }[] = [];
  for (const { partition, offset } of sorted) {
    const open = found.at(-1);
    if (open?.partition === partition && open.last === offset - 1) open.last = offset;
    else found.push({ partition, first: offset, last: offset });
  }
  return found.map(({ partition, first, last }) => `${partition}/${first}-${last} differ`);
}

async function checkMetrics(query: Query, ledger: SpanLedger, table: string): Promise<TableVerdict> {
  const oldest = Math.floor(Date.now() / 86_400_000) - (KEPT_DAYS[table] ?? 0);
  const rows = await query<{ d: number; s: string; o: string; spans: string; ns: number }>(
    `SELECT toUInt16(toDate(Ts, 'UTC')) AS d, ServiceName AS s, SpanName AS o, sum(Spans) AS spans, sum(DurationSumNs) AS ns
     FROM ${table} WHERE toUInt16(toDate(Ts, 'UTC')) >= ${oldest} GROUP BY d, s, o`,
  );
  const found = new Map(rows.map((row) => [`${row.d}|${row.s}|${row.o}`, row]));
  const kept = ledger.totals.filter(({ day }) => day >= oldest);
  const verdict = compareTotals(table, kept, found, 'spans');
  const where = [...verdict.where];
  for (const { day, service, operation, durationNs } of kept) {
    const row = found.get(`${day}|${service}|${operation}`);
    if (row !== undefined && Math.abs(row.ns - durationNs) > 1e-9 * durationNs && where.length < SHOWN)
      where.push(`${service} ${operation}: ${row.ns} ns instead of ${durationNs}`);
  }
  return { ...verdict, where };
}

async function checkSummaries(query: Query, ledger: SpanLedger): Promise<TableVerdict> {
  const rows = await query<{ s: string; spans: string }>(
    `SELECT s, sum(n) AS spans FROM trace_summary ARRAY JOIN mapKeys(Spans) AS s, mapValues(Spans) AS n GROUP BY s`,
  );
  const found = new Map(rows.map((row) => [`0|${row.s}|`, row]));
  const services = new Map<string, OperationTotals>();
  for (const { service, spans } of ledger.totals) {
    const sum = services.get(service);
    if (sum === undefined)
      services.set(service, { service, operation: '', day: 0, spans, roots: 0, durationNs: 0 });
    else sum.spans += spans;
  }
  return compareTotals('trace_summary', [...services.values()], found, 'spans');
}

/** All roots of the workload carry the tags of a probabilistic sampler. */
async function checkThroughput(query: Query, ledger: SpanLedger): Promise<TableVerdict> {
  const oldest = Math.floor(Date.now() / 86_400_000) - 2;
  const rows = await query<{ s: string; o: string; spans: string }>(
    `SELECT ServiceName AS s, Operation AS o, sum(Count) AS spans FROM sampling_throughput
     WHERE toUInt16(toDate(Ts, 'UTC')) >= ${oldest} GROUP BY s, o`,
  );
  const found = new Map(rows.map((row) => [`0|${row.s}|${row.o}`, row]));
  const operations = new Map<string, OperationTotals>();
  for (const { service, operation, roots, day } of ledger.totals) {
    if (day < oldest || roots === 0) continue;
    const key = `${service}|${operation}`;
    const sum = operations.get(key);
    if (sum === undefined)
      operations.set(key, { service, operation, day: 0, spans: 0, roots, durationNs: 0 });
    else sum.roots += roots;
  }
  return compareTotals('sampling_throughput', [...operations.values()], found, 'roots');
}

function compareTotals(
  table: string,
  expected: readonly OperationTotals[],
  rows: ReadonlyMap<string, { readonly spans: string }>,
  what: 'spans' | 'roots',
): TableVerdict {
  const unknown = new Map(rows);
  const where: string[] = [];
  let [sum, total, lost, double] = [0, 0, 0, 0];
  for (const { spans } of rows.values()) total += Number(spans);
  for (const totals of expected) {
    const key = `${totals.day}|${totals.service}|${totals.operation}`;
    const found = Number(rows.get(key)?.spans ?? 0);
    unknown.delete(key);
    sum += totals[what];
    lost += Math.max(0, totals[what] - found);
    double += Math.max(0, found - totals[what]);
    if (found !== totals[what] && where.length < SHOWN) where.push(`${key}: ${found} of ${totals[what]}`);
  }
  for (const [key, { spans }] of unknown) {
    double += Number(spans);
    if (where.length < SHOWN && Number(spans) > 0) where.push(`${key}: ${spans}, not in the ledger`);
  }
  return { table, expected: sum, found: total, lost, double, where };
}

/** The log must speak of every span of every table once, in ranges that have neither gaps nor overlaps. */
async function checkLog(query: Query, ledger: SpanLedger): Promise<TableVerdict[]> {
  const roots = ledger.totals.reduce((sum, totals) => sum + totals.roots, 0);
  const expected = new Map([
    ['otel_traces', ledger.spans],
    ['span_metrics_10s', ledger.spans],
    ['sampling_throughput', roots],
  ]);
  const rows = await query<{ t: string; spans: string }>(
    `SELECT Target AS t, sum(Spans) AS spans FROM ingest_log WHERE Target != '' GROUP BY t`,
  );
  const ranged = await query<{ p: number; first: string; last: string }>(
    `SELECT DISTINCT Partition AS p, FirstOffset AS first, LastOffset AS last FROM ingest_log ORDER BY p, first, last`,
  );
  const where: string[] = [];
  const ends = new Map<number, number>();
  for (const { p, first, last } of ranged) {
    const due = ends.get(p) ?? 0;
    if (Number(first) > due) where.push(`partition ${p}: nothing from ${due} to ${first}`);
    if (Number(first) < due) where.push(`partition ${p}: ${first}-${last} overlaps what ended at ${due}`);
    ends.set(p, Math.max(due, Number(last) + 1));
  }
  return [...expected].map(([target, spans]): TableVerdict => {
    const found = Number(rows.find(({ t }) => t === target)?.spans ?? 0);
    return {
      table: `ingest_log of ${target}`,
      expected: spans,
      found,
      lost: Math.max(0, spans - found),
      double: Math.max(0, found - spans),
      where: target === 'otel_traces' ? where.slice(0, SHOWN) : [],
    };
  });
}
