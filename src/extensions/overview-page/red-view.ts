import { type OperationWindow, PLOT_SLOTS, SLOT_MS, type TakeDuration } from './operation-window.ts';
import { coveredSeconds, KINDS, type OverviewQuery } from './overview.ts';
import { createPercentileReader, type Percentiles } from './percentiles.ts';
import { type Flow, slotAt, type Traffic } from './traffic.ts';

/** All services; one; or one operation of it. */
export interface RedQuery extends OverviewQuery {
  readonly operation?: string | undefined;
  /** As in `OverviewRow.kind`; of the operation. */
  readonly kind?: string | undefined;
}

export interface Figures {
  /** Calls per second. */
  readonly rate: number;
  /** 0-1. */
  readonly errorShare: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface ServiceRow extends Figures {
  readonly service: string;
  /** Calls per second by slot, oldest first. */
  readonly rates: readonly number[];
}

/** Columns of equal length, oldest first; each point is a slot that is over. */
export interface RedPlot {
  readonly slotS: number;
  /** Of the slots' ends. */
  readonly agesS: readonly number[];
  readonly rate: readonly number[];
  readonly errorShare: readonly (number | null)[];
  readonly p50Ms: readonly (number | null)[];
  readonly p95Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

export interface RedView {
  readonly figures: Figures;
  readonly plot: RedPlot;
  /** Of the last minute: spans by how long they took; each bucket reaches from the bound before up to its own. */
  readonly durations: readonly { readonly upToMs: number; readonly calls: number }[];
  /** The busiest; [] where one service is asked for. */
  readonly services: readonly ServiceRow[];
  readonly matchingServices: number;
  /** False where what was asked for is not there (any more). */
  readonly isKnown: boolean;
}

/** Of 16 buckets to a doubling: two bars to a doubling. */
const BUCKETS_PER_BAR = 8;
/** What takes less than a microsecond, or no time at all, is in the first bar. */
const LEAST_BUCKET = -20 * 16;

/** @param startedMs monotonic time since which deltas have been taken */
export function createRedView(traffic: Traffic, startedMs: number) {
  const percentiles = createPercentileReader();

  return (query: RedQuery, nowMs: number): RedView => {
    const slot = slotAt(nowMs);
    const seconds = coveredSeconds(traffic, startedMs, nowMs);
    const windows = windowsOf(query);
    const sinceSlot = slotAt(Math.max(startedMs, traffic.sinceMs ?? nowMs));
    return {
      figures: figuresOf(windows, slot, seconds),
      plot: plotOf(windows, { nowMs, sinceSlot }),
      durations: durationsOf(windows, slot),
      ...(query.service === undefined ? servicesOf(query, nowMs) : { services: [], matchingServices: 0 }),
      isKnown: windows.length > 0,
    };
  };

  function windowsOf({ service: name, operation, kind, kinds }: RedQuery): readonly OperationWindow[] {
    const of = ({ entry, rest }: Flow) => (kinds === 'all' ? [entry, rest] : [entry]);
    if (name === undefined) return of(traffic.all);
    if (operation === undefined) {
      const service = traffic.service(name);
      return service === undefined ? [] : of(service);
    }
    const numbers = KINDS.map((_, i) => i).filter((i) => kind === undefined || KINDS[i] === kind);
    return numbers.flatMap((number) => traffic.operation(name, operation, number)?.window ?? []);
  }

  function servicesOf({ kinds, filter, limit }: RedQuery, nowMs: number) {
    const slot = slotAt(nowMs);
    const seconds = coveredSeconds(traffic, startedMs, nowMs);
    const sinceSlot = slotAt(Math.max(startedMs, traffic.sinceMs ?? nowMs));
    const rows = [];
    for (const service of traffic.services) {
      if (!service.name.toLowerCase().includes(filter)) continue;
      const windows = kinds === 'all' ? [service.entry, service.rest] : [service.entry];
      const { calls } = totalsOf(windows, slot);
      if (calls > 0) rows.push({ service: service.name, windows, calls });
    }
    rows.sort((a, b) => b.calls - a.calls);
    const services = rows.slice(0, limit).map(({ service, windows }): ServiceRow => {
      const slots = closedSlots(windows, { nowMs, sinceSlot });
      return {
        service,
        ...figuresOf(windows, slot, seconds),
        rates: slots.map((each) => callsOf(windows, each, slot).calls / (SLOT_MS / 1000)),
      };
    });
    return { services, matchingServices: rows.length };
  }

  function figuresOf(windows: readonly OperationWindow[], slot: number, seconds: number): Figures {
    const { calls, errors } = totalsOf(windows, slot);
    const read = percentiles((take) => {
      for (const window of windows) window.eachDuration(slot, take);
    });
    return { rate: calls / seconds, errorShare: calls > 0 ? errors / calls : 0, ...orNull(read) };
  }

  function plotOf(windows: readonly OperationWindow[], time: PlotTime): RedPlot {
    const now = slotAt(time.nowMs);
    const slots = closedSlots(windows, time);
    const points = slots.map((slot) => {
      const { calls, errors } = callsOf(windows, slot, now);
      const read = percentiles((take) => {
        for (const window of windows) window.eachDurationOf(slot, now, take);
      });
      return { calls, errors, ...orNull(read) };
    });
    return {
      slotS: SLOT_MS / 1000,
      agesS: slots.map((slot) => Math.round((time.nowMs - (slot + 1) * SLOT_MS) / 1000)),
      rate: points.map(({ calls }) => calls / (SLOT_MS / 1000)),
      errorShare: points.map(({ calls, errors }) => (calls > 0 ? errors / calls : null)),
      p50Ms: points.map(({ p50Ms }) => p50Ms),
      p95Ms: points.map(({ p95Ms }) => p95Ms),
      p99Ms: points.map(({ p99Ms }) => p99Ms),
    };
  }
}

interface PlotTime {
  readonly nowMs: number;
  readonly sinceSlot: number;
}

/** Slots that are over and that all windows reach, oldest first. */
function closedSlots(windows: readonly OperationWindow[], { nowMs, sinceSlot }: PlotTime): number[] {
  const now = slotAt(nowMs);
  const reach = windows.reduce((least, { slots }) => Math.min(least, slots), PLOT_SLOTS);
  const first = Math.max(sinceSlot, now - reach + 1);
  return Array.from({ length: Math.max(0, now - first) }, (_, i) => first + i);
}

function callsOf(windows: readonly OperationWindow[], slot: number, now: number) {
  return sum(windows.map((window) => window.of(slot, now)));
}

function totalsOf(windows: readonly OperationWindow[], slot: number) {
  return sum(windows.map((window) => window.totals(slot)));
}

function sum(parts: readonly { readonly calls: number; readonly errors: number }[]) {
  return parts.reduce(
    (all, { calls, errors }) => ({ calls: all.calls + calls, errors: all.errors + errors }),
    {
      calls: 0,
      errors: 0,
    },
  );
}

/** Bars without a gap between the shortest and the longest. */
function durationsOf(windows: readonly OperationWindow[], slot: number): RedView['durations'] {
  const bars = new Map<number, number>();
  const take: TakeDuration = (bucket, count) => {
    const bar = Math.floor(Math.max(bucket, LEAST_BUCKET) / BUCKETS_PER_BAR);
    bars.set(bar, (bars.get(bar) ?? 0) + count);
  };
  for (const window of windows) window.eachDuration(slot, take);
  if (bars.size === 0) return [];
  const [first, last] = [Math.min(...bars.keys()), Math.max(...bars.keys())];
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    upToMs: 1000 * 2 ** ((first + i + 1) / (16 / BUCKETS_PER_BAR)),
    calls: bars.get(first + i) ?? 0,
  }));
}

function orNull(read: Percentiles | null) {
  return { p50Ms: read?.p50Ms ?? null, p95Ms: read?.p95Ms ?? null, p99Ms: read?.p99Ms ?? null };
}
