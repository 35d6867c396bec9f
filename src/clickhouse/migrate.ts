import type { Clock } from '../base/clock.ts';
import { SpanweirError } from '../base/errors.ts';
import type { Log } from '../base/instruments.ts';
import { version } from '../base/version.ts';
import { retrying } from '../flow/retry.ts';
import { type ClickHouse, quoted } from './client.ts';
import { type ClusterLayout, onCluster } from './cluster-ddl.ts';
import { clickHouseCode } from './errors.ts';
import { alone } from './migration-lock.ts';
import {
  type Migration,
  readMigrations,
  type SchemaSettings,
  TABLE_TTLS_MS,
  type TableTtls,
  type TtlTable,
  tableTtl,
  ttlExpression,
} from './migrations.ts';

export interface MigrateOptions {
  readonly spansTtlMs: number;
  /** Of the other tables, where it is not the usual time. */
  readonly tableTtlsMs?: TableTtls;
  /** When the server is a shard of one: its schema. */
  readonly cluster?: ClusterLayout | undefined;
  /** Change nothing; only tell what would be run. */
  readonly dryRun: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Where the numbered files are; the installation's own by default. */
  readonly folder?: URL;
}

export interface MigrateReport {
  /** Statements that were run, or with `dryRun` would be, in order. */
  readonly statements: readonly string[];
  /** Names of the files that they came from. */
  readonly applied: readonly string[];
}

/** The oldest server that knows everything the schema uses (maps in buckets). */
const OLDEST = [26, 3] as const;
const DDL_ATTEMPTS = 12;

/** What a CREATE ... IF NOT EXISTS may still say when another process runs the same one at this moment. */
const RACES = new Set([
  57, // TABLE_ALREADY_EXISTS
  60, // UNKNOWN_TABLE: the other one is not finished
  81, // UNKNOWN_DATABASE
  82, // DATABASE_ALREADY_EXISTS
  609, // FUNCTION_ALREADY_EXISTS
]);

/** Tables whose TTL follows that of spans, and the date it counts from. */
const TTL_TABLES = [
  ['otel_traces', 'SPANS', 'toDate(Timestamp)'],
  ['trace_summary', 'SPANS', 'toDate(Start)'],
  // Late spans are of a day that is long past; what their block was is known as long as that of any other.
  ['ingest_log', 'LOG', 'greatest(Day, toDate(LastTimestamp))'],
] as const;

/** What the TTLs of all other tables count from. */
const TTL_DATE = 'toDate(Ts)';

/**
 * Brings the database to the schema in sql/. Several processes may do so at once: every statement can be
 * repeated, and who loses a race tries again. Rejects with START when a file that was applied before has been
 * changed since, a newer release was here or the server is too old, and with UNAVAILABLE or REFUSED as the client
 * does.
 */
export async function migrate(client: ClickHouse, options: MigrateOptions): Promise<MigrateReport> {
  await checkVersion(client);
  await checkTables(client);
  const { cluster, spansTtlMs, tableTtlsMs = {} } = options;
  const settings: SchemaSettings = { database: client.database, spansTtlMs, tableTtlsMs, cluster };
  const migrations = readMigrations(settings, options.folder);
  const findPending = async (): Promise<Migration[]> => {
    const known = await appliedMigrations(client);
    checkHistory(migrations, known, client);
    return migrations.filter(({ version }) => !known.has(version));
  };
  let pending = await findPending();
  let applied: readonly Migration[] = [];
  const statements: string[] = [];
  const run = async (statement: string): Promise<void> => {
    statements.push(statement);
    if (!options.dryRun) await runDdl(client, statement, options);
  };
  if (pending.length > 0) for (const statement of registerStatements(client.database)) await run(statement);
  const apply = async (): Promise<void> => {
    applied = pending;
    for (const migration of pending) {
      for (const statement of migration.statements) await run(statement);
      await run(recordStatement(client.database, migration));
      options.log.info(
        { file: migration.name, dryRun: options.dryRun },
        'the schema has been brought forward',
      );
    }
  };
  const isDone = async (): Promise<boolean> => {
    pending = await findPending();
    return pending.length === 0;
  };
  if (options.dryRun) await apply();
  else if (pending.length > 0) await alone(client, options.clock, { isDone, work: apply });
  for (const statement of await ttlChanges(client, settings)) await run(statement);
  return { statements, applied: applied.map(({ name }) => name) };
}

/** For whoever may not change the schema: rejects with START unless it is as this release needs it. */
export async function checkSchema(client: ClickHouse): Promise<void> {
  const migrations = readMigrations({ database: client.database, spansTtlMs: 0 });
  const known = await appliedMigrations(client);
  checkHistory(migrations, known, client);
  const missing = migrations.filter((migration) => !known.has(migration.version)).map(({ name }) => name);
  if (missing.length === 0) return;
  throw new SpanweirError(
    'START',
    `the database ${client.database} lacks ${missing.join(', ')}: run "spanweir migrate", or set create_schema`,
  );
}

async function checkVersion(client: ClickHouse): Promise<void> {
  const [row] = await client.query<{ version: string }>('SELECT version() AS version');
  const [major = 0, minor = 0] = (row?.version ?? '').split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new SpanweirError(
    'START',
    `ClickHouse at ${client.url} is version ${row?.version}; ${OLDEST.join('.')} or newer is needed`,
  );
}

