import { SpanweirError } from '../base/errors.ts';
import { isBroken } from '../base/failpoints.ts';
import type { Log } from '../base/instruments.ts';
import { BLOCK_TABLES, VIEW_TARGETS } from './block-parts.ts';
import { type ClickHouse, quoted } from './client.ts';

/** What sql/ gives every table. */
const SHIPPED_WINDOW = 10_000;
/** What one lane makes of 256 partitions, or ten lanes of 8 each (see flow/seal-pacer.ts). */
const BLOCKS_PER_SECOND = 30;
/** Longest session of a consumer group that is reckoned with, and what a rebalance takes on top of it. */
const SESSION_S = 60;
const REBALANCE_S = 30;
/** A window counts parts: a block around midnight makes two in each table. */
const PARTS_PER_BLOCK = 2;

/**
 * Parts that a table may get between the first attempt to insert a block and the last one with the same token: the
 * owner's own (which may wait `insertTimeoutMs` for an answer), or, when it has died meanwhile, its successor's.
 */
export function neededWindow(insertTimeoutMs: number): number {
  const takeoverS = SESSION_S + REBALANCE_S + insertTimeoutMs / 1000;
  return Math.ceil(BLOCKS_PER_SECOND * takeoverS * PARTS_PER_BLOCK);
}

/**
 * Widens the windows of tables that would forget a token too early; where that may not be done (`mayAlter`), or is
 * refused, it warns and goes on.
 */
export async function ensureWindows(
  client: ClickHouse,
  needed: number,
  { log, mayAlter }: { readonly log: Log; readonly mayAlter: boolean },
): Promise<void> {
  const wanted = mayAlter ? Math.max(SHIPPED_WINDOW, needed) : needed;
  for (const { table, window } of await windowsOf(client)) {
    if (window >= wanted) continue;
    const numbers = { table, window, needed: wanted };
    if (mayAlter && (await widen(client, table, wanted, log))) {
      log.warn(numbers, 'the table remembered too few insert tokens: it remembers more now');
    } else {
      log.warn(
        numbers,
        'the table remembers too few insert tokens: a block that is tried again late may be there twice ' +
          '(ALTER TABLE ... MODIFY SETTING non_replicated_deduplication_window)',
      );
    }
  }
  if (isBroken('window_missing_on_view_target')) await widen(client, VIEW_TARGETS.minutes, 0, log);
}

/** Of the tables that are there. */
async function windowsOf(client: ClickHouse): Promise<{ table: string; window: number }[]> {
  const rows = await client.query<{ name: string; window: string }>(
    `SELECT name, toUInt64OrZero(extract(engine_full, 'replicated_deduplication_window = (\\\\d+)')) AS window
     FROM system.tables WHERE database = {db: String} AND name IN {names: Array(String)} ORDER BY name`,
    { db: client.database, names: BLOCK_TABLES.map((table) => client.stored(table)) },
  );
  return rows.map(({ name, window }) => ({ table: name, window: Number(window) }));
}

async function widen(client: ClickHouse, table: string, window: number, log: Log): Promise<boolean> {
  const target = `${quoted(client.database)}.${quoted(table)}`;
  try {
    await client.command(
      `ALTER TABLE ${target} MODIFY SETTING non_replicated_deduplication_window = ${window}`,
    );
    return true;
  } catch (err) {
    if (!(err instanceof SpanweirError)) throw err;
    log.warn({ err, table }, 'the window of insert tokens could not be changed');
    return false;
  }
}
