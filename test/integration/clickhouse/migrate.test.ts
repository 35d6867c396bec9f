import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { checkSchema, migrate } from '../../../src/clickhouse/migrate.ts';
import { SQL_FOLDER } from '../../../src/clickhouse/migrations.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { migrateOptions, newDatabase, openClient } from './database.ts';

const FILES = [
  '001_spans.sql',
  '002_span_metrics.sql',
  '003_sampling.sql',
  '004_ingest_log.sql',
  '005_service_graph.sql',
];

function freshClient(database = newDatabase()): ClickHouse {
  const client = openClient(database);
  onTestFinished(() => client.close());
  return client;
}

/** A copy of sql/ that may be changed. */
function ownFolder(): { folder: URL; path: string } {
  const path = tempDirOfTest();
  for (const name of readdirSync(SQL_FOLDER).filter((one) => one.endsWith('.sql')))
    copyFileSync(fileURLToPath(new URL(name, SQL_FOLDER)), join(path, name));
  return { folder: pathToFileURL(`${path}/`), path };
}

/** What a process of its own says that it applied. */
async function migrateInProcess(database: string): Promise<string[]> {
  const entry = fileURLToPath(new URL('./migrate-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    entry,
    inject('clickhouseUrl'),
    database,
  ]);
  return JSON.parse(stdout) as string[];
}

