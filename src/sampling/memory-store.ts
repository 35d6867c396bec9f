import { getOperation, type MutableByOperation, setOperation } from './by-operation.ts';
import type { DecisionRound, SamplingStore, StoredDecision } from './store.ts';
import type { ThroughputRow, ThroughputRows } from './throughput-rows.ts';

export interface MemoryStoreOptions {
  /** Length of the windows that rows come in. */
  readonly windowMs: number;
  /** How many windows are kept, the present one included. */
  readonly windows: number;
  /** How many windows ahead of the present a row may lie: clocks of senders differ. */
  readonly futureWindows: number;
  /** Per window; what comes beyond is refused. */
  readonly maxOperations: number;
}

/** Why a row was not taken. */
export type MemoryRefusal = 'late' | 'future' | 'full';

interface Entry {
  count: number;
  readonly probabilities: Set<string>;
}

interface Window {
  operations: number;
  readonly entries: MutableByOperation<Entry>;
}

/** Throughput and the last decisions of this process alone; gone when it ends. */
export class MemorySamplingStore implements SamplingStore {
  readonly #options: MemoryStoreOptions;
  /** By index: window start / length. */
  readonly #windows = new Map<number, Window>();
  #latest: DecisionRound | undefined;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
  }

  /** How many windows hold something. */
  get windows(): number {
    return this.#windows.size;
  }

  /** Takes rows of a block that was acknowledged at `nowMs`; tells `refused` of each that it does not take. */
  add(rows: ThroughputRows, nowMs: number, refused: (reason: MemoryRefusal) => void): void {
    const { windowMs, windows, futureWindows } = this.#options;
    const now = Math.floor(nowMs / windowMs);
    const oldest = now - windows + 1;
    for (const index of this.#windows.keys()) if (index < oldest) this.#windows.delete(index);
    for (const row of rows) {
      const index = Math.floor((row.windowS * 1000) / windowMs);
      if (index < oldest) refused('late');
      else if (index > now + futureWindows) refused('future');
      else if (!this.#put(index, row)) refused('full');
    }
  }

  throughput(startMs: number, endMs: number): Promise<readonly ThroughputRow[]> {
    const { windowMs } = this.#options;
    const rows: ThroughputRow[] = [];
    for (const [index, window] of this.#windows) {
      const windowStartMs = index * windowMs;
      if (windowStartMs < startMs || windowStartMs >= endMs) continue;
      for (const [service, operations] of window.entries) {
        for (const [operation, { count, probabilities }] of operations) {
          const windowS = windowStartMs / 1000;
          rows.push({ windowS, service, operation, count, probabilities: [...probabilities].sort() });
        }
      }
    }
    return Promise.resolve(rows);
  }

  insertDecisions(round: DecisionRound): Promise<void> {
    if (round.decisions.length > 0) this.#latest = round;
    return Promise.resolve();
  }

  latestDecisions(): Promise<readonly StoredDecision[]> {
    const { decisions = [], decidedAtMs = 0 } = this.#latest ?? {};
    return Promise.resolve(
      decisions.map(({ service, operation, probability, qps }) => ({
        service,
        operation,
        probability,
        qps,
        decidedAtMs,
      })),
    );
  }

  #put(index: number, { service, operation, count, probabilities }: ThroughputRow): boolean {
    const window = this.#windows.get(index) ?? { operations: 0, entries: new Map() };
    this.#windows.set(index, window);
    const entry = getOperation(window.entries, service, operation);
    if (entry !== undefined) {
      entry.count += count;
      for (const probability of probabilities) {
        if (entry.probabilities.size < MAX_PROBABILITIES) entry.probabilities.add(probability);
      }
      return true;
    }
    if (window.operations >= this.#options.maxOperations) return false;
    window.operations += 1;
    setOperation(window.entries, service, operation, { count, probabilities: new Set(probabilities) });
    return true;
  }
}

/** As in merged throughput: far more than a sound service ever shows. */
const MAX_PROBABILITIES = 1000;
