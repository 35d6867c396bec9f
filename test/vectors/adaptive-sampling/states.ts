import type { ByOperation } from '../../../src/sampling/by-operation.ts';
import type { Decision } from '../../../src/sampling/jaeger/decision.ts';
import type { CacheEntry } from '../../../src/sampling/jaeger/recompute.ts';
import type { Bucket } from '../../../src/sampling/jaeger/throughput.ts';
import type { JaegerRow } from '../../../src/sampling/roots/throughput-rows.ts';
import type { Json } from './section.ts';

/** `{service: {operation: value}}` as nested maps. */
export function byOperation<T>(json: Json, value: (leaf: Json) => T): ByOperation<T> {
  return new Map(
    Object.entries(json ?? {}).map(([service, operations]) => [
      service,
      new Map(Object.entries(operations as object).map(([operation, leaf]) => [operation, value(leaf)])),
    ]),
  );
}

/** Nested maps as `{service: {operation: value}}`. */
export function plain<T, U>(map: ByOperation<T>, value: (leaf: T) => U): Record<string, Record<string, U>> {
  return Object.fromEntries(
    [...map].map(([service, operations]) => [
      service,
      Object.fromEntries([...operations].map(([operation, leaf]) => [operation, value(leaf)])),
    ]),
  );
}

/** An operation's throughput is a bare count, or a count with the probabilities that were seen. */
export function bucketOf(json: Json): Bucket {
  return {
    intervalMs: (json.interval_s ?? 60) * 1000,
    endMs: (json.end_time_min ?? 0) * 60_000,
    throughput: byOperation(json.throughput, (leaf) => ({
      count: typeof leaf === 'number' ? leaf : leaf.count,
      probabilities: new Set<string>(typeof leaf === 'number' ? [] : (leaf.probabilities ?? [])),
    })),
  };
}

export function rowsOf(json: Json[]): JaegerRow[] {
  return json.map(({ service, operation, count, probabilities }) => ({
    windowS: 0,
    service,
    operation,
    count,
    probabilities: probabilities ?? [],
  }));
}

/** Jaeger's list has the running round at its head; ours holds the rounds before it. */
export function roundsBefore(serviceCache: Json[]): ByOperation<CacheEntry>[] {
  return serviceCache.slice(1).map((round) =>
    byOperation(round, (leaf) => ({
      probability: leaf.probability ?? leaf.Probability,
      usingAdaptive: leaf.using ?? leaf.using_adaptive ?? leaf.usingAdaptive ?? leaf.UsingAdaptive,
    })),
  );
}

export function options(json: Json) {
  return {
    targetSamplesPerSecond: json.target ?? 1,
    deltaTolerance: json.tolerance,
    calculationBuckets: json.calculation_buckets ?? 10,
    initialSamplingProbability: json.initial,
    minSamplingProbability: json.min,
  };
}

export function byOperationOf(decisions: readonly Decision[], value: 'probability' | 'qps') {
  const result: Record<string, Record<string, number>> = {};
  for (const decision of decisions) {
    result[decision.service] = { ...result[decision.service], [decision.operation]: decision[value] };
  }
  return result;
}
