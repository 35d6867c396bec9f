import type { PartitionAssigner } from 'kafkajs';
import type { Assignment } from './assignment.ts';
import type { FetchedBatch } from './fetched-batch.ts';
import type { BeginsAt, Position } from './positions.ts';

export interface GroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly beginsAt: BeginsAt;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly maxWaitMs: number;
  readonly rackId: string;
  readonly metadataMaxAgeMs: number;
  readonly retries: number;
  /** Who gets what; round-robin without it. All members of a group have the same. */
  readonly assigner?: PartitionAssigner;
}

/** Who works on what a member is assigned. */
export interface GroupOwner {
  /** What it has room for; without it fetches are always as large as the options say. */
  readonly freeBytes?: number;
  assigned(assignment: Assignment): void;
  /** Nothing new begins; what is in flight is settled and committed. Resolves at the latest when aborted. */
  settle(signal: AbortSignal): Promise<void>;
  /** The assignment is over: forget everything. Called after `settle`, and alone when there is no time for it. */
  drop(): void;
  /** Resolves when the next fetch may begin; `batch` is of the current assignment. */
  take(batch: FetchedBatch): Promise<void>;
  /**
   * The position was outside of the log and is now `position.offset`. True when everything that was read before is
   * forgotten, so that the group's position has to be moved there now; else that follows by itself.
   */
  moved(position: Position): boolean;
}
