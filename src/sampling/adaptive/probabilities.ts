import type { Boosts } from './boosts.ts';
import type { ConformanceWatch } from './conformance-watch.ts';
import { FALLBACK, FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions, Override } from './options.ts';
import { MANY_SAMPLES, type Wanted, wantedProbability } from './probability-law.ts';
import { RULE } from './rules.ts';

/** Plans the probability of every operation that has one of its own. */
export class Probabilities {
  readonly #table: OperationTable;
  readonly #options: AdaptiveControlOptions;
  readonly #conformance: ConformanceWatch;
  readonly #boosts: Boosts;
  readonly #wanted: Wanted = { probability: 0, rule: 0 };

  constructor(
    table: OperationTable,
    options: AdaptiveControlOptions,
    conformance: ConformanceWatch,
    boosts: Boosts,
  ) {
    this.#table = table;
    this.#options = options;
    this.#conformance = conformance;
    this.#boosts = boosts;
  }

  /** Sets `planned` and `rule`. */
  update(nowMs: number): void {
    const table = this.#table;
    this.#pin(FALLBACK);
    for (let slot = 1; slot < table.used; slot++) {
      const index = table.service[slot] as number;
      if (index < 0 || this.#pin(slot)) continue;
      const service = table.serviceList[index] as ServiceEntry;
      if (slot === service.defaultSlot) continue;
      if (((table.flags[slot] as number) & (FLAG.tail | FLAG.left)) !== 0) continue;
      if (this.#conformance.hides(service)) table.rule[slot] = RULE.not_followed;
      else this.#plan(slot, nowMs);
    }
  }

  /** Whether people have fixed it. */
  #pin(slot: number): boolean {
    const override = this.#table.overrides[slot];
    const pinned = override === undefined ? undefined : pinnedProbability(override);
    if (pinned === undefined) return false;
    this.#table.planned[slot] = pinned;
    this.#table.rule[slot] = override?.never === true ? RULE.never : RULE.fixed;
    return true;
  }

  #plan(slot: number, nowMs: number): void {
    const table = this.#table;
    const wanted = this.#wanted;
    const override = table.overrides[slot];
    wantedProbability(table, slot, nowMs - (table.lastRootMs[slot] as number), this.#options, wanted);
    if (wanted.probability >= 1 && wanted.rule === RULE.raised) wanted.rule = RULE.maximum;
    if (wanted.rule !== RULE.silent && this.#boosts.factorOf(slot) > 1) wanted.rule = RULE.boosted;
    limit(wanted, override?.maxProbability ?? 1, RULE.maximum, Math.min);
    const least = Math.max(this.#options.minSamplingProbability, override?.minProbability ?? 0);
    limit(wanted, least, RULE.minimum, Math.max);
    table.planned[slot] = wanted.probability;
    table.rule[slot] = wanted.rule;
    if ((table.samples[slot] as number) < MANY_SAMPLES) return;
    table.flags[slot] = (table.flags[slot] as number) & ~FLAG.cold;
  }
}

/** What people have fixed; undefined: it is left to the rules. */
function pinnedProbability({ never, fixedProbability }: Override): number | undefined {
  return never === true ? 0 : fixedProbability;
}

function limit(wanted: Wanted, bound: number, rule: number, pick: (a: number, b: number) => number): void {
  const limited = pick(wanted.probability, bound);
  if (limited === wanted.probability) return;
  wanted.probability = limited;
  wanted.rule = rule;
}
