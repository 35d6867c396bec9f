import { ThroughputCounter } from '../../src/sampling/throughput-counter.ts';
import type { ThroughputRows } from '../../src/sampling/throughput-rows.ts';
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
