import { BudgetNode } from './budget-node.ts';
import { ClaimList } from './claims.ts';
import { globMatcher } from './glob.ts';
import { type Limit, leftOf, limitsOf, type Resource, shareable } from './limits.ts';
import { FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';
import type { AdaptiveControlOptions, ServiceBudget } from './options.ts';
import { isPinned } from './override-list.ts';
import { claimAt, type WaterLevel, waterLevel } from './water-filling.ts';

/** The part of a budget that lower bounds may take. */
const BY_LOWER_BOUNDS = 0.02;

/** A service's own budget, and what it may use of the whole. */
interface Share {
  readonly own: ServiceBudget | undefined;
  readonly limits: readonly Limit[];
  readonly node: BudgetNode;
  /** Traces per second from the whole; Infinity without a limit. */
  traces: number;
  /** Traces per second that it can use, that are spoken for, and the least that it is to have. */
  demand: number;
  pinned: number;
  floors: number;
  /** Mean cost of a trace, by resource. */
  readonly cost: Record<Resource, number>;
}

/** Shares the budget out: to services, and in each to its operations; what one can't use flows to the others. */
export class Allocation {
  readonly #options: AdaptiveControlOptions;
  readonly #table: OperationTable;
  readonly #whole: readonly Limit[];
  readonly #wholeNode = new BudgetNode();
  readonly #owners: readonly { readonly matches: (name: string) => boolean; readonly own: ServiceBudget }[];
  readonly #shares = new WeakMap<ServiceEntry, Share>();
  readonly #claims = new ClaimList();
  /** By slot; 1 without a boost. */
  readonly #boostOf: (slot: number) => number;

  constructor(table: OperationTable, options: AdaptiveControlOptions, boostOf: (slot: number) => number) {
    this.#table = table;
    this.#options = options;
    this.#whole = limitsOf(options.budget ?? {});
    this.#owners = options.serviceBudgets.map((own) => ({ matches: globMatcher(own.service), own }));
    this.#boostOf = boostOf;
  }

  get #hasBudget(): boolean {
    return this.#whole.length > 0 || this.#owners.length > 0;
  }

  /**
   * Traces per second of each operation of a service that lower bounds may keep. Under a budget the floors do what they
   * are for, and the tokens of all instances tend to come at once: they get no more than a small part of it.
   */
  lowerBoundOf(service: ServiceEntry): number {
    const { minSamplesPerSecond } = this.#options;
    const share = this.#shareOf(service);
    const { operations } = this.#table;
    const whole = inTraces(this.#whole, share.cost) / Math.max(1, operations);
    const own = inTraces(share.limits, share.cost) / Math.max(1, service.slots.length);
    return Math.min(minSamplesPerSecond, BY_LOWER_BOUNDS * Math.min(whole, own));
  }

  /** The part of its service's budget that an operation is charged with, of a default the service's part of the whole. */
  fractionOf(slot: number): number {
    const service = this.#table.serviceList[this.#table.service[slot] as number];
    const share = service === undefined ? undefined : this.#shares.get(service);
    if (service === undefined || share === undefined || !this.#hasBudget) return Number.NaN;
    if (slot === service.defaultSlot) {
      const whole = this.#options.budget?.tracesPerSecond;
      return whole === undefined ? Number.NaN : Math.min(share.traces, share.demand + share.pinned) / whole;
    }
    const own = this.#ownTraces(share);
    const traces = Math.min(share.traces, own, share.demand) + (share.traces === own ? share.pinned : 0);
    return traces > 0 && Number.isFinite(traces) ? (this.#table.charge[slot] as number) / traces : Number.NaN;
  }

  /** Compares what the probabilities kept since the last round with the plans that were made for that time. */
  measure(seconds: number): void {
    if (!this.#hasBudget) return;
    const { plan, inForce } = this.#table;
    let [allKept, allPlanned, allBeside] = [0, 0, 0];
    for (const service of this.#table.serviceList) {
      let planned = 0;
      for (const slot of service.slots)
        planned += (plan[slot] as number) * (inForce[slot] as number) * seconds;
      this.#shareOf(service).node.measure(service.kept, planned, service.beside, seconds);
      allKept += service.kept;
      allPlanned += planned;
      allBeside += service.beside;
      service.kept = 0;
      service.beside = 0;
    }
    this.#wholeNode.measure(allKept, allPlanned, allBeside, seconds);
  }

  /** Sets `target` and `charge` of every operation. */
  allocate(seconds: number): void {
    for (const service of this.#table.serviceList) this.#sum(service, this.#shareOf(service));
    this.#shareWhole(seconds);
    for (const service of this.#table.serviceList) this.#shareService(service, seconds);
  }

  #shareOf(service: ServiceEntry): Share {
    const known = this.#shares.get(service);
    if (known !== undefined) return known;
    const own = this.#owners.find(({ matches }) => matches(service.name))?.own;
    const share: Share = {
      own,
      limits: limitsOf(own ?? {}),
      node: new BudgetNode(),
      traces: Number.POSITIVE_INFINITY,
      demand: 0,
      pinned: 0,
      floors: 0,
      cost: { traces: 1, spans: 1, bytes: 1 },
    };
    this.#shares.set(service, share);
    return share;
  }

  #sum(service: ServiceEntry, share: Share): void {
    const table = this.#table;
    share.demand = 0;
    share.pinned = 0;
    share.floors = 0;
    let [charged, spans, bytes] = [0, 0, 0];
    for (const slot of this.#claimants(service)) {
      const plan = table.plan[slot] as number;
      const pinned = this.#pinned(slot);
      if (pinned === undefined) {
        share.demand += plan;
        share.floors += Math.min(this.#options.floorTracesPerSecond, plan);
      } else share.pinned += pinned;
      // In proportion to what they last had: that is the mix of traces that the budget pays for.
      const charge = Math.max(table.charge[slot] as number, 1e-9);
      charged += charge;
      spans += charge * (table.costSpans[slot] as number);
      bytes += charge * (table.costBytes[slot] as number);
    }
    if (charged <= 0) return;
    share.cost.spans = spans / charged;
    share.cost.bytes = bytes / charged;
  }

  /** The operations that want something, and the default while it is all that is known, or has roots of its own. */
  #claimants(service: ServiceEntry): readonly number[] {
    const { samples } = this.#table;
    if (service.slots.length > 0 && (samples[service.defaultSlot] as number) === 0) return service.slots;
    return [...service.slots, service.defaultSlot];
  }

  /** Traces per second of what people have decided; undefined: it takes part in the sharing. */
  #pinned(slot: number): number | undefined {
    const override = this.#table.overrides[slot];
    if (override === undefined) return undefined;
    const plan = this.#table.plan[slot] as number;
    if (override.never === true) return 0;
    if (override.fixedProbability !== undefined) return plan * override.fixedProbability;
    if (override.targetTracesPerSecond !== undefined) return Math.min(plan, override.targetTracesPerSecond);
    return undefined;
  }

  #shareWhole(seconds: number): void {
    const { serviceList } = this.#table;
    if (this.#whole.length === 0) return;
    let [total, pinned, demand] = [0, 0, 0];
    for (const service of serviceList) {
      total += this.#total(service);
      pinned += this.#shareOf(service).pinned;
      demand += this.#shareOf(service).demand;
    }
    const [limit] = this.#whole;
    if (limit?.resource === 'traces') {
      const left = leftOf(limit.perSecond, this.#wholeNode);
      if (demand + pinned <= left) this.#wholeNode.relax();
      else this.#wholeNode.follow(total, left, seconds);
    }
    let lowest: WaterLevel | undefined;
    for (const { resource, perSecond } of this.#whole) {
      this.#claims.clear();
      let spoken = 0;
      for (const service of serviceList) {
        const share = this.#shareOf(service);
        const cost = share.cost[resource];
        spoken += share.pinned * cost;
        const most = Math.min(share.demand, this.#ownTraces(share));
        this.#claims.add(service.index, share.floors, most, share.own?.weight ?? 1, cost);
      }
      const level = waterLevel(this.#claims, shareable(perSecond, resource, this.#wholeNode) - spoken);
      if (lowest === undefined || isLower(level, lowest)) lowest = level;
    }
    for (const service of serviceList) {
      const share = this.#shareOf(service);
      const most = Math.min(share.demand, this.#ownTraces(share));
      const low = Math.min(share.floors, most);
      share.traces = claimAt(low, most, share.own?.weight ?? 1, lowest as WaterLevel) + share.pinned;
    }
  }

  /** What its own budget leaves a service, in traces. */
  #ownTraces(share: Share): number {
    let traces = Number.POSITIVE_INFINITY;
    for (const { resource, perSecond } of share.limits) {
      const limit = shareable(perSecond, resource, share.node) / share.cost[resource] - share.pinned;
      traces = Math.min(traces, Math.max(0, limit));
    }
    return traces;
  }

  /** Traces per second that the probabilities now planned come to. */
  #total(service: ServiceEntry): number {
    const { plan, planned } = this.#table;
    let total = 0;
    for (const slot of service.slots) total += (plan[slot] as number) * (planned[slot] as number);
    return total;
  }

  #shareService(service: ServiceEntry, seconds: number): void {
    const share = this.#shareOf(service);
    const [limit] = share.limits;
    if (limit?.resource === 'traces') {
      const left = leftOf(limit.perSecond, share.node);
      if (share.demand + share.pinned <= left) share.node.relax();
      else share.node.follow(this.#total(service), left, seconds);
    }
    const isLimited = this.#whole.length > 0 || share.limits.length > 0;
    const level = isLimited ? this.#levelIn(service, share) : undefined;
    const table = this.#table;
    for (const slot of this.#claimants(service)) {
      const plan = table.plan[slot] as number;
      const override = table.overrides[slot];
      const weight = (override?.weight ?? 1) * this.#boostOf(slot);
      let target = override?.targetTracesPerSecond ?? this.#options.targetSamplesPerSecond * weight;
      if (level !== undefined && override?.targetTracesPerSecond === undefined) {
        const floor = this.#options.floorTracesPerSecond * level.floorScale;
        target = Math.max(floor, weight * level.level);
      }
      table.target[slot] = target;
      table.charge[slot] = isPinned(override) ? (this.#pinned(slot) as number) : Math.min(target, plan);
    }
    if (service.slots.length > 0 && (table.samples[service.defaultSlot] as number) === 0) {
      table.charge[service.defaultSlot] = 0;
    }
  }

  /** The level among a service's operations, the lowest that any limit asks for. */
  #levelIn(service: ServiceEntry, share: Share): WaterLevel {
    const table = this.#table;
    let lowest: WaterLevel = { level: Number.POSITIVE_INFINITY, floorScale: 1 };
    const resources = new Map<Resource, number>();
    for (const { resource, perSecond } of share.limits) {
      resources.set(resource, shareable(perSecond, resource, share.node));
    }
    for (const { resource } of this.#whole) {
      const amount = share.traces * share.cost[resource];
      resources.set(resource, Math.min(amount, resources.get(resource) ?? Number.POSITIVE_INFINITY));
    }
    for (const [resource, amount] of resources) {
      this.#claims.clear();
      const costs = resource === 'spans' ? table.costSpans : table.costBytes;
      let spoken = 0;
      for (const slot of this.#claimants(service)) {
        const cost = resource === 'traces' ? 1 : (costs[slot] as number);
        const pinned = this.#pinned(slot);
        if (pinned !== undefined) {
          spoken += pinned * cost;
          continue;
        }
        const isAway = ((table.flags[slot] as number) & FLAG.left) !== 0;
        const plan = isAway ? 0 : (table.plan[slot] as number);
        const weight = (table.overrides[slot]?.weight ?? 1) * this.#boostOf(slot);
        this.#claims.add(slot, Math.min(this.#options.floorTracesPerSecond, plan), plan, weight, cost);
      }
      const level = waterLevel(this.#claims, amount - spoken);
      if (isLower(level, lowest)) lowest = level;
    }
    return lowest;
  }
}

/** What limits come to in traces; Infinity without one. */
function inTraces(limits: readonly Limit[], cost: Readonly<Record<Resource, number>>): number {
  let traces = Number.POSITIVE_INFINITY;
  for (const { resource, perSecond } of limits) traces = Math.min(traces, perSecond / cost[resource]);
  return traces;
}

function isLower(a: WaterLevel, b: WaterLevel): boolean {
  return a.level < b.level || (a.level === b.level && a.floorScale < b.floorScale);
}
