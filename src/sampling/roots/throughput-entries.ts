import { compareText } from '../by-operation.ts';
import { SHARED_OPERATION } from './operation-names.ts';
import type { EntryClasses } from './root-classes.ts';
import type { ThroughputRow, ThroughputRows } from './throughput-rows.ts';

export const MAX_PROBABILITIES = 10;
/** Operations that a service may have in a block; more than four times what a reply carries. */
export const MAX_OPERATIONS = 1000;

/** One (window, service, operation) of a block while it is counted: see ThroughputRow. */
export interface Entry {
  readonly index: number;
  readonly windowS: number;
  readonly service: string;
  readonly operation: string;
  count: number;
  readonly probabilities: string[];
  /** The last param that was added: nearly always the next one too. */
  lastParam: number;
  roots: number;
  tagged: number;
  adjusted: number;
  adjustedSquares: number;
  bounded: number;
  errors: number;
}

/**
 * Where a service has more than MAX_OPERATIONS, those with the fewest roots are added to its shared operation, in
 * each window (names decide between equals). Returns per entry the one that counts for it: mostly itself.
 */
export function boundOperations(entries: Entry[]): Uint32Array {
  if (entries.length <= MAX_OPERATIONS) return identity(entries.length);
  const services = new Map<string, Map<string, number>>();
  for (const { service, operation, roots, count } of entries) {
    if (operation === SHARED_OPERATION) continue;
    const operations = services.get(service) ?? new Map<string, number>();
    services.set(service, operations);
    operations.set(operation, (operations.get(operation) ?? 0) + Math.max(roots, count));
  }
  const into = new Map<Entry, Entry>();
  for (const [service, operations] of services) {
    if (operations.size <= MAX_OPERATIONS) continue;
    const ranked = [...operations].sort(([a, n], [b, m]) => m - n || compareText(a, b));
    const rest = new Set(ranked.slice(MAX_OPERATIONS).map(([operation]) => operation));
    foldInto(entries, service, rest, into);
  }
  const entryOf = identity(entries.length);
  for (const [from, to] of into) entryOf[from.index] = to.index;
  return entryOf;
}

/** Rows sorted by window, service and operation. */
export function rowsOf(
  entries: readonly Entry[],
  entryOf: Uint32Array,
  classes: readonly EntryClasses[],
): ThroughputRows {
  const rows: ThroughputRow[] = [];
  for (const entry of entries) {
    if (entryOf[entry.index] !== entry.index) continue;
    const { windowS, service, operation, count, probabilities } = entry;
    const { roots, tagged, adjusted, adjustedSquares, bounded, errors } = entry;
    const { variates, durations } = classes[entry.index] as EntryClasses;
    const sampled = { roots, tagged, adjusted, adjustedSquares, bounded, variates, errors, durations };
    rows.push({ windowS, service, operation, count, probabilities: probabilities.sort(), sampled });
  }
  return rows.sort(compareRows);
}

function foldInto(
  entries: Entry[],
  service: string,
  rest: ReadonlySet<string>,
  into: Map<Entry, Entry>,
): void {
  const shared = new Map<number, Entry>();
  for (const entry of entries) {
    if (entry.service === service && entry.operation === SHARED_OPERATION) shared.set(entry.windowS, entry);
  }
  const counted = entries.length;
  for (let i = 0; i < counted; i++) {
    const entry = entries[i] as Entry;
    if (entry.service !== service || !rest.has(entry.operation)) continue;
    let target = shared.get(entry.windowS);
    if (target === undefined) {
      target = emptyEntry(entries.length, entry.windowS, service, SHARED_OPERATION);
      entries.push(target);
      shared.set(entry.windowS, target);
    }
    addEntry(target, entry);
    into.set(entry, target);
  }
}

export function emptyEntry(index: number, windowS: number, service: string, operation: string): Entry {
  return {
    index,
    windowS,
    service,
    operation,
    count: 0,
    probabilities: [],
    lastParam: Number.NaN,
    roots: 0,
    tagged: 0,
    adjusted: 0,
    adjustedSquares: 0,
    bounded: 0,
    errors: 0,
  };
}

function addEntry(target: Entry, entry: Entry): void {
  target.count += entry.count;
  target.roots += entry.roots;
  target.tagged += entry.tagged;
  target.adjusted += entry.adjusted;
  target.adjustedSquares += entry.adjustedSquares;
  target.bounded += entry.bounded;
  target.errors += entry.errors;
  for (const probability of entry.probabilities) {
    if (target.probabilities.length >= MAX_PROBABILITIES) break;
    if (!target.probabilities.includes(probability)) target.probabilities.push(probability);
  }
}

function identity(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}

function compareRows(a: ThroughputRow, b: ThroughputRow): number {
  return a.windowS - b.windowS || compareText(a.service, b.service) || compareText(a.operation, b.operation);
}
