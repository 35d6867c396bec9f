import type { RedRows } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/throughput-rows.ts';
import type { SpanBatch } from '../span/span-batch.ts';

/**
 * Of the code that turns records into rows: the scanner, the RED aggregation, sampling's throughput, the columns
 * of ClickHouse. Raise it whenever the same records would give other rows. Together with the settings that
 * change rows it becomes `LaneContext.revision`, which is part of every token: a block that is written again by
 * other rules is then another block, and not dropped half way for a duplicate of the old one.
 */
export const BLOCK_REVISION = 1;

/** Where a block's records came from; what its insert tokens are made of. */
export type BlockOrigin = KafkaOrigin | RequestOrigin;

export interface KafkaOrigin {
  readonly kind: 'kafka';
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Timestamp of the record at firstOffset, Unix ms. */
  readonly firstTimestampMs: number;
  /** `LaneContext.revision`: other revision, other rows, other token. */
  readonly revision: number;
}

export interface RequestOrigin {
  readonly kind: 'request';
  /** Unique for ever: random per process start, then a running number. */
  readonly id: string;
}

/** One unit of work: the spans of an exact range of records, and what was derived from them. */
export interface Block {
  readonly origin: BlockOrigin;
  readonly batch: SpanBatch;
  /** By connector id. */
  readonly red: ReadonlyMap<string, RedRows>;
  /** Rows of the adaptive_sampling processor, where the pipeline has one. */
  readonly throughput: ThroughputRows | undefined;
}

/**
 * The key under which a table remembers this block: a retry with the same token is dropped by ClickHouse.
 * `table:clusterId/topic:partition:first-last:timestamp of the first record:revision`, or `table:request id`.
 */
export function insertToken(table: string, origin: BlockOrigin): string {
  if (origin.kind === 'request') return `${table}:${origin.id}`;
  const { clusterId, topic, partition, firstOffset, lastOffset, firstTimestampMs, revision } = origin;
  return `${table}:${clusterId}/${topic}:${partition}:${firstOffset}-${lastOffset}:${firstTimestampMs}:${revision}`;
}
