/** How far a lane is with what reaches it, as plain data: whoever aggregates over time has to know what is complete. */
export interface LaneProgress {
  readonly partitions: readonly PartitionProgress[];
  /** All requests that came before this (Unix ms) are answered; undefined where none are taken. */
  readonly requestsUntilMs: number | undefined;
}

export interface PartitionProgress {
  /** `cluster/topic`. */
  readonly source: string;
  readonly partition: number;
  /** All records with a timestamp before this (Unix ms) are stored, by the clocks of those who wrote them; 0 = not known yet. */
  readonly completeUntilMs: number;
}