/** CREATE TABLE IF NOT EXISTS is content with a table of the same name that another program has made. */
async function checkTables(client: ClickHouse): Promise<void> {
  const [row] = await client.query<{ engine: string; own: number }>(
    'SELECT engine, name IN (SELECT table FROM system.columns WHERE database = {db: String} ' +
      "AND name IN ('KafkaPartition', 'KafkaOffset', 'SampleWeight') GROUP BY table HAVING count() = 3) AS own " +
      "FROM system.tables WHERE database = {db: String} AND name = 'otel_traces'",
    { db: client.database },
  );
  if (row === undefined) return;
  const name = `${client.database}.otel_traces`;
  if (Number(row.own) === 0) {
    throw new SpanweirError(
      'START',
      `${name} was made by another program (its columns differ): choose another database`,
    );
  }
  const isCluster = client.cluster !== undefined;
  if ((row.engine === 'Distributed') === isCluster) return;
  throw new SpanweirError(
    'START',
    isCluster
      ? `${name} is that of a single server: a cluster needs another database`
      : `${name} is that of a cluster: the option cluster is missing, or choose another database`,
  );
}

async function appliedMigrations(client: ClickHouse): Promise<Map<number, Recorded>> {
  const [table] = await client.query<{ n: string }>(
    "SELECT count() AS n FROM system.tables WHERE database = {db: String} AND name = 'schema_migrations'",
    { db: client.database },
  );
  if (table === undefined || Number(table.n) === 0) return new Map();
  const rows = await client.query<Recorded & { Version: number }>(
    `SELECT Version, any(Name) AS Name, groupUniqArray(Sha256) AS Sha256
     FROM ${quoted(client.database)}.schema_migrations GROUP BY Version`,
  );
  return new Map(rows.map((row) => [Number(row.Version), row]));
}

interface Recorded {
  readonly Name: string;
  /** More than one when processes with different files ran at the same time. */
  readonly Sha256: readonly string[];
}

function checkHistory(
  migrations: readonly Migration[],
  known: Map<number, Recorded>,
  { database }: ClickHouse,
): void {
  const unknown = new Set(known.keys());
  for (const { name, sha256, version } of migrations) {
    unknown.delete(version);
    const recorded = known.get(version);
    if (recorded === undefined || recorded.Sha256.every((sum) => sum === sha256)) continue;
    throw new SpanweirError(
      'START',
      `sql/${name} is not the file that was applied as number ${version} (${recorded.Name}): ` +
        'changes belong into a new file',
    );
  }
  const newest = Math.max(...unknown);
  const own = migrations.at(-1);
  if (unknown.size === 0 || newest < (own?.version ?? 0)) return;
  throw new SpanweirError(
    'START',
    `the schema of the database ${database} is at number ${newest} (${known.get(newest)?.Name}), brought there by a newer ` +
      `release; this one, ${version()}, knows up to number ${own?.version} (${own?.name}) and would write rows that the ` +
      'newer one counts wrongly: start the newer release instead',
  );
}

function registerStatements(database: string): string[] {
  return [
    `CREATE DATABASE IF NOT EXISTS ${quoted(database)}`,
    `CREATE TABLE IF NOT EXISTS ${quoted(database)}.schema_migrations
(
    Version   UInt32,
    Name      String,
    Sha256    String,
    AppliedAt DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (Version, Sha256)`,
  ];
}

function recordStatement(database: string, { name, sha256, version }: Migration): string {
  return (
    `INSERT INTO ${quoted(database)}.schema_migrations (Version, Name, Sha256) ` +
    `SETTINGS async_insert = 0 VALUES (${version}, '${name}', '${sha256}')`
  );
}

async function runDdl(client: ClickHouse, statement: string, options: MigrateOptions): Promise<void> {
  let attempts = 0;
  await retrying(() => client.command(statement), NEVER, {
    initialMs: 50,
    maxMs: 2_000,
    clock: options.clock,
    random: options.random,
    isFinal: (error) => ++attempts >= DDL_ATTEMPTS || !(isRace(error) || isTransient(error)),
  });
}

const NEVER = new AbortController().signal;

function isRace(error: unknown): boolean {
  const code = clickHouseCode(error);
  return code !== undefined && RACES.has(code);
}

function isTransient(error: unknown): boolean {
  return error instanceof SpanweirError && error.retry === 'backoff' && clickHouseCode(error) === undefined;
}

/**
 * ALTERs for tables that were made with another TTL. Old parts expire by the new one at their next merge, and nothing is
 * rewritten now.
 */
async function ttlChanges(
  client: ClickHouse,
  { cluster, spansTtlMs, tableTtlsMs }: SchemaSettings,
): Promise<string[]> {
  const on = cluster === undefined ? '' : onCluster(cluster);
  const wanted = new Map<string, string | undefined>([
    ...TTL_TABLES.map(
      ([name, what, date]) => [client.stored(name), ttlExpression(what, date, spansTtlMs)] as const,
    ),
    ...(Object.keys(TABLE_TTLS_MS) as TtlTable[]).map(
      (name) => [client.stored(name), tableTtl(name, TTL_DATE, tableTtlsMs)] as const,
    ),
  ]);
  const tables = await client.query<{ name: string; engine_full: string }>(
    'SELECT name, engine_full FROM system.tables WHERE database = {db: String} AND name IN {names: Array(String)} ORDER BY name',
    { db: client.database, names: [...wanted.keys()] },
  );
  return tables.flatMap(({ name, engine_full }) => {
    const is = / TTL (.*?) SETTINGS /.exec(engine_full)?.[1];
    const ttl = wanted.get(name);
    if (is === ttl) return [];
    const change = ttl === undefined ? 'REMOVE TTL' : `MODIFY TTL ${ttl}`;
    return `ALTER TABLE ${quoted(client.database)}.${name}${on} ${change} SETTINGS materialize_ttl_after_modify = 0`;
  });
}
