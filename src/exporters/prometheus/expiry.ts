import type { RedDescription } from '../../red/red-description.ts';
import type { SeriesStore } from './series-store.ts';

/** How long series stay after something was last added to them or to their resource; Infinity = for good. */
export interface Lifetimes {
  readonly seriesMs: number;
  readonly resourceMs: number;
}

/**
 * As in the collector: the connector hands all its series on at every flush until its own expiration drops them,
 * and the exporter shows what it was last given for `metric_expiration` more. With delta temporality only what
 * changed is handed on.
 */
export function lifetimesOf(
  { expiration, isDelta }: Pick<RedDescription, 'expiration' | 'isDelta'>,
  metricExpirationMs: number,
): Lifetimes {
  if (isDelta === true) return { seriesMs: metricExpirationMs, resourceMs: Number.POSITIVE_INFINITY };
  const shown = (ms: number | undefined): number =>
    ms === undefined || ms === 0 ? Number.POSITIVE_INFINITY : ms + metricExpirationMs;
  return { seriesMs: shown(expiration?.seriesMs), resourceMs: shown(expiration?.resourceMs) };
}

/** Forgets what has not been added to for too long in the stores of one connector. Returns how many series. */
export function expire(stores: readonly SeriesStore[], lifetimes: Lifetimes, nowMs: number): number {
  const { seriesMs, resourceMs } = lifetimes;
  const newest = resourceMs === Number.POSITIVE_INFINITY ? undefined : newestUpdates(stores);
  let count = 0;
  for (const store of stores) {
    const gone: number[] = [];
    for (let id = 0; id < store.size; id++) {
      if (store.createdMs[id] === 0) continue;
      const isOld =
        nowMs - (store.updatedMs[id] as number) > seriesMs ||
        (newest !== undefined && nowMs - (newest[store.resourceOf[id] as number] as number) > resourceMs);
      if (isOld) gone.push(id);
    }
    if (gone.length > 0) store.forget(gone);
    count += gone.length;
  }
  return count;
}

/** By resource: when one of its series was last added to. */
function newestUpdates(stores: readonly SeriesStore[]): number[] {
  const newest: number[] = [];
  for (const store of stores) {
    for (let id = 0; id < store.size; id++) {
      if (store.createdMs[id] === 0) continue;
      const resource = store.resourceOf[id] as number;
      newest[resource] = Math.max(newest[resource] ?? 0, store.updatedMs[id] as number);
    }
  }
  return newest;
}
