import { freeBuffers } from '../base/free-buffers.ts';
import type { RedDelta } from './red-rows.ts';

/** The memory of a delta's columns: what changes hands with it instead of being copied. */
export function deltaBuffers(delta: RedDelta): ArrayBuffer[] {
  const { series, calls, durationSumNs, durationMaxNs, buckets, histAt, histIndex, histCount } = delta;
  const columns: ArrayBufferView[] = [
    series,
    calls,
    durationSumNs,
    durationMaxNs,
    buckets,
    histAt,
    histIndex,
    histCount,
  ];
  if (delta.exemplars !== undefined) {
    const { deltaRow, traceIds, spanIds, durationNs, endMs } = delta.exemplars;
    columns.push(deltaRow, traceIds, spanIds, durationNs, endMs);
  }
  if (delta.events !== undefined) columns.push(delta.events.series, delta.events.count);
  return columns.map(({ buffer }) => buffer as ArrayBuffer);
}

/** Frees the delta's columns once all who were told of it have taken what they need: at once, or when their promise is kept. */
export function freeWhenTaken(delta: RedDelta, taken: readonly (Promise<void> | undefined)[]): void {
  const free = (): void => freeBuffers(deltaBuffers(delta));
  const late = taken.filter((promise) => promise !== undefined);
  if (late.length === 0) free();
  else void Promise.allSettled(late).then(free);
}
