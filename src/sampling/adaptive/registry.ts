import type { ServicePollers } from './controller.ts';
import { FALLBACK, FLAG, OperationTable, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions, Override } from './options.ts';
import { isPinned, OverrideList } from './override-list.ts';
import { RULE } from './rules.ts';

/** A service is taken to have begun with its first poll or root; as long as it is young, silence so far counts. */
const YOUNG_MS = 600_000;
/** A service that nobody polls for so long, and that had no root, was a name that somebody made up. */
const UNPOLLED_MS = 600_000;
const POLLED_SHARE = 0.5;
/** Polls come late by so much of their interval, and a reply takes its time. */
const LATE_SHARE = 1.05;
const LATE_MS = 3000;
/** A served lower bound within this of the right one stays: replies should not change with each instance. */
const BOUND_TOLERANCE = 0.1;

const NO_PINS: readonly Override[] = [];

/** Who there is: makes entries for services and operations when they are first met, and lets them go. */
export class Registry {
  readonly table: OperationTable;
  readonly #options: AdaptiveControlOptions;
  #pins = NO_PINS;
  #overrides: OverrideList;
  /** When the next of them ends. */
  #overridesUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: AdaptiveControlOptions) {
    this.#options = options;
    this.#overrides = new OverrideList(options.overrides);
    this.table = new OperationTable(options.windowMs / 1000);
    const { table } = this;
    const fallback = table.take(-1, '');
    table.planned[fallback] = options.initialSamplingProbability;
    table.served[fallback] = options.initialSamplingProbability;
    table.previous[fallback] = options.initialSamplingProbability;
    table.gateUntilMs[fallback] = Number.POSITIVE_INFINITY;
    table.history.begin(fallback, options.initialSamplingProbability, options.initialSamplingProbability);
  }

  service(name: string, nowMs: number): ServiceEntry {
    const known = this.table.services.get(name);
    if (known !== undefined) return known;
    const { table } = this;
    const index = table.serviceList.length;
    const defaultSlot = this.#take(index, '', FALLBACK, nowMs);
    const entry: ServiceEntry = {
      name,
      index,
      defaultSlot,
      slots: [],
      byName: new Map(),
      bornMs: nowMs,
      polledMs: nowMs,
      hasRoots: false,
      instances: undefined,
      slowestMs: this.#options.unknownPollIntervalMs,
      horizonMs: this.#horizonMs(undefined),
      hasLowerBound: false,
      lowerBound: this.#options.minSamplesPerSecond,
      lowerBoundInForce: this.#options.minSamplesPerSecond,
      lowerBoundUntilMs: Number.NEGATIVE_INFINITY,
      isDirty: true,
      kept: 0,
      beside: 0,
      order: undefined,
    };
    table.serviceList.push(entry);
    table.services.set(name, entry);
    this.#lookUp(defaultSlot, name, FALLBACK, nowMs);
    this.#meetNamed(entry, nowMs);
    return entry;
  }

  /** The slot of an operation; its service's default where there are too many already. */
  operation(service: ServiceEntry, name: string, nowMs: number): number {
    if (name === '') return service.defaultSlot;
    const known = service.byName.get(name);
    if (known !== undefined) return known;
    const { table } = this;
    if (table.operations >= this.#options.maxOperations) return service.defaultSlot;
    const slot = this.#take(service.index, name, service.defaultSlot, nowMs);
    service.byName.set(name, slot);
    service.slots.push(slot);
    service.isDirty = true;
    service.order = undefined;
    // There are operations that have not been met: see defaults.ts.
    table.gap[service.defaultSlot] = 0;
    this.#lookUp(slot, service.name, service.defaultSlot, nowMs);
    if (nowMs - service.bornMs < YOUNG_MS) {
      table.cells.inheritExposure(service.defaultSlot, slot);
      table.flags[slot] = FLAG.cold;
    }
    return slot;
  }

  forget(slot: number): void {
    const { table } = this;
    const service = table.serviceList[table.service[slot] as number] as ServiceEntry;
    service.byName.delete(table.names[slot] as string);
    service.slots.splice(service.slots.indexOf(slot), 1);
    service.isDirty = true;
    service.order = undefined;
    table.free(slot);
  }

  /** Lets go of services that nobody polls for and that have no operations (any more). */
  forgetServices(nowMs: number, onForget: (service: ServiceEntry) => void): void {
    const { table } = this;
    const { leftAfterMs, forgottenAfterMs } = this.#options;
    for (let i = table.serviceList.length - 1; i >= 0; i--) {
      const service = table.serviceList[i] as ServiceEntry;
      if (service.slots.length > 0 || nowMs - service.polledMs <= UNPOLLED_MS) continue;
      // What people decide of it by name is there when it comes back.
      if (table.overrides[service.defaultSlot]?.service === service.name) continue;
      const silentMs = nowMs - (table.lastRootMs[service.defaultSlot] as number);
      if (service.hasRoots && silentMs <= leftAfterMs + forgottenAfterMs) continue;
      onForget(service);
      table.freeService(service);
    }
  }

  /** Whether a service is known, or may be met while no more than `share` of all places is taken. */
  hasRoomFor(service: string, share = 1): boolean {
    const { services, operations } = this.table;
    return services.has(service) || operations < this.#options.maxOperations * share;
  }

  /** Takes note of who polls. `lowerBound`: traces per second of an operation, over all instances. */
  meet(
    pollers: ReadonlyMap<string, ServicePollers>,
    nowMs: number,
    lowerBound: (service: ServiceEntry) => number,
  ): void {
    for (const [name, { instances, slowestIntervalMs, hasLowerBound }] of pollers) {
      // Anybody can ask for any name: that leaves room for those that have roots.
      if (!this.hasRoomFor(name, POLLED_SHARE)) continue;
      const service = this.service(name, nowMs);
      service.polledMs = nowMs;
      const horizonMs = this.#horizonMs(slowestIntervalMs);
      service.slowestMs = slowestIntervalMs ?? this.#options.unknownPollIntervalMs;
      service.hasLowerBound = hasLowerBound;
      service.instances = instances;
      if (horizonMs !== service.horizonMs) {
        service.horizonMs = horizonMs;
        for (const slot of [service.defaultSlot, ...service.slots]) {
          this.table.gateUntilMs[slot] = Number.NEGATIVE_INFINITY;
        }
      }
      if (nowMs >= service.lowerBoundUntilMs) service.lowerBoundInForce = service.lowerBound;
      const bound = lowerBound(service) / Math.max(1, instances);
      if (Math.abs(bound - service.lowerBound) > BOUND_TOLERANCE * bound) {
        service.lowerBound = bound;
        service.lowerBoundInForce = Math.max(service.lowerBoundInForce, bound);
        service.lowerBoundUntilMs = nowMs + service.horizonMs;
        service.isDirty = true;
      }
    }
  }

  /** Looks overrides up again when one has ended or the pins have changed. */
  overrule(nowMs: number, pins: readonly Override[] = NO_PINS): void {
    const isChanged = pins !== this.#pins;
    if (isChanged) {
      this.#pins = pins;
      this.#overrides = new OverrideList([...pins, ...this.#options.overrides]);
    } else if (nowMs < this.#overridesUntilMs) return;
    this.#overridesUntilMs = this.#overrides.nextEndMs(nowMs);
    this.#lookUp(FALLBACK, '', FALLBACK, nowMs);
    for (const service of this.table.serviceList) {
      const { name, defaultSlot, slots } = service;
      this.#lookUp(defaultSlot, name, FALLBACK, nowMs);
      for (const slot of slots) this.#lookUp(slot, name, defaultSlot, nowMs);
      if (isChanged) this.#meetNamed(service, nowMs);
    }
  }

  #meetNamed(service: ServiceEntry, nowMs: number): void {
    for (const name of this.#overrides.namedOperations(service.name)) this.operation(service, name, nowMs);
  }

  #lookUp(slot: number, service: string, like: number, nowMs: number): void {
    const { table } = this;
    const options = this.#options;
    const before = table.overrides[slot];
    const found = this.#overrides.find(service, table.names[slot] as string, nowMs);
    table.overrides[slot] = found;
    if (!isPinned(before) || isPinned(found)) return;
    // It goes on from where it was fixed, and begins anew where that shows nothing: from zero nothing ever rises.
    const isShown = (table.planned[slot] as number) >= options.minSamplingProbability;
    table.rule[slot] = isShown ? RULE.kept : RULE.initial;
    if (isShown) return;
    const shown = isPinned(table.overrides[like]) ? options.initialSamplingProbability : table.planned[like];
    table.planned[slot] = Math.max(options.minSamplingProbability, shown as number);
  }

  /** On whole seconds, so that it does not change with every millisecond of a poll. */
  #horizonMs(slowestIntervalMs: number | undefined): number {
    const slowestMs = slowestIntervalMs ?? this.#options.unknownPollIntervalMs;
    return Math.ceil((slowestMs * LATE_SHARE + LATE_MS) / 1000) * 1000 + this.#options.clockSlackMs;
  }

  #take(service: number, name: string, like: number, nowMs: number): number {
    const { table } = this;
    const slot = table.take(service, name);
    table.planned[slot] = table.planned[like] as number;
    table.served[slot] = table.served[like] as number;
    table.previous[slot] = table.served[like] as number;
    table.changedAtMs[slot] = nowMs;
    table.lastRootMs[slot] = nowMs;
    table.rule[slot] = RULE.initial;
    table.history.copy(like, slot);
    return slot;
  }
}
