import { Cells } from './cells.ts';
import type { Override } from './options.ts';
import { ServedHistory } from './served-history.ts';

/** Bits of `flags`. */
export const FLAG = {
  /** Its exposure since its service was first seen stands behind it: raises need not wait for the pollers. */
  cold: 1,
  /** Not in its service's reply: shares the default. */
  tail: 2,
  /** No root for long: listed at the default where there is room. */
  left: 4,
} as const;

/** The slot of the default of services that nobody has heard of: service '' and operation ''. */
export const FALLBACK = 0;

/** One service and where its operations are. */
export interface ServiceEntry {
  readonly name: string;
  /** In `serviceList`. */
  index: number;
  /** Slot of its default, operation ''. */
  readonly defaultSlot: number;
  /** Slots of its operations, without the default's. */
  readonly slots: number[];
  readonly byName: Map<string, number>;
  bornMs: number;
  /** When somebody last polled for it; when it was met, while nobody has. */
  polledMs: number;
  /** Whether it ever had a root, as far as is known. */
  hasRoots: boolean;
  /** Instances that poll, undefined while none has been seen. */
  instances: number | undefined;
  /** How long ago what a poller goes by may have been served. */
  horizonMs: number;
  slowestMs: number;
  hasLowerBound: boolean;
  /** Traces per second and instance. */
  lowerBound: number;
  /** The largest one that pollers may still go by, and until when. */
  lowerBoundInForce: number;
  lowerBoundUntilMs: number;
  /** What is served of it is not what the reply says. */
  isDirty: boolean;
  /** Roots since the last round that its probabilities kept. */
  kept: number;
  /** And that something else did: a lower bound, or its own mind. */
  beside: number;
  /** Its operations by name; undefined when it has to be sorted anew. */
  order: readonly number[] | undefined;
}

/**
 * All that is remembered per operation, as columns over slots: a round walks over 100,000 operations without touching
 * an object. Slots are given out in order and used again.
 */
export class OperationTable {
  readonly services = new Map<string, ServiceEntry>();
  readonly cells: Cells;
  readonly history: ServedHistory;
  readonly names: string[] = [];
  /** The service's index in `serviceList`; -1: the slot is free. */
  service = new Int32Array(0);
  readonly serviceList: ServiceEntry[] = [];
  readonly overrides: (Override | undefined)[] = [];
  /** What the rules want, and what is served: the same unless they are only observed. */
  planned = new Float64Array(0);
  served = new Float64Array(0);
  previous = new Float64Array(0);
  changedAtMs = new Float64Array(0);
  /** Smallest probability that can be in force; the bound of the variate classes under it, and its class. */
  low = new Float64Array(0);
  gate = new Float64Array(0);
  gateClass = new Int16Array(0);
  /** Largest probability that can be in force, the last variate class above it, and the mean over the pollers. */
  high = new Float64Array(0);
  lastAbove = new Int16Array(0);
  inForce = new Float64Array(0);
  /** Until which window start the gate is known to stay. */
  gateUntilMs = new Float64Array(0);
  /** What a second of exposure counts for: the gate, or the mean in force where roots tell their probability. */
  weight = new Float64Array(0);
  /** The last estimate. */
  rate = new Float64Array(0);
  /** What the rate is at least, nearly for sure. */
  surely = new Float64Array(0);
  samples = new Float64Array(0);
  exposure = new Float64Array(0);
  overS = new Float32Array(0);
  dispersion = new Float64Array(0);
  /** Exposure since the last root of any kind. */
  gap = new Float64Array(0);
  lastRootMs = new Float64Array(0);
  /** Of the roots, the share that tell their probability; decides what exposure weighs. */
  tagged = new Float32Array(0);
  /** Samples counted and taken since the last round. */
  fresh = new Float64Array(0);
  target = new Float64Array(0);
  /** What the budget is taken to pay for it, traces per second. */
  charge = new Float64Array(0);
  costSpans = new Float64Array(0);
  costBytes = new Float64Array(0);
  rule = new Uint8Array(0);
  /** Bits of FLAG. */
  flags = new Uint8Array(0);
  /** Requests per second that the budget reckons with: the estimate, higher where the samples are few. */
  plan = new Float64Array(0);
  /** The probability that was last told in a decision; NaN: none was. */
  told = new Float64Array(0);
  used = 0;
  #free: number[] = [];
  #capacity = 0;

