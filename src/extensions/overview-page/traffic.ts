import type { RedDelta, SeriesKey } from '../../red/red-rows.ts';
import { OperationWindow, SLOT_MS, SLOTS } from './operation-window.ts';

export interface Operation {
  readonly service: string;
  readonly name: string;
  /** OTLP number, 0-5. */
  readonly kind: number;
  readonly window: OperationWindow;
  isDropped: boolean;
}

/** An operation that nobody called for so long is forgotten. */
const FORGET_AFTER_SLOTS = 5 * SLOTS;
const ERROR_STATUS = 2;

/** Traffic of every operation over the last minute, from the deltas of committed blocks. */
export class Traffic {
  readonly #operations = new Map<string, Operation>();
  /** By connector and lane: the operation of each series. */
  readonly #bySeries = new Map<string, (Operation | null)[]>();
  readonly #limit: number;
  readonly #all = new OperationWindow();
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

  get size(): number {
    return this.#operations.size;
  }

  /** Of every span of every kind. */
  totals(slot: number): { readonly calls: number; readonly errors: number } {
    return this.#all.totals(slot);
  }

  add(connector: string, lane: number, delta: RedDelta, keys: readonly SeriesKey[], slot: number): void {
    this.#firstSlot ??= slot;
    const laneKey = `${connector}\u0000${lane}`;
    let known = this.#bySeries.get(laneKey);
    if (known === undefined) {
      known = [];
      this.#bySeries.set(laneKey, known);
    }
    for (let row = 0; row < delta.rows; row++) {
      const series = delta.series[row] as number;
      const key = keys[series];
      if (key === undefined) continue;
      let operation = known[series];
      if (operation === undefined || operation === null || operation.isDropped) {
        operation = this.#operationOf(key);
        known[series] = operation;
      }
      const calls = delta.calls[row] as number;
      const durations = {
        index: delta.histIndex,
        count: delta.histCount,
        from: delta.histAt[row] as number,
        to: delta.histAt[row + 1] as number,
      };
      const isError = key.statusCode === ERROR_STATUS;
      this.#all.add(slot, calls, isError, { ...durations, to: durations.from });
      if (operation === null) this.#unkept += calls;
      else operation.window.add(slot, calls, isError, durations);
    }
  }

  /** Forgets what has been idle for long; to be called now and then. */
  sweep(slot: number): void {
    for (const [key, operation] of this.#operations) {
      if (operation.window.idleSlots(slot) < FORGET_AFTER_SLOTS) continue;
      operation.isDropped = true;
      this.#operations.delete(key);
    }
  }

  #operationOf({ service, spanName, kind }: SeriesKey): Operation | null {
    const key = `${kind}\u0000${service}\u0000${spanName}`;
    let operation = this.#operations.get(key);
    if (operation === undefined) {
      if (this.#operations.size >= this.#limit) return null;
      operation = { service, name: spanName, kind, window: new OperationWindow(), isDropped: false };
      this.#operations.set(key, operation);
    }
    return operation;
  }
}

export function slotAt(monotonicMs: number): number {
  return Math.floor(monotonicMs / SLOT_MS);
}
