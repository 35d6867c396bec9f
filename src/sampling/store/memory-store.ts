import type { TraceCost } from '../adaptive/controller.ts';
import { getOperation, type MutableByOperation, setOperation } from '../by-operation.ts';
import { addRoots, type MutableRoots, noRoots, sampledRoots } from '../roots/merge-roots.ts';
import type { ThroughputRow, ThroughputRows } from '../roots/throughput-rows.ts';
import { bestOf, type SourceProgress } from './progress.ts';
import {
  type DecidedOperation,
  type DecisionRound,
  HISTORY_POINTS,
  type HistoryPoint,
  type SamplingStore,
  type StoredDecisions,
} from './store.ts';

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
  readonly roots: MutableRoots;
}

interface Window {
  operations: number;
  readonly entries: MutableByOperation<Entry>;
}

interface Standing {
  readonly decision: DecidedOperation;
  readonly decidedAtMs: number;
}

/** Throughput and the last decisions of this process alone; gone when it ends. */
export class MemorySamplingStore implements SamplingStore {
  readonly #options: MemoryStoreOptions;
  /** By index: window start / length. */
  readonly #windows = new Map<number, Window>();
  #latest: DecisionRound | undefined;
  /** Oldest first. */
  readonly #past: { readonly round: DecisionRound; readonly decision: DecidedOperation }[] = [];
  #progress: readonly SourceProgress[] = [];
  readonly #standing: MutableByOperation<Standing> = new Map();
  #clearedAtMs = Number.NaN;

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
        for (const [operation, { count, probabilities, roots }] of operations) {
          rows.push({
            windowS: windowStartMs / 1000,
            service,
            operation,
            count,
            probabilities: [...probabilities].sort(),
            sampled: sampledRoots(roots),
          });
        }
      }
    }
    return Promise.resolve(rows);
  }

  insertDecisions(round: DecisionRound): Promise<void> {
    if (round.decisions.length === 0) return Promise.resolve();
    this.#latest = round;
    for (const each of round.decisions) {
      setOperation(this.#standing, each.service, each.operation, {
        decision: each,
        decidedAtMs: round.decidedAtMs,
      });
      this.#past.push({ round, decision: each });
    }
    if (this.#past.length > MAX_PAST) this.#past.splice(0, this.#past.length - MAX_PAST);
    this.#clear(round.decidedAtMs);
    return Promise.resolve();
  }

  history(service: string, operation: string, sinceMs: number): Promise<readonly HistoryPoint[]> {
    const points = this.#past
      .filter(({ round, decision }) => {
        const isIt = decision.service === service && decision.operation === operation;
        return isIt && round.decidedAtMs >= sinceMs;
      })
      .map(({ round, decision }) => ({
        atMs: round.decidedAtMs,
        version: round.version,
        probability: decision.probability,
        rule: decision.rule,
        rate: decision.rate,
      }));
    return Promise.resolve(points.slice(-HISTORY_POINTS));
  }

  latestDecisions(): Promise<StoredDecisions | undefined> {
    if (this.#latest === undefined) return Promise.resolve(undefined);
    const { version, decidedAtMs, dataUntilMs, algorithm, mode } = this.#latest;
    const decisions = [...this.#standing.values()].flatMap((operations) =>
      [...operations.values()].map(({ decision }) => decision),
    );
    return Promise.resolve({ version, decidedAtMs, dataUntilMs, algorithm, mode, decisions });
  }

  reportProgress(progress: readonly SourceProgress[]): Promise<void> {
    this.#progress = bestOf([...this.#progress, ...progress]);
    return Promise.resolve();
  }

  progress(): Promise<readonly SourceProgress[]> {
    return Promise.resolve(this.#progress);
  }

  reportPollers(): Promise<void> {
    return Promise.resolve();
  }

  /** Nobody else tells this process anything. */
  pollers(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  traceCosts(): Promise<ReadonlyMap<string, ReadonlyMap<string, TraceCost>>> {
    return Promise.resolve(new Map());
  }

  /** What stands is decided on again and again: what no longer is was forgotten. */
  #clear(nowMs: number): void {
    if (nowMs - this.#clearedAtMs < CLEARED_EVERY_MS) return;
    this.#clearedAtMs = nowMs;
    for (const [service, operations] of this.#standing) {
      for (const [operation, { decidedAtMs }] of operations) {
        if (nowMs - decidedAtMs > STANDING_MS) operations.delete(operation);
      }
      if (operations.size === 0) this.#standing.delete(service);
    }
  }

  #put(index: number, { service, operation, count, probabilities, sampled }: ThroughputRow): boolean {
    const window = this.#windows.get(index) ?? { operations: 0, entries: new Map() };
    this.#windows.set(index, window);
    let entry = getOperation(window.entries, service, operation);
    if (entry === undefined) {
      if (window.operations >= this.#options.maxOperations) return false;
      window.operations += 1;
      entry = { count: 0, probabilities: new Set(), roots: noRoots() };
      setOperation(window.entries, service, operation, entry);
    }
    entry.count += count;
    addRoots(entry.roots, sampled);
    for (const probability of probabilities) {
      if (entry.probabilities.size >= MAX_PROBABILITIES) break;
      entry.probabilities.add(probability);
    }
    return true;
  }
}

/** As long as a database keeps what nothing is said of any more. */
const STANDING_MS = 172_800_000;
const CLEARED_EVERY_MS = 3_600_000;
/** Of all operations, for looking back. */
const MAX_PAST = 20_000;
/** As in merged throughput: far more than a sound service ever shows. */
const MAX_PROBABILITIES = 1000;
