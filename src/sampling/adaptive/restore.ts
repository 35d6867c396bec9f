import type { ControlDecision } from './controller.ts';
import { FALLBACK, FLAG, type OperationTable } from './operation-table.ts';
import { rateBelow } from './rate-estimate.ts';
import type { Registry } from './registry.ts';
import { RULE } from './rules.ts';

/** A stored estimate counts for no more than this: what it was made of is not known any more. */
const MOST_SAMPLES = 300;

/** More exposure without another operation than any default needs to be content. */
const ALL_MET = 1e12;

/** Goes on where stored decisions end: the same is served, and what could be in force at pollers still can. */
export function restoreTable(
  registry: Registry,
  stored: readonly ControlDecision[],
  nowMs: number,
  minSamplesPerSecond: number,
): void {
  const { table } = registry;
  // Defaults first: operations begin with what their service's default is.
  for (const each of stored) {
    if (each.operation !== '') continue;
    if (each.service === '') take(table, FALLBACK, each);
    else {
      const service = registry.service(each.service, nowMs);
      if (each.lowerBound > 0) {
        service.lowerBound = each.lowerBound;
        // Until they have polled again, as many instances as it was shared over: what it keeps is no evidence.
        service.instances = Math.max(1, Math.round(minSamplesPerSecond / each.lowerBound));
        service.hasLowerBound = true;
      }
      take(table, service.defaultSlot, each);
      service.hasRoots = each.samples > 0;
      service.isDirty = true;
    }
  }
  for (const each of stored) {
    if (each.operation === '') continue;
    const service = registry.service(each.service, nowMs);
    const slot = registry.operation(service, each.operation, nowMs);
    if (slot !== service.defaultSlot) take(table, slot, each);
  }
  for (const service of table.serviceList) {
    if (service.slots.length === 0) continue;
    service.hasRoots = true;
    // An old service, whose operations have been met: there is no need to look for more.
    service.bornMs = Number.NEGATIVE_INFINITY;
    table.gap[service.defaultSlot] = ALL_MET;
  }
}

function take(table: OperationTable, slot: number, decision: ControlDecision): void {
  const { probability, gateLow, gateHigh, changedAtMs, rate, samples } = decision;
  table.planned[slot] = probability;
  table.served[slot] = probability;
  table.told[slot] = probability;
  table.previous[slot] = decision.previous;
  table.changedAtMs[slot] = changedAtMs;
  table.rule[slot] = RULE.stored;
  table.flags[slot] = 0;
  if (decision.rule === 'tail') table.flags[slot] = FLAG.tail;
  if (decision.rule === 'left') table.flags[slot] = FLAG.left;
  table.history.begin(slot, Math.min(gateLow, probability), Math.max(gateHigh, probability));
  table.history.push(slot, changedAtMs, probability, Number.NEGATIVE_INFINITY);
  table.target[slot] = decision.target;
  table.cells.clear(slot);
  if (!(rate > 0) || !(samples > 0)) return;
  const kept = Math.min(MOST_SAMPLES, samples);
  table.cells.newest.samples[slot] = kept;
  table.cells.newest.exposure[slot] = kept / rate;
  table.rate[slot] = rate;
  table.samples[slot] = kept;
  table.exposure[slot] = kept / rate;
  table.overS[slot] = decision.overS;
  table.plan[slot] = rate;
  table.surely[slot] = rateBelow(kept, kept / rate, 2);
}
