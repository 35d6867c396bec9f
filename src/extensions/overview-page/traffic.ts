import type { RedDelta, SeriesKey } from '../../red/red-rows.ts';
import type { SeriesLookup } from '../../red/series-keys.ts';
import { type HistogramEntries, OperationWindow, PLOT_SLOTS, SLOT_MS, SLOTS } from './operation-window.ts';

export interface Operation {
  readonly service: string;
  readonly name: string;
  /** OTLP number, 0-5. */
  readonly kind: number;
  readonly window: OperationWindow;
  isDropped: boolean;
}

/** All that a service, or everything, does. */
export interface Flow {
  /** Of server and consumer spans. */
  readonly entry: OperationWindow;
  readonly rest: OperationWindow;
}

export interface Service extends Flow {
  readonly name: string;
  isDropped: boolean;
}

interface Place {
  readonly service: Service | null;
  readonly operation: Operation | null;
}

/** An operation or service that is idle for so long is forgotten. */
const FORGET_AFTER_SLOTS = 5 * SLOTS;
const ERROR_STATUS = 2;
const SERVER = 2;
const CONSUMER = 5;
/** Operations, and services, whose windows are long enough for plots: the others show a minute. */
const PLOTTED = 300;

/** Traffic of every service and operation over the last minutes, from the deltas of committed blocks. */
export class Traffic {
  readonly all: Flow = flowOf(PLOT_SLOTS);
  readonly #operations = new Map<string, Operation>();
  readonly #services = new Map<string, Service>();
  /** By connector and lane: the place of each series. */
  readonly #bySeries = new Map<string, Place[]>();
  readonly #limit: number;
  #plottedOperations = 0;
  #plottedServices = 0;
  #unkept = 0;
  #firstSlot: number | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls of spans that found no place among the operations. */
  get unkeptCalls(): number {
    return this.#unkept;
  }

  /** Monotonic time since which there is something to see; undefined before the first span. */
  get sinceMs(): number | undefined {
    return this.#firstSlot === undefined ? undefined : this.#firstSlot * SLOT_MS;
  }

  get operations(): Iterable<Operation> {
    return this.#operations.values();
  }

  get services(): Iterable<Service> {
    return this.#services.values();
  }

  service(name: string): Service | undefined {
    return this.#services.get(name);
  }

  operation(service: string, name: string, kind: number): Operation | undefined {
    return this.#operations.get(keyOf(service, name, kind));
  }

  get size(): number {
    return this.#operations.size;
  }

  /** Of every span of every kind. */
  totals(slot: number): { readonly calls: number; readonly errors: number } {
    const [entry, rest] = [this.all.entry.totals(slot), this.all.rest.totals(slot)];
    return { calls: entry.calls + rest.calls, errors: entry.errors + rest.errors };
  }

  add(connector: string, lane: number, delta: RedDelta, keys: SeriesLookup, slot: number): void {
    this.#firstSlot ??= slot;
    const laneKey = `${connector}\u0000${lane}`;
    const known = this.#bySeries.get(laneKey) ?? [];
    this.#bySeries.set(laneKey, known);
    for (let row = 0; row < delta.rows; row++) {
      const series = delta.series[row] as number;
      const key = keys.at(series);
      if (key === undefined) continue;
      const place = this.#placeOf(key, known[series]);
      known[series] = place;
      const calls = delta.calls[row] as number;
      const durations: HistogramEntries = {
        index: delta.histIndex,
        count: delta.histCount,
        from: delta.histAt[row] as number,
        to: delta.histAt[row + 1] as number,
      };
      const isError = key.statusCode === ERROR_STATUS;
      const flow = isEntry(key.kind) ? 'entry' : 'rest';
      this.all[flow].add(slot, calls, isError, durations);
      place.service?.[flow].add(slot, calls, isError, durations);
      if (place.operation === null) this.#unkept += calls;
      else place.operation.window.add(slot, calls, isError, durations);
    }
  }

  /** Forgets what has been idle for long; to be called now and then. */
  sweep(slot: number): void {
    const isIdle = (window: OperationWindow): boolean => window.idleSlots(slot) >= FORGET_AFTER_SLOTS;
    for (const [key, operation] of this.#operations) {
      if (!isIdle(operation.window)) continue;
      operation.isDropped = true;
      if (operation.window.slots === PLOT_SLOTS) this.#plottedOperations--;
      this.#operations.delete(key);
    }
    for (const [key, service] of this.#services) {
      if (!isIdle(service.entry) || !isIdle(service.rest)) continue;
      service.isDropped = true;
      if (service.entry.slots === PLOT_SLOTS) this.#plottedServices--;
      this.#services.delete(key);
    }
  }

  #placeOf(key: SeriesKey, known: Place | undefined): Place {
    const isGood =
      known !== undefined &&
      known.operation?.isDropped === false &&
      known.service !== null &&
      !known.service.isDropped;
    if (isGood) return known;
    return { service: this.#serviceOf(key.service), operation: this.#operationOf(key) };
  }

  #serviceOf(name: string): Service | null {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    if (this.#services.size >= this.#limit) return null;
    const isPlotted = this.#plottedServices < PLOTTED;
    if (isPlotted) this.#plottedServices++;
    const service: Service = { name, ...flowOf(isPlotted ? PLOT_SLOTS : SLOTS), isDropped: false };
    this.#services.set(name, service);
    return service;
  }

  #operationOf({ service, spanName, kind }: SeriesKey): Operation | null {
    const key = keyOf(service, spanName, kind);
    const known = this.#operations.get(key);
    if (known !== undefined) return known;
    if (this.#operations.size >= this.#limit) return null;
    const isPlotted = this.#plottedOperations < PLOTTED;
    if (isPlotted) this.#plottedOperations++;
    const window = new OperationWindow(isPlotted ? PLOT_SLOTS : SLOTS);
    const operation: Operation = { service, name: spanName, kind, window, isDropped: false };
    this.#operations.set(key, operation);
    return operation;
  }
}

export function slotAt(monotonicMs: number): number {
  return Math.floor(monotonicMs / SLOT_MS);
}

/** Whether a span of that kind is a request that comes to the service. */
export function isEntry(kind: number): boolean {
  return kind === SERVER || kind === CONSUMER;
}

function flowOf(slots: number): Flow {
  return { entry: new OperationWindow(slots), rest: new OperationWindow(slots) };
}

function keyOf(service: string, name: string, kind: number): string {
  return `${kind}\u0000${service}\u0000${name}`;
}