describe('migrate', () => {
  test('brings an empty server to the schema, and then has nothing to do', async () => {
    const client = freshClient();
    const first = await migrate(client, migrateOptions);
    expect(first.applied).toEqual(FILES);
    expect(await migrate(client, migrateOptions)).toEqual({ statements: [], applied: [] });
    const tables = await client.query<{ name: string }>(
      'SELECT name FROM system.tables WHERE database = {db: String} ORDER BY name',
      { db: client.database },
    );
    expect(tables.map(({ name }) => name)).toEqual([
      'ingest_log',
      'otel_traces',
      'otel_traces_trace_id_ts',
      'sampling_pollers',
      'sampling_probabilities',
      'sampling_probabilities_latest',
      'sampling_progress',
      'sampling_throughput',
      'schema_migrations',
      'service_graph',
      'service_graph_edges',
      'service_operations',
      'span_metrics_10s',
      'span_metrics_1d',
      'span_metrics_1d_mv',
      'span_metrics_1h',
      'span_metrics_1h_mv',
      'span_metrics_1m',
      'span_metrics_1m_mv',
      'trace_summary',
      'trace_summary_mv',
    ]);
  });

  test('gives every table that holds blocks a memory of tokens', async () => {
    const client = freshClient();
    await migrate(client, migrateOptions);
    const forgetful = await client.query(
      `SELECT name FROM system.tables WHERE database = {db: String} AND engine LIKE '%MergeTree'
       AND name NOT IN ('schema_migrations', 'sampling_pollers', 'sampling_progress', 'service_graph')
       AND engine_full NOT LIKE '%non_replicated_deduplication_window = 10000%'`,
      { db: client.database },
    );
    expect(forgetful).toEqual([]);
  });

  test('may be run by many processes at once', async () => {
    const database = newDatabase();
    const reports = await Promise.all(
      Array.from({ length: 8 }, () => migrate(freshClient(database), migrateOptions)),
    );
    // Each file by one of them.
    expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(FILES);
    const client = freshClient(database);
    const versions = await client.query(
      `SELECT groupArray(Version) AS versions FROM (SELECT Version FROM ${database}.schema_migrations FINAL ORDER BY Version)`,
    );
    expect(versions).toEqual([{ versions: [1, 2, 3, 4, 5] }]);
  });

  test('may be run by four real processes at once: each file is applied by one of them', async () => {
    const database = newDatabase();
    const processes = await Promise.all(Array.from({ length: 4 }, () => migrateInProcess(database)));
    expect(processes.flat().sort()).toEqual(FILES);
    const client = freshClient(database);
    expect(await migrate(client, migrateOptions)).toEqual({ statements: [], applied: [] });
    const tables = await client.query('SELECT name FROM system.tables WHERE database = {db: String}', {
      db: database,
    });
    expect(tables).toHaveLength(21);
  });

  test('goes on where a process died that was at it', async () => {
    const client = freshClient();
    await client.command(`CREATE DATABASE ${client.database}`);
    await client.command(
      `CREATE TABLE ${client.database}.schema_migration_lock (Held UInt8) ENGINE = Memory`,
    );
    const clock = {
      ...systemClock,
      sleep: () => client.command(`DROP TABLE ${client.database}.schema_migration_lock`),
    };
    expect((await migrate(client, { ...migrateOptions, clock })).applied).toEqual(FILES);
  });

  test('refuses a database that a newer release has brought forward, and names both', async () => {
    const client = freshClient();
    const { folder, path } = ownFolder();
    writeFileSync(join(path, '006_more.sql'), 'SELECT 1;\n');
    await migrate(client, { ...migrateOptions, folder });
    const message = expect.stringMatching(
      /is at number 6 \(006_more.sql\).*knows up to number 5 \(005_service_graph.sql\)/,
    );
    await expect(migrate(client, migrateOptions)).rejects.toMatchObject({ code: 'START', message });
    await expect(checkSchema(client)).rejects.toMatchObject({ code: 'START', message });
  });

  test('has to be asked for where the program may not do it by itself', async () => {
    const client = freshClient();
    await expect(checkSchema(client)).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('001_spans.sql, 002_span_metrics.sql'),
    });
    await migrate(client, migrateOptions);
    await checkSchema(client);
  });

  test('changes nothing in a dry run, and says what it would run', async () => {
    const client = freshClient();
    const { applied, statements } = await migrate(client, { ...migrateOptions, dryRun: true });
    expect(applied).toEqual(FILES);
    expect(statements[0]).toBe(`CREATE DATABASE IF NOT EXISTS \`${client.database}\``);
    expect(statements.join('\n')).not.toContain('{{');
    expect(
      await client.query('SELECT 1 FROM system.databases WHERE name = {db: String}', { db: client.database }),
    ).toEqual([]);
  });

  test('refuses a file that was changed after it was applied', async () => {
    const client = freshClient();
    const { folder, path } = ownFolder();
    await migrate(client, { ...migrateOptions, folder });
    writeFileSync(join(path, '004_ingest_log.sql'), 'SELECT 1;\n');
    await expect(migrate(client, { ...migrateOptions, folder })).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('sql/004_ingest_log.sql is not the file that was applied as number 4'),
    });
  });

  test('applies a file that is new', async () => {
    const client = freshClient();
    const { folder, path } = ownFolder();
    await migrate(client, { ...migrateOptions, folder });
    writeFileSync(
      join(path, '006_more.sql'),
      'ALTER TABLE {{DB}}.ingest_log ADD COLUMN IF NOT EXISTS X UInt8;\n',
    );
    expect(await migrate(client, { ...migrateOptions, folder })).toMatchObject({ applied: ['006_more.sql'] });
  });

  test('makes the TTL of spans follow the configuration', async () => {
    const client = freshClient();
    const ttl = async (): Promise<unknown> => {
      const [row] = await client.query<{ ttl: string }>(
        "SELECT extract(engine_full, 'TTL (.*) SETTINGS') AS ttl FROM system.tables WHERE database = {db: String} AND name = 'otel_traces'",
        { db: client.database },
      );
      return row?.ttl;
    };
    await migrate(client, { ...migrateOptions, spansTtlMs: 3_600_000 });
    expect(await ttl()).toBe('toDate(Timestamp) + toIntervalSecond(3600)');
    await migrate(client, { ...migrateOptions, spansTtlMs: 7_200_000 });
    expect(await ttl()).toBe('toDate(Timestamp) + toIntervalSecond(7200)');
    await migrate(client, { ...migrateOptions, spansTtlMs: 0 });
    expect(await ttl()).toBe('');
    expect((await migrate(client, { ...migrateOptions, spansTtlMs: 0 })).statements).toEqual([]);
  });

  test('changes the TTL of the tables whose own was configured, and of no other', async () => {
    const client = freshClient();
    await migrate(client, migrateOptions);
    const tableTtlsMs = { span_metrics_10s: 7 * 86_400_000, sampling_throughput: 0 };
    const { statements } = await migrate(client, { ...migrateOptions, tableTtlsMs });
    expect(statements).toEqual([
      `ALTER TABLE \`${client.database}\`.sampling_throughput REMOVE TTL SETTINGS materialize_ttl_after_modify = 0`,
      `ALTER TABLE \`${client.database}\`.span_metrics_10s MODIFY TTL toDate(Ts) + toIntervalSecond(604800) SETTINGS materialize_ttl_after_modify = 0`,
    ]);
    expect((await migrate(client, { ...migrateOptions, tableTtlsMs })).statements).toEqual([]);
  });

  test('loses no row that the new TTL keeps, and makes a table with it from the start', async () => {
    const client = freshClient();
    const tableTtlsMs = { span_metrics_10s: 0, span_metrics_1m: 0, span_metrics_1h: 0, span_metrics_1d: 0 };
    await migrate(client, { ...migrateOptions, tableTtlsMs });
    const table = `${client.database}.span_metrics_10s`;
    await client.command(
      `INSERT INTO ${table} (Ts, ServiceName, Spans) SELECT now() - INTERVAL number DAY, 'a', 1 FROM numbers(10)`,
    );
    await migrate(client, {
      ...migrateOptions,
      tableTtlsMs: { ...tableTtlsMs, span_metrics_10s: 20 * 86_400_000 },
    });
    await client.command(`OPTIMIZE TABLE ${table} FINAL`);
    expect(await client.query(`SELECT sum(Spans) AS n FROM ${table}`)).toEqual([{ n: '10' }]);
  });

  test('keeps what the log says of late spans as long as what it says of others', async () => {
    const client = freshClient();
    await migrate(client, { ...migrateOptions, spansTtlMs: 3_600_000 });
    const [row] = await client.query<{ ttl: string }>(
      "SELECT extract(engine_full, 'TTL (.*) SETTINGS') AS ttl FROM system.tables WHERE database = {db: String} AND name = 'ingest_log'",
      { db: client.database },
    );
    expect(row?.ttl).toBe('greatest(Day, toDate(LastTimestamp)) + toIntervalSecond(2592000)');
    expect((await migrate(client, { ...migrateOptions, spansTtlMs: 3_600_000 })).statements).toEqual([]);
  });

  test("does not take another program's otel_traces for its own", async () => {
    const client = freshClient();
    await client.command(`CREATE DATABASE ${client.database}`);
    await client.command(
      `CREATE TABLE ${client.database}.otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String,
       ServiceName String, SpanName String, Duration UInt64, StatusCode String) ENGINE = MergeTree ORDER BY Timestamp`,
    );
    await expect(migrate(client, migrateOptions)).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('was made by another program'),
    });
  });
});
