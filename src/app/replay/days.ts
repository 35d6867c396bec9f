export const DAY_MS = 86_400_000;

/** 2026-05-01 of days since 1970-01-01 UTC. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
