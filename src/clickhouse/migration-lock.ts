import type { Clock } from '../base/clock.ts';
import { type ClickHouse, quoted } from './client.ts';
import { clickHouseCode } from './errors.ts';

const TABLE = 'schema_migration_lock';
const TABLE_ALREADY_EXISTS = 57;
const POLL_MS = 100;
/** Whoever holds it longer is taken for dead; if it is not, two bring the schema forward at once, which works. */
const STALE_S = 60;

/**
 * Runs `work` while no other process does: only one can make a table of that name. The database must exist.
 * `isDone` is asked while another process is at it; once it says true, `work` is not run at all.
 */
export async function alone(
  client: ClickHouse,
  clock: Clock,
  steps: { readonly isDone: () => Promise<boolean>; readonly work: () => Promise<void> },
): Promise<void> {
  while (!(await take(client))) {
    if (await steps.isDone()) return;
    await clock.sleep(POLL_MS);
  }
  try {
    if (!(await steps.isDone())) await steps.work();
  } finally {
    await client.command(`DROP TABLE IF EXISTS ${lock(client)} SYNC`);
  }
}

async function take(client: ClickHouse): Promise<boolean> {
  try {
    await client.command(`CREATE TABLE ${lock(client)} (Held UInt8) ENGINE = Memory`);
    return true;
  } catch (error) {
    if (clickHouseCode(error) !== TABLE_ALREADY_EXISTS) throw error;
  }
  const [row] = await client.query<{ ageS: string }>(
    `SELECT now() - metadata_modification_time AS ageS FROM system.tables
     WHERE database = {db: String} AND name = {table: String}`,
    { db: client.database, table: TABLE },
  );
  if (row !== undefined && Number(row.ageS) > STALE_S) {
    await client.command(`DROP TABLE IF EXISTS ${lock(client)} SYNC`);
  }
  return false;
}

function lock(client: ClickHouse): string {
  return `${quoted(client.database)}.${TABLE}`;
}
