import { build } from 'hdr-histogram-js';
import type { TakeDuration } from './operation-window.ts';

export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const MAX_US = 3_600_000_000 * 24;
const BUCKETS_PER_DOUBLING = 16;

/** What it is given hands over every bucket. null where there is none. */
export type PercentileReader = (eachDuration: (take: TakeDuration) => void) => Percentiles | null;

/**
 * Reads percentiles out of windows. Keeps one HDR histogram and fills it anew each time: one per operation
 * and slot would need gigabytes where the sparse buckets need a few hundred bytes.
 */
export function createPercentileReader(): PercentileReader {
  const histogram = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 2,
  });
  const microseconds = (bucket: number): number =>
    Math.min(MAX_US, Math.max(1, Math.round(2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING) * 1e6)));
  const read = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;

  return (eachDuration) => {
    histogram.reset();
    let isEmpty = true;
    eachDuration((bucket, count) => {
      isEmpty = false;
      histogram.recordValueWithCount(microseconds(bucket), count);
    });
    return isEmpty ? null : { p50Ms: read(50), p95Ms: read(95), p99Ms: read(99) };
  };
}
