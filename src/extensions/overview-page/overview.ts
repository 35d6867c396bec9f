import type { DecisionHistory, ServedOperation } from './decisions.ts';
import { SLOT_MS, WINDOW_MS } from './operation-window.ts';
import { createPercentileReader } from './percentiles.ts';
import { type SamplingView, samplingOf } from './sampling-of.ts';
import { isEntry, type Operation, slotAt, type Traffic } from './traffic.ts';

export interface OverviewQuery {
  readonly limit: number;
  /** Lower-case part of a service or operation name; '' = all. */
  readonly filter: string;
  /** Exactly that service, where it is given. */
  readonly service?: string | undefined;
  /** Entry kinds are server and consumer, and whatever has a sampling decision. */
  readonly kinds: 'entry' | 'all';
}

export interface OverviewRow {
  readonly service: string;
  readonly operation: string;
  readonly kind: string;
  /** Calls per second. */
  readonly rate: number;
  /** 0-1. */
  readonly errorShare: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly sampling: SamplingView | null;
}

export interface OverviewTable {
  readonly windowS: number;
  /** Of all spans of all kinds. */
  readonly spansPerSecond: number;
  readonly errorsPerSecond: number;
  readonly services: number;
  readonly operations: number;
  /** Rows that the query matches; `rows` holds the busiest of them. */
  readonly matching: number;
  readonly unkeptSpans: number;
  readonly rows: readonly OverviewRow[];
}

/** By OTLP number. */
export const KINDS: readonly string[] = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
];

interface Candidate {
  readonly operation: Operation;
  readonly calls: number;
  readonly errors: number;
  readonly served: ServedOperation | undefined;
}

/** @param startedMs monotonic time since which deltas have been taken */
export function createOverview(traffic: Traffic, decisions: DecisionHistory, startedMs: number) {
  const percentiles = createPercentileReader();

  return (query: OverviewQuery, nowMs: number): OverviewTable => {
    const slot = slotAt(nowMs);
    const seconds = coveredSeconds(traffic, startedMs, nowMs);
    const services = new Set<string>();
    const candidates: Candidate[] = [];
    for (const operation of traffic.operations) {
      services.add(operation.service);
      const served = decisions.of(operation.service, operation.name);
      if (query.service !== undefined && operation.service !== query.service) continue;
      if (query.kinds === 'entry' && !isEntry(operation.kind) && served === undefined) continue;
      if (!matches(operation, query.filter)) continue;
      candidates.push({ operation, served, ...operation.window.totals(slot) });
    }
    candidates.sort((a, b) => b.calls - a.calls);
    const { calls, errors } = traffic.totals(slot);
    return {
      windowS: Math.round(seconds),
      spansPerSecond: calls / seconds,
      errorsPerSecond: errors / seconds,
      services: services.size,
      operations: traffic.size,
      matching: candidates.length,
      unkeptSpans: traffic.unkeptCalls,
      rows: candidates.slice(0, query.limit).map((candidate) => rowOf(candidate, seconds, slot)),
    };
  };

  function rowOf(
    { operation, calls, errors, served }: Candidate,
    seconds: number,
    slot: number,
  ): OverviewRow {
    const read = percentiles((take) => operation.window.eachDuration(slot, take));
    return {
      service: operation.service,
      operation: operation.name,
      kind: KINDS[operation.kind] ?? 'unspecified',
      rate: calls / seconds,
      errorShare: calls > 0 ? errors / calls : 0,
      p50Ms: read?.p50Ms ?? null,
      p95Ms: read?.p95Ms ?? null,
      p99Ms: read?.p99Ms ?? null,
      sampling: served === undefined ? null : samplingOf(served),
    };
  }
}

/** How much of the last minute has been seen: the newest slot is not full yet, and a young process saw less. */
export function coveredSeconds(traffic: Traffic, startedMs: number, nowMs: number): number {
  const sinceMs = Math.max(startedMs, traffic.sinceMs ?? nowMs);
  const coveredMs = Math.min(WINDOW_MS - SLOT_MS + (nowMs % SLOT_MS), nowMs - sinceMs);
  return Math.max(1, coveredMs / 1000);
}

function matches({ service, name }: Operation, filter: string): boolean {
  return filter === '' || service.toLowerCase().includes(filter) || name.toLowerCase().includes(filter);
}
