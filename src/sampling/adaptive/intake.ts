import type { RootRow, SampledRoots } from '../roots/root-row.ts';
import { firstClassBelow, gateBelow, LAST_CLASS } from '../roots/variate-classes.ts';
import { FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';
import type { Registry } from './registry.ts';
import { noView } from './served-history.ts';

/** So many roots were to be expected in a gap that ended: what was before it says nothing about what is now (e^-10). */
const NEW_EPOCH = 10;
/** How fast the share of roots with a probability of their own is learned. */
const TAGGED_SHARE = 0.5;
const DISPERSION_SHARE = 0.1;
/** Below it there is no class to count. */
const SMALLEST_GATE = 2 ** (-LAST_CLASS / 8);

/** Who else looks at each row with roots: `below` counts the untagged ones under the operation's gate. */
export interface RowWatch {
  row(slot: number, service: ServiceEntry, sampled: SampledRoots, windowMs: number): void;
}

/**
 * Puts windows into the table: what each operation was exposed to, whether it had roots or not, and what was counted.
 *
 * Every instance that follows keeps all traces whose variate lies under the smallest probability that can be in force,
 * the gate. So the roots under it are the traffic thinned by the gate, whatever else each instance keeps; they are
 * counted with weight 1 against an exposure of gate x time. Roots that tell their probability p need no gate:
 * each stands for 1/p requests, and they are weighed by the mean probability in force.
 */
export class Intake {
  readonly #registry: Registry;
  readonly #table: OperationTable;
  readonly #windowMs: number;
  readonly #watches: readonly RowWatch[];
  readonly #view = noView();

  constructor(registry: Registry, windowMs: number, watches: readonly RowWatch[]) {
    this.#registry = registry;
    this.#table = registry.table;
    this.#windowMs = windowMs;
    this.#watches = watches;
  }

  /** All rows of one complete window. */
  window(startMs: number, rows: readonly RootRow[], nowMs: number): void {
    this.#table.cells.advance();
    this.#table.cells.newest.lengthS = this.#windowMs / 1000;
    this.#expose(startMs);
    let service: ServiceEntry | undefined;
    for (const row of rows) {
      if (row.sampled.roots <= 0) continue;
      if (service?.name !== row.service) {
        // What finds no place has the default of services that nobody knows.
        if (!this.#registry.hasRoomFor(row.service)) continue;
        service = this.#registry.service(row.service, nowMs);
        service.hasRoots = true;
      }
      const before = this.#table.operations;
      const slot = this.#registry.operation(service, row.operation, nowMs);
      const isNew = this.#table.operations !== before;
      if (isNew) this.#exposeOne(slot, startMs);
      this.#add(slot, service, row.sampled, startMs, isNew);
    }
  }

  #expose(startMs: number): void {
    const { used, gateUntilMs, weight, gap } = this.#table;
    const { exposure } = this.#table.cells.newest;
    const windowS = this.#windowMs / 1000;
    for (let slot = 0; slot < used; slot++) {
      if ((gateUntilMs[slot] as number) <= startMs) this.#findGate(slot, startMs);
      const exposed = (weight[slot] as number) * windowS;
      exposure[slot] = exposed;
      gap[slot] = (gap[slot] as number) + exposed;
    }
  }

  /** An operation that was met in this window. Older exposure, where it has some, is its service's. */
  #exposeOne(slot: number, startMs: number): void {
    const table = this.#table;
    this.#findGate(slot, startMs);
    const exposed = (table.weight[slot] as number) * (this.#windowMs / 1000);
    table.cells.newest.exposure[slot] = exposed;
    table.gap[slot] = exposed;
  }

  #findGate(slot: number, startMs: number): void {
    const table = this.#table;
    const service = table.serviceList[table.service[slot] as number];
    if (service === undefined) {
      table.gateUntilMs[slot] = Number.POSITIVE_INFINITY;
      return;
    }
    const view = this.#view;
    const untilMs = startMs + this.#windowMs;
    table.history.look(slot, startMs - service.horizonMs, startMs - service.slowestMs, untilMs, view);
    const { lowest, highest } = view;
    // Bounds move seldom, and their classes take a logarithm.
    if (lowest !== table.low[slot]) this.#setGate(slot, lowest);
    if (highest !== table.high[slot]) {
      table.high[slot] = highest;
      table.lastAbove[slot] = lastClassAbove(highest);
    }
    // While pollers differ their mean moves from window to window.
    table.inForce[slot] = view.mean;
    table.gateUntilMs[slot] = lowest === highest ? view.nextChangeMs + service.horizonMs : startMs;
    table.weight[slot] = ((table.tagged[slot] as number) > 0.4 ? view.mean : table.gate[slot]) as number;
  }

  #setGate(slot: number, lowest: number): void {
    const table = this.#table;
    const isGated = lowest >= SMALLEST_GATE;
    table.low[slot] = lowest;
    table.gate[slot] = isGated ? gateBelow(lowest) : 0;
    table.gateClass[slot] = isGated ? firstClassBelow(lowest) : LAST_CLASS + 1;
  }

  #add(slot: number, service: ServiceEntry, sampled: SampledRoots, startMs: number, isNew: boolean): void {
    const table = this.#table;
    const { newest } = table.cells;
    const exposed = newest.exposure[slot] as number;
    let samples = this.#samplesOf(slot, service, sampled);
    const flags = table.flags[slot] as number;
    const expected = (table.surely[slot] as number) * ((table.gap[slot] as number) - exposed);
    const isBack = expected > NEW_EPOCH || (flags & FLAG.left) !== 0;
    if (isBack) {
      table.cells.clear(slot);
      newest.exposure[slot] = exposed;
      table.rate[slot] = 0;
      table.surely[slot] = 0;
    }
    // An epoch begins with a root because there was one: it would count too high.
    if (isBack || (isNew && (flags & FLAG.cold) === 0)) samples = Math.max(0, samples - 1);
    table.flags[slot] = flags & ~FLAG.left;
    table.gap[slot] = 0;
    table.lastRootMs[slot] = Math.max(table.lastRootMs[slot] as number, startMs + this.#windowMs);
    newest.samples[slot] = (newest.samples[slot] as number) + samples;
    table.fresh[slot] = (table.fresh[slot] as number) + samples;
    const share = (sampled.tagged + sampled.bounded) / sampled.roots;
    table.tagged[slot] = (table.tagged[slot] as number) * (1 - TAGGED_SHARE) + share * TAGGED_SHARE;
    for (const watch of this.#watches) watch.row(slot, service, sampled, startMs);
  }

  /** How much `sampled` counts for, against exposure in the operation's weight. */
  #samplesOf(slot: number, service: ServiceEntry, sampled: SampledRoots): number {
    const table = this.#table;
    const weight = table.weight[slot] as number;
    const gate = table.gate[slot] as number;
    const firstClass = table.gateClass[slot] as number;
    const { classes, counts } = sampled.variates;
    const lastAbove = table.lastAbove[slot] as number;
    let [below, kept, all] = [0, 0, 0];
    for (let i = classes.length - 1; i >= 0; i--) {
      all += counts[i] as number;
      if ((classes[i] as number) >= firstClass) below += counts[i] as number;
      if ((classes[i] as number) > lastAbove) kept += counts[i] as number;
    }
    let samples = gate > 0 ? (below * weight) / gate : 0;
    const silent = sampled.roots - sampled.tagged - sampled.bounded - all;
    if (silent > 0) {
      // Neither tag nor a variate that is known: taken to have been kept with the mean of what pollers go by.
      const mean = table.inForce[slot] as number;
      if (mean > 0) samples += (silent * weight) / mean;
    }
    const byProbability = kept + sampled.tagged + Math.max(0, silent);
    service.kept += byProbability;
    service.beside += sampled.roots - byProbability;
    if (sampled.tagged === 0) return samples;
    const adjusted = weight * sampled.adjusted;
    const spread = (weight * weight * sampled.adjustedSquares + samples) / (adjusted + samples);
    const dispersion =
      (table.dispersion[slot] as number) * (1 - DISPERSION_SHARE) + spread * DISPERSION_SHARE;
    table.dispersion[slot] = Math.max(1, dispersion);
    return adjusted + samples;
  }
}

/** The last class that lies whole at or above `q`; -1 when there is none. */
function lastClassAbove(q: number): number {
  if (q <= 0) return LAST_CLASS;
  const below = firstClassBelow(q);
  return gateBelow(q) === q ? below - 1 : below - 2;
}
