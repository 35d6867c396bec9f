import { createHash } from 'node:crypto';
import { SpanweirError } from '../base/errors.ts';
import { insertToken, type KafkaOrigin } from '../flow/block.ts';
import { findMissing, type Surroundings } from './block-check.ts';
import type { EncodedInsert } from './block-encoder.ts';
import { type BlockPart, VIEW_TARGETS } from './block-parts.ts';
import { type ClickHouse, quoted } from './client.ts';

/** The views that carry rows of a block on, each with the table that it reads, in the order of the chain. */
const CHAIN = [
  { view: 'trace_summary_mv', from: 'otel_traces', to: VIEW_TARGETS.traceSummary },
  { view: 'span_metrics_1m_mv', from: 'span_metrics_10s', to: VIEW_TARGETS.minutes },
  { view: 'span_metrics_1h_mv', from: VIEW_TARGETS.minutes, to: VIEW_TARGETS.hours },
  { view: 'span_metrics_1d_mv', from: VIEW_TARGETS.hours, to: VIEW_TARGETS.days },
] as const;

type Link = (typeof CHAIN)[number];

/** Parts that are filled by a view which the operator has taken away are nobody's business. */
export function isFed({ table }: BlockPart, { ttlS, views }: Surroundings): boolean {
  const link = CHAIN.find(({ to }) => to === table);
  return ttlS.has(table) && (link === undefined || views.has(link.view));
}

/** What all tables begin with that a repair of this block makes: the same for whoever repairs it. */
export function repairPrefix(origin: KafkaOrigin): string {
  const hash = createHash('sha256').update(insertToken('', origin)).digest('hex').slice(0, 16);
  return `repair_${hash}_`;
}

export interface Repair {
  readonly client: ClickHouse;
  readonly origin: KafkaOrigin;
  /** Of the table at the head of the chain. */
  readonly insert: EncodedInsert;
  readonly missing: readonly BlockPart[];
  readonly surroundings: Surroundings;
  /** Asked right before each statement: throws when the block may be another owner's by now. */
  readonly mayBegin: () => void;
  readonly signal: AbortSignal;
}

/**
 * Puts the missing parts of one insert into their tables, and those parts only. The whole insert is made once
 * more into tables of the same structure beside the real ones, with views of their own; from there the missing
 * partitions are moved, each by one atomic statement, so that no token is needed and no view runs again.
 *
 * The tables' names follow from the block: should a former owner wake up with one statement of such a repair
 * already on its way, it meets these same tables, and moves what is there or nothing. If the server dies in the
 * middle, the next check finds what it left.
 */
export async function repairParts(repair: Repair): Promise<void> {
  const { client, insert, mayBegin, missing, origin, signal } = repair;
  const prefix = repairPrefix(origin);
  const run = async (statement: string): Promise<void> => {
    mayBegin();
    await client.command(statement, REPAIR_SETTINGS);
  };
  await dropShadows(repair);
  const links = chainOf(insert.table, repair.surroundings);
  const tables = [insert.table, ...links.map(({ to }) => to)];
  for (const table of tables) {
    await run(`CREATE TABLE IF NOT EXISTS ${stored(client, prefix + table)} AS ${stored(client, table)}`);
  }
  for (const link of links) await run(shadowView(repair, link));
  mayBegin();
  await client.insertNative({ table: prefix + insert.table, token: insert.token }, insert.bytes, signal);
  const shadow = await findMissing(client, origin, missing, {
    placeOf: (table) => prefix + table,
  });
  if (shadow.missing.length > 0) {
    const what = shadow.missing.map(({ partitionId, table }) => `${table} ${partitionId}`).join(', ');
    throw new SpanweirError('UNAVAILABLE', `a repair did not get as far as ${what}`, { retry: 'backoff' });
  }
  for (const { partitionId, table } of missing) {
    await run(
      `ALTER TABLE ${stored(client, prefix + table)} MOVE PARTITION ID '${partitionId}' TO TABLE ${stored(client, table)}`,
    );
  }
  await dropShadows(repair);
}

/** Views go before the tables that they read. */
export async function dropShadows({
  client,
  mayBegin,
  origin,
}: Omit<Repair, 'insert' | 'missing'>): Promise<void> {
  const rows = await client.query<{ name: string; engine: string }>(
    `SELECT name, engine FROM system.tables WHERE database = {db: String} AND startsWith(name, {prefix: String})
     ORDER BY engine = 'MaterializedView' DESC`,
    { db: client.database, prefix: repairPrefix(origin) },
  );
  for (const { engine, name: table } of rows) {
    mayBegin();
    const what = engine === 'MaterializedView' ? 'VIEW' : 'TABLE';
    await client.command(`DROP ${what} IF EXISTS ${name(client, table)} SYNC`);
  }
}

/** Whatever the user's settings: a move waits until it is done. */
const REPAIR_SETTINGS = { alter_sync: '1', mutations_sync: '1' };

function name(client: ClickHouse, table: string): string {
  return `${quoted(client.database)}.${quoted(table)}`;
}

function stored(client: ClickHouse, table: string): string {
  return name(client, client.stored(table));
}

function chainOf(table: string, { views }: Surroundings): Link[] {
  const links: Link[] = [];
  const reached = new Set<string>([table]);
  for (const link of CHAIN) {
    if (!reached.has(link.from) || !views.has(link.view)) continue;
    reached.add(link.to);
    links.push(link);
  }
  return links;
}

/** The view as it stands in the database, between the shadows of its tables. */
function shadowView({ client, origin, surroundings }: Repair, { from, to, view }: Link): string {
  const prefix = repairPrefix(origin);
  const select = surroundings.views.get(view) ?? '';
  const source = new RegExp(
    `\\bFROM (\`?${client.database}\`?\\.)?\`?${client.stored(from)}\`?(?![\\w.])`,
    'g',
  );
  if (!source.test(select)) {
    throw new SpanweirError('UNAVAILABLE', `${view} does not read ${from}: a repair can't follow it`, {
      retry: 'backoff',
    });
  }
  const shadow = select.replace(source, `FROM ${stored(client, prefix + from)}`);
  const target = stored(client, prefix + to);
  return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${name(client, prefix + view)} TO ${target} AS ${shadow}`;
}
