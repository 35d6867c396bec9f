import { FALLBACK, FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions } from './options.ts';
import { MANY_SAMPLES } from './probability-law.ts';
import { rateAbove } from './rate-estimate.ts';
import { RULE } from './rules.ts';

/** A default moves only by more than this: all that is not listed goes by it, and each move ages their gates. */
const DEAD_BAND = 0.15;
/** A service without a root may have few, or none until a busy operation is deployed: it climbs no higher than this. */
const HIGHEST_UNSEEN = 0.1;
/**
 * What is not listed is given more than the mean, so that small operations are met: half of what the same traffic would
 * bring more is the risk.
 */
const OVER_SIBLINGS = 2;
/** What is not listed may be given more than its listed siblings, but a new operation could be any of them. */
const MOST_OVER_SIBLINGS = 3;
const MOST_PER_POLL = 3;

/** Traffic and what the budget gives it. */
interface Means {
  charge: number;
  plan: number;
}

/**
 * What is served where an operation is not listed. While a service has no operation: what its exposure without roots
 * allows. Then the share of all its traffic that the budget takes: a new operation, whatever it is, then brings as many
 * samples as the same traffic did before under other names.
 */
export class Defaults {
  readonly #table: OperationTable;
  readonly #options: AdaptiveControlOptions;

  constructor(table: OperationTable, options: AdaptiveControlOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** Sets `planned` and `rule` of all defaults. */
  update(): void {
    const whole: Means = { charge: 0, plan: 0 };
    for (const service of this.#table.serviceList) this.#updateService(service, whole);
    if (whole.plan > 0) this.#move(FALLBACK, Math.min(1, whole.charge / whole.plan), RULE.siblings, 0);
  }

  #updateService(service: ServiceEntry, whole: Means): void {
    const table = this.#table;
    const slot = service.defaultSlot;
    const all: Means = { charge: 0, plan: 0 };
    const tail: Means = { charge: 0, plan: 0 };
    for (const each of service.slots) {
      if (((table.flags[each] as number) & FLAG.left) !== 0 || isDecided(table, each)) continue;
      if ((table.samples[each] as number) < 1) continue;
      add(all, table, each);
      if (((table.flags[each] as number) & FLAG.tail) !== 0) add(tail, table, each);
    }
    const dispersion = table.dispersion[slot] as number;
    const samples = (table.samples[slot] as number) / dispersion;
    if (samples >= 1) {
      add(all, table, slot);
      add(tail, table, slot);
    }
    whole.charge += all.charge;
    whole.plan += all.plan;
    const reach = (table.low[slot] as number) * MOST_PER_POLL;
    if (all.plan > 0) {
      const siblings = all.charge / all.plan;
      const own = tail.plan > 0 ? tail.charge / tail.plan : siblings;
      const isAlone = service.slots.length === 0 && samples >= MANY_SAMPLES;
      const most = isAlone ? 1 : siblings * MOST_OVER_SIBLINGS;
      this.#move(slot, Math.min(1, most, Math.max(siblings * OVER_SIBLINGS, own)), RULE.siblings, reach);
      return;
    }
    if (service.slots.length > 0) return;
    const exposure = table.exposure[slot] as number;
    if (exposure <= 0) return;
    const allowed = Math.min(HIGHEST_UNSEEN, (table.target[slot] as number) / rateAbove(0, exposure, 1));
    if (allowed > (table.planned[slot] as number)) this.#move(slot, allowed, RULE.cold_start, 1);
  }

  /** Upwards no further than to `reach`; 0: as it is. */
  #move(slot: number, aim: number, rule: number, reach: number): void {
    const table = this.#table;
    const now = table.planned[slot] as number;
    const override = table.overrides[slot];
    if (override?.fixedProbability !== undefined || override?.never === true) return;
    const clamped = Math.max(this.#options.minSamplingProbability, aim);
    if (Math.abs(clamped / now - 1) <= DEAD_BAND) return;
    const isFar = reach > 0 && clamped > now && clamped > reach;
    const next = isFar ? Math.max(now, reach) : clamped;
    if (next === now) return;
    table.planned[slot] = next;
    table.rule[slot] = rule;
  }
}

function add(means: Means, table: OperationTable, slot: number): void {
  means.charge += table.charge[slot] as number;
  means.plan += table.plan[slot] as number;
}

/** Probabilities that people fixed say nothing about what others should have. */
function isDecided(table: OperationTable, slot: number): boolean {
  const override = table.overrides[slot];
  return override?.never === true || override?.fixedProbability !== undefined;
}
