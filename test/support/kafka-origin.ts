import type { KafkaOrigin } from '../../src/flow/block.ts';

/** A block of records first to last, with what a test does not care about filled in. */
export function kafkaOrigin(
  firstOffset: number,
  lastOffset: number,
  more: Partial<KafkaOrigin> = {},
): KafkaOrigin {
  const firstTimestampMs = more.firstTimestampMs ?? 1_700_000_000_000;
  return {
    kind: 'kafka',
    clusterId: 'cluster-1',
    topic: 'otlp_spans',
    partition: 3,
    firstOffset,
    lastOffset,
    records: lastOffset - firstOffset + 1,
    quarantined: 0,
    firstTimestampMs,
    lastTimestampMs: firstTimestampMs,
    revision: 0,
    mayBeStored: false,
    isChanged: false,
    ...more,
  };
}
