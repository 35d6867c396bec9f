import { FLAG, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions, Override } from './options.ts';
import { isPinned } from './override-list.ts';
import type { Registry } from './registry.ts';
import { RULE } from './rules.ts';

/** How often the operations of a service that has too many are ranked anew. */
const RANKED_EVERY_MS = 30_000;
/** How much more traffic one needs to take the place of another that is listed. */
const BETTER = 1.5;

/**
 * Which operations a reply carries: the active ones with the most traffic, which gain most from a probability of their
 * own; where there is room, also those that have left, since some clients never forget what they were once told.
 */
export class Listing {
  readonly #registry: Registry;
  readonly #options: AdaptiveControlOptions;
  readonly #rankedAtMs = new WeakMap<ServiceEntry, number>();
  /** Services with operations that were not listed. */
  readonly #crowded = new Set<ServiceEntry>();
  readonly #onForget: (slot: number) => void;

  /** `onForget` is told of slots that will be another operation's. */
  constructor(registry: Registry, options: AdaptiveControlOptions, onForget: (slot: number) => void) {
    this.#onForget = onForget;
    this.#registry = registry;
    this.#options = options;
  }

  update(nowMs: number): void {
    const { table } = this.#registry;
    const { leftAfterMs, forgottenAfterMs } = this.#options;
    const forgotten: number[] = [];
    this.#crowded.clear();
    for (let slot = 1; slot < table.used; slot++) {
      const service = table.serviceList[table.service[slot] as number];
      if (service === undefined || slot === service.defaultSlot) continue;
      const silentMs = nowMs - (table.lastRootMs[slot] as number);
      if (silentMs > leftAfterMs) {
        if (silentMs > leftAfterMs + forgottenAfterMs && !this.#isNamed(slot)) forgotten.push(slot);
        table.flags[slot] = (table.flags[slot] as number) | FLAG.left;
      }
      if (((table.flags[slot] as number) & FLAG.tail) !== 0) this.#crowded.add(service);
    }
    for (const slot of forgotten) {
      this.#registry.forget(slot);
      this.#onForget(slot);
    }
    for (const service of table.serviceList) {
      const isCrowded = service.slots.length > this.#options.maxOperationsPerReply;
      if (isCrowded || this.#crowded.has(service)) this.#rank(service, nowMs);
      this.#shareDefault(service);
    }
  }

  /** What people decide of it by name holds from its next root on, whenever that is. */
  #isNamed(slot: number): boolean {
    const { overrides, names } = this.#registry.table;
    return overrides[slot]?.operation === names[slot];
  }

  /** Operations that are not listed, or have left, go by the default. */
  #shareDefault(service: ServiceEntry): void {
    const { table } = this.#registry;
    const shared = table.planned[service.defaultSlot] as number;
    for (const slot of service.slots) {
      const flags = (table.flags[slot] as number) & (FLAG.tail | FLAG.left);
      if (flags === 0) continue;
      const isTail = (flags & FLAG.tail) !== 0;
      // What an override decides reaches an operation that is listed, if only because it has left.
      if (!isTail && isPinned(table.overrides[slot])) continue;
      table.planned[slot] = shared;
      table.rule[slot] = isTail ? RULE.tail : RULE.left;
    }
  }

  #rank(service: ServiceEntry, nowMs: number): void {
    const rankedAtMs = this.#rankedAtMs.get(service) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - rankedAtMs < RANKED_EVERY_MS) return;
    this.#rankedAtMs.set(service, nowMs);
    const { table } = this.#registry;
    const score = (slot: number): number => {
      const flags = table.flags[slot] as number;
      if (isOwn(table.overrides[slot])) return Number.MAX_VALUE;
      if ((flags & FLAG.left) !== 0) return -1 - (nowMs - (table.lastRootMs[slot] as number));
      return (table.rate[slot] as number) * ((flags & FLAG.tail) === 0 ? BETTER : 1);
    };
    const ranked = service.slots
      .map((slot) => ({ slot, score: score(slot) }))
      .sort((a, b) => b.score - a.score);
    ranked.forEach(({ slot }, rank) => {
      const wasTail = ((table.flags[slot] as number) & FLAG.tail) !== 0;
      const isTail = rank >= this.#options.maxOperationsPerReply;
      if (wasTail === isTail) return;
      table.flags[slot] = (table.flags[slot] as number) ^ FLAG.tail;
      service.isDirty = true;
    });
  }
}

/** Whether an override says of it what it does not say of its service's default. */
function isOwn(override: Override | undefined): boolean {
  return override !== undefined && !/^\*+$/.test(override.operation);
}
