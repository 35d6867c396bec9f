import { jaegerRows } from '../../src/sampling/jaeger/throughput.ts';
import { ThroughputCounter } from '../../src/sampling/roots/throughput-counter.ts';
import type { JaegerRow, ThroughputRows } from '../../src/sampling/roots/throughput-rows.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto, type TestResource } from '../support/spans.ts';

/** The spans as the engine sees them: encoded, then scanned. */
export function batchOfSpans(
  dictionary: Dictionary,
  resources: readonly TestResource[],
  timestampMs = 1_700_000_000_000,
): SpanBatch {
  const batch = new SpanBatch(1 << 16, 64);
  new OtlpScanner(dictionary).append(batch, encodeProto(resources), { offset: 0, timestampMs });
  return batch;
}

/** Throughput rows of these spans, counted in windows of five seconds. */
export function throughputOf(resources: readonly TestResource[]): ThroughputRows {
  const dictionary = new Dictionary();
  return new ThroughputCounter(dictionary, 5).derive(batchOfSpans(dictionary, resources));
}

/** Of them, what Jaeger would count. */
export function jaegerThroughputOf(resources: readonly TestResource[]): readonly JaegerRow[] {
  return jaegerRows(throughputOf(resources)).map(({ windowS, service, operation, count, probabilities }) => ({
    windowS,
    service,
    operation,
    count,
    probabilities,
  }));
}
