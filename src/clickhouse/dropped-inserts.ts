import type { ClickHouse } from './client.ts';

/** What a server says of itself at one moment. */
export interface DropCount {
  /** Which server it is, whatever its address. */
  readonly server: string;
  /** When its process began, by its own clock, Unix s; give or take one. */
  readonly startedS: number;
  readonly uptimeS: number;
  /** Parts of inserts, in tables and in targets of views, that it has dropped as known since it began. */
  readonly dropped: number;
}

/** Two starts of one server can't be told apart when less than this lies between them. */
const TOLD_APART_S = 2;

/** Undefined where the server does not count. Read from memory: costs a few milliseconds whatever is stored. */
export async function dropCount(client: ClickHouse): Promise<DropCount | undefined> {
  const [row] = await client.query<{ server: string; now: number; up: number; known: string; n: string }>(
    `SELECT toString(serverUUID()) AS server, toUnixTimestamp(now()) AS now, uptime() AS up,
            count() AS known, sum(value) AS n
     FROM system.events WHERE event = 'DuplicatedInsertedBlocks' SETTINGS system_events_show_zero_values = 1`,
  );
  if (row === undefined || row.known !== '1') return undefined;
  const { n, now, server, up } = row;
  return { server, startedS: now - up, uptimeS: up, dropped: Number(n) };
}

/**
 * Whether one and the same server process gave both counts and dropped nothing in between. What it answered with
 * success in that time was then put in place, all of it.
 */
export function hasDroppedNothing(before: DropCount | undefined, after: DropCount | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const isSameLife =
    before.server === after.server &&
    before.uptimeS > TOLD_APART_S &&
    after.uptimeS >= before.uptimeS &&
    Math.abs(after.startedS - before.startedS) < TOLD_APART_S;
  return isSameLife && after.dropped === before.dropped;
}
