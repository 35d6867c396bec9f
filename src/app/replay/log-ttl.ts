import { ttlExpression } from '../../clickhouse/migrations.ts';

/** A day for the bounds of days, which expire whole. */
const MARGIN_MS = 86_400_000;

/** How long the log of what was inserted surely is kept after the day that it speaks of; undefined = for ever. */
export function ttlMsOfLog(spansTtlMs: number): number | undefined {
  const seconds = /toIntervalSecond\((\d+)\)/.exec(ttlExpression('LOG', 'Day', spansTtlMs) ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000 - MARGIN_MS;
}
