import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '../src/clickhouse/client.ts';
import { readQueries } from '../src/clickhouse/queries/catalogue.ts';
import { ROLLUPS } from '../src/clickhouse/queries/rollups.ts';
import { runQuery } from '../src/clickhouse/queries/run-query.ts';
import { startDatabase } from './support/embedded-database.ts';

const SIZES = {
  tiny: { days: 4, services: 10, series: 100, minutes: 90, repeats: 3 },
  full: { days: 30, services: 40, series: 2000, minutes: 26 * 60, repeats: 15 },
} as const;
type Size = (typeof SIZES)[keyof typeof SIZES];

const DAY_S = 86_400;
/** Not the end of a day, an hour or a minute: the ends of a range take the finest windows too. */
const END_S = Date.parse('2026-05-31T17:23:40Z') / 1000;
interface Measured {
  readonly what: string;
  readonly query: string;
  readonly given: Readonly<Record<string, string>>;
  readonly limitMs: number;
  /** How many are expected. */
  readonly rows: number | undefined;
}

/**
 * How long the server takes for what dashboards ask of the rollups. False when a full size is over its limit, or an answer does
 * not count every span.
 */
export async function bench(size: keyof typeof SIZES): Promise<boolean> {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-rollups-'));
  const { client, stop } = await startDatabase(dir, 'bench');
  try {
    const spans = await fill(client, SIZES[size]);
    await describe(client);
    const counted = await countedSpans(client, SIZES[size]);
    console.log(`${spans} spans put in, ${counted} in the operations of the whole range`);
    const fast = await measure(client, SIZES[size], size === 'full');
    return counted === spans && fast;
  } finally {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Rows go into the coarsest table that the moment is still read from by hours, minutes or windows, and its views make the
 * coarser ones: a last half an hour of windows, a last day of minutes, and windows and minutes where the ranges begin.
 */
async function fill(client: ClickHouse, size: Size): Promise<number> {
  await makeTemplates(client, size);
  const minuteOf = (atS: number): number => Math.floor(atS / 60) * 60;
  const hourOf = (atS: number): number => Math.floor(atS / 3600) * 3600;
  const beginS = minuteOf(END_S - size.days * DAY_S);
  const minutesS = hourOf(END_S - size.minutes * 60);
  const dayAgoS = minuteOf(END_S - DAY_S);
  const windowsS = minuteOf(END_S) - 1800;
  await fillRows(client, size, { table: 'span_metrics_1m', fromS: beginS, toS: hourOf(beginS) + 3600 });
  for (let atS = hourOf(beginS) + 3600; atS < minutesS; atS += DAY_S) {
    const toS = Math.min(atS + DAY_S, minutesS);
    await fillRows(client, size, { table: 'span_metrics_1h', fromS: atS, toS });
  }
  for (let atS = minutesS; atS < windowsS; atS += 7200) {
    const toS = Math.min(atS + 7200, windowsS);
    const inside = dayAgoS >= atS && dayAgoS < toS;
    await fillRows(client, size, { table: 'span_metrics_1m', fromS: atS, toS: inside ? dayAgoS : toS });
    if (!inside) continue;
    await fillRows(client, size, { table: 'span_metrics_10s', fromS: dayAgoS, toS: dayAgoS + 60 });
    await fillRows(client, size, { table: 'span_metrics_1m', fromS: dayAgoS + 60, toS });
  }
  await fillRows(client, size, { table: 'span_metrics_10s', fromS: windowsS, toS: END_S });
  for (const { table } of ROLLUPS) await client.command(`OPTIMIZE TABLE ${client.database}.${table} FINAL`);
  const [row] = await client.query<{ spans: string }>(
    `SELECT sum(Spans) AS spans FROM ${client.database}.span_metrics_1d`,
  );
  return Number(row?.spans);
}

const TEMPLATES = 8;
/** Spans of a series in a row, about. */
const SPANS = { span_metrics_1h: 1700, span_metrics_1m: 28, span_metrics_10s: 5 } as const;

interface Part {
  readonly table: keyof typeof SPANS;
  readonly fromS: number;
  readonly toS: number;
}

/** Lognormal durations around the middle of each series, some drawings of each: drawing every row's own takes minutes. */
async function makeTemplates(client: ClickHouse, size: Size): Promise<void> {
  await client.command(
    `CREATE TABLE ${client.database}.templates (kind String, s UInt32, v UInt8, Spans UInt64, Hist Map(Int16, Float64)) ENGINE = Memory`,
  );
  for (const [kind, spans] of Object.entries(SPANS)) {
    await client.command(
      `INSERT INTO ${client.database}.templates
       SELECT '${kind}', s, v, toUInt64(arraySum(counts)), mapFromArrays(arrayFilter((k, c) -> c > 0, ks, counts), arrayFilter(c -> c > 0, counts))
       FROM
       (
         SELECT number % ${size.series} AS s, intDiv(number, ${size.series}) AS v, range(160) AS is,
           -64 + toInt32(sipHash64(s) % 40) AS middle,
           arrayMap(i -> toInt16(middle + i - 80), is) AS ks,
           arrayMap(i -> floor(${spans} * if(s % 2 = 0, 1, 0.05) * 0.0217 * exp(-pow((i - 80) / 18.4, 2) / 2)
             + (sipHash64(number, i) % 1000) / 1000), is) AS counts
         FROM numbers(${TEMPLATES * size.series})
       )`,
    );
  }
}

async function fillRows(client: ClickHouse, size: Size, { table, fromS, toS }: Part): Promise<void> {
  const each = size.series / size.services;
  const grainS = ROLLUPS.find((rollup) => rollup.table === table)?.grainS ?? 0;
  await client.command(
    `INSERT INTO ${client.database}.${table} (Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode,
       Spans, Calls, DurationSumNs, DurationMaxNs, Hist)
     SELECT toDateTime(intDiv(number, ${size.series}) * ${grainS} + ${fromS}), 'span_metrics',
       concat('service-', toString(intDiv(s, ${each}))), if(s % 5 < 2, 'Server', 'Client'),
       concat('operation-', toString(intDiv(s % ${each}, 2))), if(s % 2 = 0, 'Unset', 'Error'), Spans, Spans, Spans * 5e7, 1000000000, Hist
     FROM (SELECT number, toUInt32(number % ${size.series}) AS s, toUInt8(sipHash64(number) % ${TEMPLATES}) AS v
           FROM numbers(${Math.ceil((toS - fromS) / grainS) * size.series})) AS wanted
     INNER JOIN (SELECT s, v, Spans, Hist FROM ${client.database}.templates WHERE kind = '${table}') AS template USING (s, v)
     SETTINGS max_insert_block_size = 1000000, min_insert_block_size_rows = 200000, optimize_on_insert = 0`,
  );
}

async function describe(client: ClickHouse): Promise<void> {
  for (const { table } of [...ROLLUPS].reverse()) {
    const [row] = await client.query<{ rows: string; bytes: number; buckets: number }>(
      `SELECT (SELECT sum(rows) FROM system.parts WHERE database = {db: String} AND table = {table: String} AND active) AS rows,
              (SELECT sum(bytes_on_disk) FROM system.parts WHERE database = {db: String} AND table = {table: String} AND active) / rows AS bytes,
              (SELECT avg(length(mapKeys(Hist))) FROM ${client.database}.${table}) AS buckets`,
      { db: client.database, table },
    );
    console.log(
      `${table.padEnd(16)} ${row?.rows} rows, ${Number(row?.bytes).toFixed(1)} bytes and ${Number(row?.buckets).toFixed(1)} buckets a row`,
    );
  }
}

const CONTEXT = {
  nowMs: END_S * 1000,
  // The usual ones.
  kept: {
    span_metrics_10s: 3 * DAY_S,
    span_metrics_1m: 35 * DAY_S,
    span_metrics_1h: 400 * DAY_S,
    span_metrics_1d: 1095 * DAY_S,
  },
};

async function ask(client: ClickHouse, name: string, given: Readonly<Record<string, string>>) {
  const query = readQueries().get(name);
  if (query === undefined) throw new Error(`there is no query ${name}`);
  return runQuery(client, query, given, CONTEXT);
}

async function countedSpans(client: ClickHouse, { days, services }: Size): Promise<number> {
  let counted = 0;
  for (let s = 0; s < services; s++) {
    const given = { service: `service-${s}`, kind: 'all', from: `${days}d`, least: '0', limit: '10000' };
    const { columns, rows } = await ask(client, 'slowest-operations', given);
    const calls = columns.findIndex(({ name }) => name === 'calls');
    counted += rows.reduce((sum, row) => sum + Number(row[calls]), 0);
  }
  return counted;
}

async function measure(client: ClickHouse, size: Size, hasLimits: boolean): Promise<boolean> {
  const service = 'service-7';
  const range = `${size.days}d`;
  const points = size.days * 24 + 1;
  const all: Measured[] = [
    {
      what: `${size.days} days of one service in hours, p95 with rate and errors`,
      query: 'red',
      given: { service, from: range, step: '1h' },
      limitMs: 100,
      rows: points,
    },
    {
      what: `all services' RED table over ${size.days} days`,
      query: 'services',
      given: { from: range },
      limitMs: 300,
      rows: size.services,
    },
    {
      what: '24 h of one service in quarters of an hour',
      query: 'red',
      given: { service, from: '24h' },
      limitMs: 50,
      rows: 97,
    },
    ...[
      {
        what: `the first with spans of all kinds`,
        query: 'red',
        given: { service, kind: 'all', from: range, step: '1h' },
      },
      { what: 'the second with spans of all kinds', query: 'services', given: { kind: 'all', from: range } },
      { what: 'the third in minutes', query: 'red', given: { service, from: '24h', step: '1m' } },
      {
        what: `operations of one service over ${size.days} days`,
        query: 'operations',
        given: { service, from: range },
      },
    ].map((one) => ({ ...one, limitMs: Number.POSITIVE_INFINITY, rows: undefined })),
  ];
  let fast = true;
  for (const { what, query, given, limitMs, rows } of all) {
    const times: number[] = [];
    let answered = (await ask(client, query, given)).rows.length;
    const before = await cpuMs(client);
    for (let i = 0; i < size.repeats; i++) {
      const table = await ask(client, query, given);
      answered = table.rows.length;
      times.push(table.serverMs);
    }
    const cpu = ((await cpuMs(client)) - before) / size.repeats;
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1] as number;
    const limit = hasLimits && Number.isFinite(limitMs) ? ` (limit ${limitMs})` : '';
    const isLate = hasLimits && median > limitMs;
    console.log(
      `${what}: ${answered} rows${rows === undefined ? '' : ` (about ${rows})`}, server time ${median.toFixed(1)} ms median${limit}, ${times[0]?.toFixed(1)} at best, ` +
        `${times.at(-1)?.toFixed(1)} at worst, CPU ${cpu.toFixed(0)} ms, load ${loadavg()[0]?.toFixed(1)}${isLate ? ': TOO SLOW' : ''}`,
    );
    fast &&= !isLate;
  }
  return fast;
}

/** Of the server, all it did: what it took does not depend on who else wants the processor. */
async function cpuMs(client: ClickHouse): Promise<number> {
  const [row] = await client.query<{ value: string }>(
    "SELECT value FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'",
  );
  return Number(row?.value ?? 0) / 1000;
}
