import type { JaegerRow } from '../roots/throughput-rows.ts';
import { type Bucket, mergeThroughput } from './throughput.ts';

/**
 * The buckets that a fresh process begins with, newest first: one interval after the other backwards from
 * `endMs`, up to the first that holds nothing. Rejects where `read` does.
 */
export async function initialBuckets(
  read: (startMs: number, endMs: number) => Promise<readonly JaegerRow[]>,
  endMs: number,
  intervalMs: number,
  aggregationBuckets: number,
): Promise<readonly Bucket[]> {
  const buckets: Bucket[] = [];
  for (let i = 0; i < aggregationBuckets; i++) {
    const bucketEndMs = endMs - i * intervalMs;
    const rows = await read(bucketEndMs - intervalMs, bucketEndMs);
    if (rows.length === 0) break;
    buckets.push({ intervalMs, endMs: bucketEndMs, throughput: mergeThroughput(rows) });
  }
  return buckets;
}
