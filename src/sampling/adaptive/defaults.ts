import { FALLBACK, FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions } from './options.ts';
import { isPinned } from './override-list.ts';
import { MANY_SAMPLES, SILENT } from './probability-law.ts';
import { rateAbove } from './rate-estimate.ts';
import { RULE } from './rules.ts';

/** A default moves only by more than this: all that is not listed goes by it, and each move ages their gates. */
const DEAD_BAND = 0.15;
/** A service without a root may have few, or none until a busy operation is deployed: it climbs no higher than this. */
const HIGHEST_UNSEEN = 0.1;
/**
 * What is not listed is mostly small, and is only met when it is sampled. So it is given more than the mean of what is
 * known as long as there may be more, and as far as the busiest operation under another name would not bring more than
 * a part of all.
 */
const OVER_MEAN = 3;
const PART_OF_ALL = 0.3;
/** When all are known: another one like the busiest would have so many times its share, until the pollers have its own. */
const MOST_OVER_BUSIEST = 20;
/** So many roots of another operation like the smallest that is known were to be expected by now: there is none. */
const ALL_MET = 5;
const MOST_PER_POLL = 3;

/** Traffic, and what the budget gives it. */
interface Means {
  charge: number;
  plan: number;
}

/** What is known of one service. */
interface Known {
  readonly all: Means;
  /** Of what goes by the default. */
  readonly shared: Means;
  /** Requests per second of its busiest operation, and what of these the budget takes. */
  busiest: number;
  busiestShare: number;
  smallest: number;
}

/**
 * What is served where an operation is not listed. While a service has none: what its exposure without roots allows.
 * Then a few times the share of its traffic (or of all traffic) that the budget takes: new operations then bring as
 * many samples as the same traffic under other names, not as many as it has requests.
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
    const known = this.#table.serviceList.map((service) => {
      const one = this.#knownOf(service);
      whole.charge += one.all.charge;
      whole.plan += one.all.plan;
      return one;
    });
    for (const service of this.#table.serviceList) {
      this.#updateService(service, known[service.index] as Known, whole);
      this.#bind(service.defaultSlot);
    }
    if (whole.plan > 0) this.#move(FALLBACK, whole.charge / whole.plan, RULE.siblings, 1);
    this.#bind(FALLBACK);
  }

  /** An override that is of the default too limits it. */
  #bind(slot: number): void {
    const { overrides, planned, rule } = this.#table;
    const override = overrides[slot];
    if (override === undefined || isPinned(override)) return;
    const { minProbability = 0, maxProbability = 1 } = override;
    const now = planned[slot] as number;
    planned[slot] = Math.max(minProbability, Math.min(maxProbability, now));
    if (planned[slot] !== now) rule[slot] = now > maxProbability ? RULE.maximum : RULE.minimum;
  }

  #knownOf(service: ServiceEntry): Known {
    const table = this.#table;
    const none = (): Means => ({ charge: 0, plan: 0 });
    const known = {
      all: none(),
      shared: none(),
      busiest: 0,
      busiestShare: 1,
      smallest: Number.POSITIVE_INFINITY,
    };
    for (const slot of service.slots) {
      const flags = table.flags[slot] as number;
      // What people fixed says nothing about what others should have.
      if ((flags & FLAG.left) !== 0 || isPinned(table.overrides[slot])) continue;
      if ((table.samples[slot] as number) < 1) continue;
      this.#add(known.all, slot);
      if ((flags & FLAG.tail) !== 0) this.#add(known.shared, slot);
      const rate = table.rate[slot] as number;
      if (rate > known.busiest) {
        known.busiest = rate;
        known.busiestShare = (table.charge[slot] as number) / rate;
      }
      const isSilent = (table.surely[slot] as number) * (table.gap[slot] as number) > SILENT;
      if (rate < known.smallest && !isSilent) known.smallest = rate;
    }
    if ((table.samples[service.defaultSlot] as number) >= 1) {
      this.#add(known.all, service.defaultSlot);
      this.#add(known.shared, service.defaultSlot);
    }
    return known;
  }

  #updateService(service: ServiceEntry, known: Known, whole: Means): void {
    const { all, shared, busiest } = known;
    const table = this.#table;
    const slot = service.defaultSlot;
    const reach = (table.low[slot] as number) * MOST_PER_POLL;
    const samples = table.samples[slot] as number;
    if (service.slots.length === 0 && samples < 1) this.#climb(slot);
    if (all.plan <= 0) return;
    const mean = all.charge / all.plan;
    if (service.slots.length === 0) {
      if (samples >= MANY_SAMPLES || mean < (table.planned[slot] as number)) {
        this.#move(slot, mean, RULE.siblings, reach);
      }
      return;
    }
    const mayBeMore = (table.gap[slot] as number) * known.smallest < ALL_MET;
    const most = OVER_MEAN * Math.max(mean, whole.charge / whole.plan);
    if (shared.plan <= 0 && !mayBeMore) {
      this.#move(slot, Math.min(mean, MOST_OVER_BUSIEST * known.busiestShare), RULE.siblings, reach);
      return;
    }
    const wanted = shared.plan > 0 ? Math.min(most, shared.charge / shared.plan) : most;
    const bearable = busiest > 0 ? (PART_OF_ALL * whole.charge) / busiest : 1;
    this.#move(slot, Math.max(mean, Math.min(wanted, bearable)), RULE.siblings, reach);
  }

  /** A service that polls and shows no root: the longer, the less there can be. */
  #climb(slot: number): void {
    const table = this.#table;
    const exposure = table.exposure[slot] as number;
    if (exposure <= 0) return;
    const allowed = Math.min(HIGHEST_UNSEEN, (table.target[slot] as number) / rateAbove(0, exposure, 1));
    if (allowed > (table.planned[slot] as number)) this.#move(slot, allowed, RULE.cold_start, 1);
  }

  #add(means: Means, slot: number): void {
    means.charge += this.#table.charge[slot] as number;
    means.plan += this.#table.plan[slot] as number;
  }

  /** Upwards no further than to `reach`. */
  #move(slot: number, aim: number, rule: number, reach: number): void {
    const table = this.#table;
    if (isPinned(table.overrides[slot])) return;
    const now = table.planned[slot] as number;
    const clamped = Math.min(1, Math.max(this.#options.minSamplingProbability, aim));
    if (Math.abs(clamped / now - 1) <= DEAD_BAND) return;
    const next = clamped > now ? Math.max(now, Math.min(clamped, reach)) : clamped;
    if (next === now) return;
    table.planned[slot] = next;
    table.rule[slot] = rule;
  }
}
