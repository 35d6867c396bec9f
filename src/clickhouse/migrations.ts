import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { SpanweirError } from '../base/errors.ts';
import { quoted } from './client.ts';
import { type ClusterLayout, clusterStatements } from './cluster-ddl.ts';

/** The folder sql/ of the installation; source and build lie equally deep. */
export const SQL_FOLDER = new URL('../../sql/', import.meta.url);

/** One numbered file of sql/, ready to run. Every statement may be run again without harm. */
export interface Migration {
  readonly version: number;
  /** As the file is called. */
  readonly name: string;
  /** Of the file as it lies there, before anything is filled in. */
  readonly sha256: string;
  readonly statements: readonly string[];
}

export interface SchemaSettings {
  readonly database: string;
  /** How long spans are kept; 0 = for ever. */
  readonly spansTtlMs: number;
  /** How long the rows of other tables are kept, where it is not the usual time; 0 = for ever. */
  readonly tableTtlsMs?: TableTtls;
  /** Undefined = one server has it all. */
  readonly cluster?: ClusterLayout | undefined;
}

const DAY_MS = 86_400_000;

/** How long the rows of the derived tables are kept unless the configuration says otherwise. */
export const TABLE_TTLS_MS = {
  span_metrics_10s: 3 * DAY_MS,
  span_metrics_1m: 35 * DAY_MS,
  span_metrics_1h: 400 * DAY_MS,
  span_metrics_1d: 1095 * DAY_MS,
  sampling_throughput: 3 * DAY_MS,
  sampling_probabilities: 90 * DAY_MS,
  service_graph: 400 * DAY_MS,
} as const;

export type TtlTable = keyof typeof TABLE_TTLS_MS;
export type TableTtls = Readonly<Partial<Record<TtlTable, number>>>;

/** Reads sql/. Throws START for a name that is not NNN_words.sql, and for a number that comes twice. */
export function readMigrations(settings: SchemaSettings, folder: URL = SQL_FOLDER): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  const migrations = names.sort().map((name) => {
    const number = /^(\d{3})_[a-z0-9_]+\.sql$/.exec(name)?.[1];
    if (number === undefined) throw new SpanweirError('START', `sql/${name} is not called NNN_words.sql`);
    const text = readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n');
    return {
      version: Number(number),
      name,
      sha256: createHash('sha256').update(text).digest('hex'),
      statements: statementsOf(text, settings),
    };
  });
  migrations.forEach((migration, i) => {
    if (migrations[i - 1]?.version !== migration.version) return;
    throw new SpanweirError('START', `sql/ has two files with the number ${migration.version}`);
  });
  return migrations;
}

function statementsOf(text: string, settings: SchemaSettings): string[] {
  const statements = splitStatements(fillIn(text, settings));
  const { cluster, database } = settings;
  if (cluster === undefined) return statements;
  return statements.flatMap((statement) => clusterStatements(statement, database, cluster));
}

/**
 * `{{DB}}` becomes the database, `{{SPANS_TTL date}}`, `{{LOG_TTL date}}` and `{{TTL table date}}` a TTL clause over
 * it, or nothing.
 */
export function fillIn(text: string, settings: SchemaSettings): string {
  return text
    .replaceAll('{{DB}}', quoted(settings.database))
    .replaceAll(/\{\{(SPANS|LOG)_TTL ([^}]+)\}\}\n?/g, (_, what: TtlOf, date: string) =>
      ttlClause(ttlExpression(what, date, settings.spansTtlMs)),
    )
    .replaceAll(/\{\{TTL (\w+) ([^}]+)\}\}\n?/g, (_, table: TtlTable, date: string) =>
      ttlClause(tableTtl(table, date, settings.tableTtlsMs)),
    );
}

function ttlClause(expression: string | undefined): string {
  return expression === undefined ? '' : `TTL ${expression}\n`;
}

/** Undefined = its rows do not expire. */
export function tableTtl(table: TtlTable, date: string, ttlsMs: TableTtls = {}): string | undefined {
  const ttlMs = ttlsMs[table] ?? TABLE_TTLS_MS[table];
  return ttlMs === 0 ? undefined : `${date} + toIntervalSecond(${Math.ceil(ttlMs / 1000)})`;
}

/** What expires: spans and their summaries, or the log of what was inserted. */
export type TtlOf = 'SPANS' | 'LOG';

const LOG_KEPT_MS = 30 * 86_400_000;

/** Undefined = nothing expires. */
export function ttlExpression(what: TtlOf, date: string, spansTtlMs: number): string | undefined {
  if (spansTtlMs === 0) return undefined;
  const ttlMs = what === 'LOG' ? Math.max(LOG_KEPT_MS, spansTtlMs) : spansTtlMs;
  return `${date} + toIntervalSecond(${Math.ceil(ttlMs / 1000)})`;
}

/** A statement ends with a `;` at the end of a line. Comments before it stay with it. */
export function splitStatements(text: string): string[] {
  return text
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.split('\n').some((line) => !/^\s*(--|$)/.test(line)));
}
