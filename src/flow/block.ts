import { isBroken } from '../base/failpoints.ts';
import type { RedRows } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/roots/throughput-rows.ts';
import type { SpanBatch } from '../span/span-batch.ts';

/**
 * Of the code that turns records into rows: the scanner, the RED aggregation, sampling's throughput, the columns
 * of ClickHouse. Raise it whenever the same records would give other rows. Together with the settings that
 * change rows it becomes `LaneContext.revision`, which is part of every token: a block that is written again by
 * other rules is then another block, and not dropped half way for a duplicate of the old one.
 */
export const BLOCK_REVISION = 4;

/** One partition of one cluster's topic. */
export interface LogPartition {
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
}

/** A block that is stored as a whole; the timestamps tell whether it came from this log or an older one of that name. */
export interface StoredRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly firstTimestampMs: number;
  readonly lastTimestampMs: number;
}

/** Where a block's records came from; what its insert tokens are made of. */
export type BlockOrigin = KafkaOrigin | RequestOrigin;

export interface KafkaOrigin extends LogPartition {
  readonly kind: 'kafka';
  /** Where the block before ended: the ranges of a partition have no gaps. The first record may lie behind it. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** In the range, tombstones and unreadable ones too. */
  readonly records: number;
  /** Of them, those that could not be read and were put aside. */
  readonly quarantined: number;
  /** Timestamp of the first record, Unix ms. */
  readonly firstTimestampMs: number;
  /** The largest timestamp of a record. */
  readonly lastTimestampMs: number;
  /** `LaneContext.revision` of whoever formed the block first: other revision, other rows, other token. */
  readonly revision: number;
  /**
   * The block was planned before this assignment began, its write was given up once, or nobody knows how far an
   * owner without plans got: any part of it may be stored, or be noted as stored by a server that has died since.
   */
  readonly mayBeStored: boolean;
  /** The log does not hold all that the block was planned of, or more. */
  readonly isChanged: boolean;
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
  /** To be asked in the turn in which something is sent: false = the block may be another owner's by now. */
  mayBegin(): boolean;
}

/**
 * The key under which a table remembers this block: a retry with the same token is dropped by ClickHouse.
 * `table:clusterId/topic:partition:first-last:timestamp of the first record:revision`, or `table:request id`.
 */
export function insertToken(table: string, origin: BlockOrigin): string {
  if (origin.kind === 'request') return `${table}:${origin.id}`;
  const { clusterId, topic, partition, firstOffset, lastOffset, firstTimestampMs, revision } = origin;
  if (isBroken('token_without_range'))
    return `${table}:${clusterId}/${topic}:${partition}:${firstTimestampMs}`;
  if (isBroken('token_of_each_process')) return `${table}:${process.pid}:${partition}:${firstOffset}`;
  return `${table}:${clusterId}/${topic}:${partition}:${firstOffset}-${lastOffset}:${firstTimestampMs}:${revision}`;
}
