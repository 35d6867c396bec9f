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
