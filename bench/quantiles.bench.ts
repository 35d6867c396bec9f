import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '../src/clickhouse/client.ts';
import { ROLLUPS } from '../src/clickhouse/queries/rollups.ts';
import { exponentialIndex } from '../src/sketch/exponential.ts';
import { nearestRank, SHAPES, seeded } from './rollups/durations.ts';
import { startDatabase } from './support/embedded-database.ts';

const SIZES = {
  tiny: { series: 1, spans: 20_000, windows: 400 },
  full: { series: 8, spans: 100_000, windows: 2000 },
} as const;

const QUANTILES = [0.5, 0.95, 0.99, 0.999] as const;
const MOST_MEAN = 0.01;
const BUCKET = 2 ** (1 / 16) - 1;
const START_S = Date.parse('2026-05-01T00:00:00Z') / 1000;
const LENGTH_S = 2 * 86_400;

interface Series {
  readonly service: string;
  readonly shape: string;
  /** By quantile, in seconds. */
  readonly truth: readonly number[];
}

/**
 * Quantiles from ClickHouse against the nearest rank of what was counted, at every rollup, and what a finer scale would cost.
 * False when one is further away than a bucket, or all together by more than 1 % on the average.
 */
export async function bench(size: keyof typeof SIZES): Promise<boolean> {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-quantiles-'));
  const { client, stop } = await startDatabase(dir, 'bench');
  try {
    const series = await fill(client, SIZES[size]);
    const right = await compare(client, series);
    await showBytes(client);
    return right;
  } finally {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function fill(client: ClickHouse, size: (typeof SIZES)['tiny' | 'full']): Promise<Series[]> {
  for (const { table } of ROLLUPS) {
    await client.command(
      `CREATE TABLE ${client.database}.${table}_finer AS ${client.database}.${table} ENGINE = AggregatingMergeTree ` +
        'ORDER BY (ServiceName, SpanKind, SpanName, StatusCode, Connector, DimsHash, Ts)',
    );
  }
  const all: Series[] = [];
  for (const [s, shape] of SHAPES.entries()) {
    for (let n = 0; n < size.series; n++) {
      const random = seeded(1000 * s + n + 1);
      const service = `${shape.name} ${n}`;
      const durations = Float64Array.from({ length: size.spans }, () => shape.draw(random));
      await insert(client, service, durations, { windows: size.windows, random });
      const sorted = durations.sort();
      all.push({ service, shape: shape.name, truth: QUANTILES.map((q) => nearestRank(sorted, q) / 1e9) });
    }
  }
  for (const { table, grainS } of ROLLUPS) {
    await client.command(
      `INSERT INTO ${client.database}.${table}_finer (Ts, ServiceName, Spans, Calls, Hist)
       SELECT toDateTime(intDiv(toUnixTimestamp(Ts), ${grainS}) * ${grainS}) AS Ts, ServiceName, sum(Spans), sum(Calls), sumMap(Hist)
       FROM ${client.database}.finer GROUP BY ServiceName, Ts`,
    );
  }
  return all;
}

/** Rows of 10 s at scale 4 for the tables, and at scale 5 aside. */
async function insert(
  client: ClickHouse,
  service: string,
  durations: Float64Array,
  { windows, random }: { readonly windows: number; readonly random: () => number },
): Promise<void> {
  await client.command(
    `CREATE TABLE IF NOT EXISTS ${client.database}.finer AS ${client.database}.span_metrics_10s ENGINE = Memory`,
  );
  const each = Math.ceil(durations.length / windows);
  const own: string[] = [];
  const finer: string[] = [];
  for (let first = 0; first < durations.length; first += each) {
    const window = durations.subarray(first, first + each);
    const atS = START_S + 10 * Math.floor((random() * LENGTH_S) / 10);
    const row = (hist: string): string =>
      `(${atS}, 'span_metrics', '${service}', ${window.length}, ${window.length}, ${hist})`;
    own.push(row(mapOf(window, exponentialIndex)));
    finer.push(row(mapOf(window, (ns) => Math.ceil(Math.log2(ns / 1e9) * 32) - 1)));
  }
  const into = (table: string, rows: readonly string[]): Promise<void> =>
    client.command(
      `INSERT INTO ${client.database}.${table} (Ts, Connector, ServiceName, Spans, Calls, Hist) VALUES ${rows.join(',')}`,
    );
  await into('span_metrics_10s', own);
  await into('finer', finer);
}

function mapOf(durations: Float64Array, indexOf: (ns: number) => number): string {
  const counts = new Map<number, number>();
  for (const ns of durations) counts.set(indexOf(ns), (counts.get(indexOf(ns)) ?? 0) + 1);
  const pairs = [...counts].sort(([a], [b]) => a - b).map(([index, count]) => `${index}: ${count}`);
  return `{${pairs.join(', ')}}`;
}

async function compare(client: ClickHouse, series: readonly Series[]): Promise<boolean> {
  let right = true;
  for (const { table } of [...ROLLUPS].reverse()) {
    const rows = await client.query<{ service: string; found: number[] }>(
      `SELECT ServiceName AS service, sumMap(Hist) AS hist,
              [${QUANTILES.map((q) => `exphist_quantile(${q}, hist)`).join(', ')}] AS found
       FROM ${client.database}.${table} GROUP BY service`,
    );
    const found = new Map(rows.map((row) => [row.service, row.found]));
    const all: number[] = [];
    for (const shape of SHAPES) {
      const own = series.filter((one) => one.shape === shape.name);
      const texts = QUANTILES.map((q, i) => {
        const errors = own.map(({ service, truth }) =>
          Math.abs((found.get(service)?.[i] ?? 0) / (truth[i] as number) - 1),
        );
        all.push(...errors);
        return `p${q * 100} ${percent(mean(errors))} (${percent(Math.max(...errors))})`;
      });
      console.log(`${table.padEnd(16)} ${shape.name.padEnd(13)} mean (largest) error: ${texts.join(', ')}`);
    }
    const good = mean(all) <= MOST_MEAN && Math.max(...all) <= BUCKET;
    console.log(
      `${table.padEnd(16)} all: mean ${percent(mean(all))} (limit 1 %), largest ${percent(Math.max(...all))} (a bucket is 4.4 %)${good ? '' : ': WRONG'}`,
    );
    right &&= good;
  }
  return right;
}

async function showBytes(client: ClickHouse): Promise<void> {
  for (const { table } of [...ROLLUPS].reverse()) {
    const texts: string[] = [];
    for (const [scale, name] of [
      [4, table],
      [5, `${table}_finer`],
    ] as const) {
      await client.command(`OPTIMIZE TABLE ${client.database}.${name} FINAL`);
      const [row] = await client.query<{ bytes: string; rows: string; buckets: number }>(
        `SELECT (SELECT sum(data_compressed_bytes) FROM system.parts
                 WHERE database = {db: String} AND table = {table: String} AND active) AS bytes,
                count() AS rows, avg(length(mapKeys(Hist))) AS buckets
         FROM ${client.database}.${name}`,
        { db: client.database, table: name },
      );
      const bytes = Number(row?.bytes) / Number(row?.rows);
      texts.push(`scale ${scale} ${bytes.toFixed(1)} bytes (${Number(row?.buckets).toFixed(1)} buckets)`);
    }
    console.log(`${table.padEnd(16)} a row on disk: ${texts.join(', ')}`);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
