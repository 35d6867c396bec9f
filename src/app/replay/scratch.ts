import { randomUUID } from 'node:crypto';
import { SpanweirError } from '../../base/errors.ts';
import { surroundings } from '../../clickhouse/block-check.ts';
import { BLOCK_TABLES } from '../../clickhouse/block-parts.ts';
import { type ClickHouse, quoted } from '../../clickhouse/client.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';

/** The views between tables that blocks reach, sources before what they feed. */
const VIEWS = [
  ['trace_summary_mv', 'trace_summary'],
  ['span_metrics_1d_mv', 'span_metrics_1d'],
  ['span_metrics_1h_mv', 'span_metrics_1h'],
  ['span_metrics_1m_mv', 'span_metrics_1m'],
] as const;

export interface Scratch {
  readonly database: string;
  /** Tables that a block reaches here as it does in the real database. */
  readonly tables: ReadonlySet<string>;
  /** Seconds that rows are kept, by table; 0 = for ever. */
  readonly ttlS: ReadonlyMap<string, number>;
}

/**
 * A database beside the real one, with empty tables of the same structure and the same views between them. Tables
 * that lie in one server can give each other partitions.
 */
export async function createScratch(client: ClickHouse): Promise<Scratch> {
  const live = client.database;
  const { ttlS, views } = await surroundings(client, '');
  const database = `${live}_replay_${randomUUID().slice(0, 8)}`;
  const missing = BLOCK_TABLES.filter((table) => !ttlS.has(table));
  if (missing.length > 0)
    throw new SpanweirError('REFUSED', `${live} has no ${missing.join(', ')}: see spanweir migrate`);
  await client.command(`CREATE DATABASE ${quoted(database)}`);
  const tables = new Set<string>(BLOCK_TABLES);
  for (const table of BLOCK_TABLES) {
    await client.command(`CREATE TABLE ${quoted(database)}.${table} AS ${quoted(live)}.${table}`);
  }
  for (const [view, target] of VIEWS) {
    const select = views.get(view);
    if (select === undefined) {
      tables.delete(target);
      continue;
    }
    await client.command(
      `CREATE MATERIALIZED VIEW ${quoted(database)}.${view} TO ${quoted(database)}.${target} AS ` +
        moved(select, live, database),
    );
  }
  return { database, tables, ttlS };
}

export async function dropScratch(client: ClickHouse, { database }: Scratch): Promise<void> {
  await client.command(`DROP DATABASE IF EXISTS ${quoted(database)} SYNC`);
}

/** The same query over the tables of another database. */
export function moved(select: string, from: string, to: string): string {
  const qualified = new RegExp(`(?<![\\w.\`])\`?${from}\`?\\.(?=\`?(${BLOCK_TABLES.join('|')})\\b)`, 'g');
  return select.replaceAll(qualified, `${quoted(to)}.`);
}

/** The configuration with the exporter writing to another database. */
export function writingTo(config: LoadedConfig, exporter: string, database: string): LoadedConfig {
  const component = config.exporters[exporter];
  if (component === undefined) return config;
  const moved = { ...component, config: { ...(component.config as object), database, create_schema: false } };
  return { ...config, exporters: { ...config.exporters, [exporter]: moved } };
}
