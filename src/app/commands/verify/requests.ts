import type { Clock } from '../../../base/clock.ts';
import { type ClickHouse, quoted } from '../../../clickhouse/client.ts';
import type { Finding } from './report.ts';

/** More spans of requests than had been logged when they were counted. */
export interface Surplus {
  /** What the log calls the table. */
  readonly target: string;
  readonly day: string;
  /** Of requests, as they were counted. */
  readonly spans: number;
  /** What is told of it when `logged` spans are all that the log has of requests. */
  readonly finding: (logged: number) => Finding;
}

export interface Patience {
  readonly client: ClickHouse;
  readonly clock: Clock;
  /** For how long a request may be written before its log row is there, or it is given up. */
  readonly patienceMs: number;
}

/** How often the log is asked for a request that a table has already. */
const ASK_EVERY_MS = 500;

/**
 * Which of them the log does not catch up with. Requests leave no mark in the tables, so one that is being written
 * looks like one that was given up half way, until it has had the time in which it must be one of the two.
 */
export async function unloggedFor(
  { client, clock, patienceMs }: Patience,
  surpluses: readonly Surplus[],
): Promise<Finding[]> {
  let left = surpluses;
  for (let waitedMs = 0; left.length > 0; waitedMs += ASK_EVERY_MS) {
    const logged = await readLoggedRequests(client);
    const of = ({ target, day }: Surplus): number => logged.get(keyOf(target, day)) ?? 0;
    left = left.filter((surplus) => surplus.spans > of(surplus));
    if (waitedMs >= patienceMs) return left.map((surplus) => surplus.finding(of(surplus)));
    if (left.length > 0) await clock.sleep(ASK_EVERY_MS);
  }
  return [];
}

/** Spans of requests that the log has by now, by `keyOf` table and day. */
export async function readLoggedRequests(client: ClickHouse): Promise<Map<string, number>> {
  const rows = await client.query<{ target: string; day: string; spans: string }>(
    `SELECT Target AS target, toString(Day) AS day, sum(Spans) AS spans
     FROM ${quoted(client.database)}.ingest_log WHERE Source = '' GROUP BY Target, Day`,
  );
  return new Map(rows.map(({ target, day, spans }) => [keyOf(target, day), Number(spans)]));
}

export function keyOf(target: string, day: string): string {
  return `${target} ${day}`;
}
