import { type ByOperation, getOperation, type MutableByOperation, setOperation } from '../by-operation.ts';
import type { JaegerRow } from '../roots/throughput-rows.ts';

/** What was seen of one operation in one bucket. */
export interface OperationThroughput {
  /** Root spans that a probabilistic sampler kept. */
  readonly count: number;
  /** Probabilities that they were sampled with, six decimals. */
  readonly probabilities: ReadonlySet<string>;
}

export type Throughput = ByOperation<OperationThroughput>;

/** Throughput of one interval. */
export interface Bucket {
  readonly intervalMs: number;
  /** Unix ms. */
  readonly endMs: number;
  readonly throughput: Throughput;
}

/** A service that varies its probability without end must not fill the memory with it. */
const MAX_UNITED_PROBABILITIES = 1000;

/** Of all rows, those that Jaeger would have: of roots with its tags, under a name of their own. */
export function jaegerRows<Row extends JaegerRow>(rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ operation, probabilities }) => probabilities.length > 0 && operation !== '');
}

/** Adds counts and unites probabilities per operation; the rows stay as they are. */
export function mergeThroughput(rows: readonly JaegerRow[]): Throughput {
  const merged: MutableByOperation<{ count: number; probabilities: Set<string> }> = new Map();
  for (const { service, operation, count, probabilities } of rows) {
    const known = getOperation(merged, service, operation);
    if (known === undefined) {
      setOperation(merged, service, operation, { count, probabilities: new Set(probabilities) });
      continue;
    }
    known.count += count;
    for (const probability of probabilities) {
      if (known.probabilities.size >= MAX_UNITED_PROBABILITIES) break;
      known.probabilities.add(probability);
    }
  }
  return merged;
}

/** `item` and then the newest of `list`, at most `max` in all. */
export function keepNewest<T>(list: readonly T[], item: T, max: number): readonly T[] {
  return [item, ...list.slice(0, Math.max(0, max - 1))];
}

/**
 * Per operation of any bucket, its rates newest first: at most `calculationBuckets` of them, and a bucket without
 * the operation is skipped, not taken for zero.
 */
export function qpsLists(buckets: readonly Bucket[], calculationBuckets: number): ByOperation<number[]> {
  const lists: MutableByOperation<number[]> = new Map();
  for (const bucket of buckets) {
    for (const [service, operations] of bucket.throughput) {
      for (const [operation, { count }] of operations) {
        const list = getOperation(lists, service, operation);
        if (list === undefined) setOperation(lists, service, operation, [qpsOf(count, bucket.intervalMs)]);
        else if (list.length < calculationBuckets) list.push(qpsOf(count, bucket.intervalMs));
      }
    }
  }
  return lists;
}

/** Per second. Whole seconds and the rest are divided apart, as Go's Duration.Seconds does. */
export function qpsOf(count: number, intervalMs: number): number {
  const seconds = Math.floor(intervalMs / 1000);
  return count / (seconds + ((intervalMs % 1000) * 1e6) / 1e9);
}
