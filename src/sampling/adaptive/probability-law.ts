import { FLAG, type OperationTable } from './operation-table.ts';
import type { AdaptiveControlOptions } from './options.ts';
import { rateAbove, rateBelow } from './rate-estimate.ts';
import { RULE } from './rules.ts';

/** From so many samples on the estimate itself is the aim; below, an interval that it may lie in. */
export const MANY_SAMPLES = 30;
/** What is raised has to show at the pollers before it is raised further than this. */
const MOST_PER_POLL = 3;
/** Deviations of the interval: up to where a few samples lower, raise, and raise without waiting for the pollers. */
const LOWERS = 1;
const RAISES = 1;
const RAISES_AT_ONCE = 2;
/** Deviations of the estimate inside which a probability is left alone. */
const BAND = 0.5;
/** Smaller raises on few samples would only fill the history. */
const WORTHWHILE = 1.2;
/** So many roots were to be expected since the last one: chance of it 5 %. */
export const SILENT = 3;
const SILENT_LONG_MS = 600_000;
const SILENT_RAISE = 2;

/** What is wanted, and by which rule. */
export interface Wanted {
  probability: number;
  rule: number;
}

/**
 * The probability that an operation should have now, from its target and its estimate. `silentMs` is how long ago its
 * last root was.
 */
export function wantedProbability(
  table: OperationTable,
  slot: number,
  silentMs: number,
  options: Pick<AdaptiveControlOptions, 'deadBand'>,
  wanted: Wanted,
): void {
  wanted.probability = table.planned[slot] as number;
  wanted.rule = RULE.kept;
  const exposure = (table.exposure[slot] as number) / (table.dispersion[slot] as number);
  const samples = (table.samples[slot] as number) / (table.dispersion[slot] as number);
  if ((table.surely[slot] as number) * (table.gap[slot] as number) > SILENT) {
    silent(table, slot, silentMs, wanted);
  } else if (exposure <= 0) {
    wanted.rule = table.rule[slot] as number;
  } else if (samples < MANY_SAMPLES) {
    fromInterval(table, slot, { samples, exposure }, wanted);
  } else {
    fromEstimate(table, slot, Math.max(options.deadBand, BAND / Math.sqrt(samples)), wanted);
  }
}

/** Few samples: no further than they force it. */
function fromInterval(
  table: OperationTable,
  slot: number,
  { samples, exposure }: { readonly samples: number; readonly exposure: number },
  wanted: Wanted,
): void {
  const now = wanted.probability;
  const target = table.target[slot] as number;
  const least = target / rateAbove(samples, exposure, RAISES);
  const most = target / rateBelow(samples, exposure, LOWERS);
  if (now > most) want(wanted, most, RULE.lowered);
  if (now > most || now * WORTHWHILE >= Math.min(1, least)) return;
  const atOnce = target / rateAbove(samples, exposure, RAISES_AT_ONCE);
  const raised = isCold(table, slot) ? least : Math.max(Math.min(least, reachable(table, slot)), atOnce);
  if (raised > now) want(wanted, raised, samples < 1 ? RULE.cold_start : RULE.raised_carefully);
}

function fromEstimate(table: OperationTable, slot: number, band: number, wanted: Wanted): void {
  const now = wanted.probability;
  const aim = (table.target[slot] as number) / (table.rate[slot] as number);
  const isReaching = aim >= 1 && now < 1;
  if (Math.abs(Math.min(1, aim) / now - 1) <= band && !isReaching) return;
  const reach = reachable(table, slot);
  if (aim < now) want(wanted, aim, RULE.lowered);
  else if (isCold(table, slot) || aim <= reach) want(wanted, aim, RULE.raised);
  else if (reach > now) want(wanted, reach, RULE.raised_carefully);
}

function isCold(table: OperationTable, slot: number): boolean {
  return ((table.flags[slot] as number) & FLAG.cold) !== 0;
}

/** How far up it may go before the pollers have it. */
function reachable(table: OperationTable, slot: number): number {
  return (table.low[slot] as number) * MOST_PER_POLL;
}

/** Kept; after long, up to double, so that the rest of a traffic that fell to a thousandth is met sooner. */
function silent(table: OperationTable, slot: number, silentMs: number, wanted: Wanted): void {
  wanted.rule = RULE.silent;
  if (silentMs < SILENT_LONG_MS) return;
  const rate = table.rate[slot] as number;
  const aim = (table.target[slot] as number) / rate;
  wanted.rule = RULE.silent_long;
  const reached = Math.min(SILENT_RAISE, silentMs / SILENT_LONG_MS) * aim;
  if (reached > wanted.probability * WORTHWHILE) wanted.probability = Math.min(1, reached);
}

function want(wanted: Wanted, probability: number, rule: number): void {
  wanted.probability = Math.min(1, probability);
  wanted.rule = rule;
}
