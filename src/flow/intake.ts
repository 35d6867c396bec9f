import type { LogPartition } from './block.ts';

/**
 * The door of a lane's data path. Sources offer records; the intake scans them into blocks, runs the
 * pipelines over each block and settles it. A source that does not await `offer` breaks the memory bound.
 */
export interface Intake {
  /** What may still be offered before someone has to wait: a source need not fetch more than that. */
  readonly freeBytes: number;
  /** For a partitioned log. One per (assignment, partition); see PartitionIntake. */
  openPartition(partition: PartitionSource): PartitionIntake;
  /**
   * For requests: resolves when the spans are durable, with what was refused inside the payload.
   * Rejects with BAD_DATA (nothing was taken), UNAVAILABLE/OVER_LIMIT (`retryAfterMs` is set) or STOPPING.
   */
  request(payload: Uint8Array, encoding: Encoding, timestampMs: number): Promise<RequestVerdict>;
}

export type Encoding = 'otlp_proto' | 'otlp_json';

export interface RequestVerdict {
  /** Taken; those rejected come on top. */
  readonly spans: number;
  readonly rejectedSpans: number;
  /** Why spans were rejected; '' when none were. */
  readonly message: string;
}

export interface PartitionSource extends LogPartition {
  /** `LaneContext.revision`. */
  readonly revision: number;
  readonly encoding: Encoding;
  /** The committed offset, where reading goes on, and what was committed with it (null = nothing). */
  readonly position: { readonly offset: number; readonly metadata: string | null };
  /** To be asked in the turn in which something is written: false once the group may have given the partition away. */
  mayBegin(): boolean;
  /**
   * Moves the group's position to `nextOffset`, with `metadata` for the next owner. Called in offset order, never
   * before everything below is durable. Resolves with 'fenced' when the assignment under which the partition was
   * opened is over.
   */
  commit(nextOffset: number, metadata: string | null): Promise<'committed' | 'fenced'>;
  /** Puts an undecodable record aside; the block is not acknowledged before this resolves. */
  quarantine(record: QuarantinedRecord): Promise<void>;
  /** The intake dropped the partition by itself: whoever owns it reads again from the last committed position. */
  abandoned?(error: Error): void;
}

export interface SourceRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** Null for a tombstone: counted and skipped. */
  readonly value: Uint8Array | null;
  /** In the order of the record; a name may stand there more than once. Absent = none. */
  readonly headers?: readonly RecordHeader[];
}

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface QuarantinedRecord {
  readonly record: SourceRecord;
  /** Set when a whole record batch could not be read: `record.value` is its bytes, offset to lastOffset its range. */
  readonly lastOffset?: number;
  readonly reason: string;
}

export interface PartitionIntake {
  /** It has to be read on for any memory to be given back: a block that an earlier owner planned is not whole yet. */
  readonly isReforming: boolean;
  /** Nothing may be offered before it resolves: what is stored already has to be known. Never rejects. */
  readonly ready: Promise<void>;
  /** Why nothing of the partition may be taken under this assignment: `ready` waits for its end then. */
  readonly held: string | undefined;
  /** Nothing that was offered is on its way any more. */
  readonly isSettled: boolean;
  /**
   * By the timestamps of the records: all before this are stored. Undefined while nothing is known: since the
   * assignment began, nothing was taken.
   */
  readonly storedUntilMs: number | undefined;
  /** Takes the records (their bytes are copied) and resolves when there is room for more. Offsets ascend. */
  offer(records: readonly SourceRecord[]): Promise<void>;
  /** Offsets up to here exclusive hold nothing more for us (transaction markers, compacted records). */
  skipTo(nextOffset: number): void;
  /** Seals and settles what was offered, commits included; nothing is taken meanwhile. */
  drain(signal: AbortSignal): Promise<void>;
  /** Forgets everything unsettled, now; late answers are ignored and nothing is committed any more. */
  drop(): void;
}
