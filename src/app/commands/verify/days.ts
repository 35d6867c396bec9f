import type { ClickHouse } from '../../../clickhouse/client.ts';

/** Days are `YYYY-MM-DD`, UTC: they compare as texts. */
export const DAY_MS = 86_400_000;

export function dayOfMs(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function dayAfter(day: string, days = 1): string {
  return dayOfMs(Date.parse(day) + days * DAY_MS);
}

export interface Window {
  /** First and last day; undefined = no end. */
  readonly since: string | undefined;
  readonly until: string | undefined;
}

export function isIn(day: string, { since, until }: Window): boolean {
  return (since === undefined || day >= since) && (until === undefined || day <= until);
}

/** A condition on a column of DateTime or DateTime64; '1' without ends. */
export function whileIn(column: string, { since, until }: Window): string {
  const parts: string[] = [];
  if (since !== undefined) parts.push(`${column} >= ${midnight(since)}`);
  if (until !== undefined) parts.push(`${column} < ${midnight(dayAfter(until))}`);
  return parts.length === 0 ? '1' : parts.join(' AND ');
}

export function midnight(day: string): string {
  return `toDateTime64('${day} 00:00:00', 9, 'UTC')`;
}

/** Of what the server still has everything. */
export interface Horizon {
  /** By table: the first whole day; undefined = nothing expires. */
  readonly from: ReadonlyMap<string, string | undefined>;
  /** By table: how long, in days. */
  readonly keptDays: ReadonlyMap<string, number>;
  /** False in a time zone whose hours do not begin with those of UTC: rows by the hour have other days then. */
  readonly wholeHours: boolean;
}

/** Reads the TTLs as they are in the database, which may not be what the configuration says. */
export async function readHorizon(client: ClickHouse, tables: readonly string[]): Promise<Horizon> {
  const [server] = await client.query<{ nowMs: string; offsetS: number; inUtc: number }>(
    `SELECT toUnixTimestamp64Milli(now64(3)) AS nowMs, toUnixTimestamp(toStartOfHour(now())) % 3600 AS offsetS,
            timezone() IN ('UTC', 'Etc/UTC') AS inUtc`,
  );
  const rows = await client.query<{ name: string; engine: string }>(
    `SELECT name, engine_full AS engine FROM system.tables WHERE database = {database: String}`,
    { database: client.database },
  );
  const from = new Map<string, string | undefined>();
  const keptDays = new Map<string, number>();
  for (const { name, engine } of rows) {
    const table = tables.find((one) => client.stored(one) === name);
    if (table === undefined) continue;
    const ttlMs = ttlOf(engine);
    if (ttlMs === undefined) continue;
    // A day expires as a whole, at its beginning plus the TTL, by the server's own midnight.
    const margin = Number(server?.inUtc) === 1 ? 1 : 2;
    from.set(table, dayAfter(dayOfMs(Number(server?.nowMs) - ttlMs), margin));
    keptDays.set(table, ttlMs / DAY_MS);
  }
  return { from, keptDays, wholeHours: Number(server?.offsetS) === 0 };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  Second: 1000,
  Minute: 60_000,
  Hour: 3_600_000,
  Day: DAY_MS,
  Week: 7 * DAY_MS,
  // The shortest of each.
  Month: 28 * DAY_MS,
  Year: 365 * DAY_MS,
};

/** Of a table's rows, ms; undefined = none, or one of another form. */
export function ttlOf(engine: string): number | undefined {
  const found = /\bTTL [^+]+ \+ toInterval([A-Z][a-z]+)\((\d+)\)/.exec(engine);
  const unit = UNIT_MS[found?.[1] ?? ''];
  return unit === undefined ? undefined : unit * Number(found?.[2]);
}

export function later(...days: readonly (string | undefined)[]): string | undefined {
  return days
    .filter((day) => day !== undefined)
    .sort()
    .at(-1);
}

export function earlier(...days: readonly (string | undefined)[]): string | undefined {
  return days.filter((day) => day !== undefined).sort()[0];
}