  constructor(windowS: number) {
    this.cells = new Cells(windowS, 0);
    this.history = new ServedHistory(0);
  }

  get operations(): number {
    return this.used - this.#free.length;
  }

  /** A slot with everything at zero. */
  take(service: number, name: string): number {
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.used++;
      if (this.used > this.#capacity) this.#grow(Math.max(1024, this.#capacity * 2));
    }
    this.service[slot] = service;
    this.names[slot] = name;
    this.gateUntilMs[slot] = Number.NEGATIVE_INFINITY;
    this.dispersion[slot] = 1;
    this.told[slot] = Number.NaN;
    this.costSpans[slot] = 1;
    this.costBytes[slot] = 1;
    return slot;
  }

  /** Of a service without operations: the last in the list takes its place. */
  freeService({ name, index, defaultSlot }: ServiceEntry): void {
    this.free(defaultSlot);
    this.services.delete(name);
    const last = this.serviceList.pop() as ServiceEntry;
    if (last.index === index) return;
    last.index = index;
    this.serviceList[index] = last;
    for (const slot of [last.defaultSlot, ...last.slots]) this.service[slot] = index;
  }

  free(slot: number): void {
    for (const column of this.#columns()) column[slot] = 0;
    this.service[slot] = -1;
    this.gateUntilMs[slot] = Number.POSITIVE_INFINITY;
    this.overrides[slot] = undefined;
    this.names[slot] = '';
    this.cells.clear(slot);
    this.#free.push(slot);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.cells.grow(capacity);
    this.history.grow(capacity);
    const wide64 = (column: Float64Array) => {
      const wider = new Float64Array(capacity);
      wider.set(column);
      return wider;
    };
    const wide32 = (column: Float32Array) => {
      const wider = new Float32Array(capacity);
      wider.set(column);
      return wider;
    };
    const wide8 = (column: Uint8Array) => {
      const wider = new Uint8Array(capacity);
      wider.set(column);
      return wider;
    };
    const service = new Int32Array(capacity).fill(-1);
    service.set(this.service);
    this.service = service;
    const gateClass = new Int16Array(capacity);
    gateClass.set(this.gateClass);
    this.gateClass = gateClass;
    const lastAbove = new Int16Array(capacity);
    lastAbove.set(this.lastAbove);
    this.lastAbove = lastAbove;
    this.low = wide64(this.low);
    this.high = wide64(this.high);
    this.inForce = wide64(this.inForce);
    this.planned = wide64(this.planned);
    this.served = wide64(this.served);
    this.previous = wide64(this.previous);
    this.changedAtMs = wide64(this.changedAtMs);
    this.gate = wide64(this.gate);
    this.gateUntilMs = wide64(this.gateUntilMs);
    this.weight = wide64(this.weight);
    this.rate = wide64(this.rate);
    this.samples = wide64(this.samples);
    this.surely = wide64(this.surely);
    this.exposure = wide64(this.exposure);
    this.overS = wide32(this.overS);
    this.dispersion = wide64(this.dispersion);
    this.gap = wide64(this.gap);
    this.lastRootMs = wide64(this.lastRootMs);
    this.tagged = wide32(this.tagged);
    this.fresh = wide64(this.fresh);
    this.target = wide64(this.target);
    this.charge = wide64(this.charge);
    this.costSpans = wide64(this.costSpans);
    this.costBytes = wide64(this.costBytes);
    this.rule = wide8(this.rule);
    this.flags = wide8(this.flags);
    this.plan = wide64(this.plan);
    this.told = wide64(this.told);
  }

  #columns(): (Float64Array | Float32Array | Uint8Array | Int16Array)[] {
    return [
      this.planned,
      this.served,
      this.previous,
      this.changedAtMs,
      this.gate,
      this.gateClass,
      this.low,
      this.high,
      this.lastAbove,
      this.inForce,
      this.gateUntilMs,
      this.weight,
      this.rate,
      this.samples,
      this.surely,
      this.exposure,
      this.overS,
      this.gap,
      this.lastRootMs,
      this.tagged,
      this.fresh,
      this.target,
      this.charge,
      this.rule,
      this.flags,
      this.plan,
      this.told,
    ];
  }
}
