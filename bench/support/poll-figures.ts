export interface PollFigures {
  readonly polls: number;
  /** Replies that were not as they should be. */
  readonly wrong: number;
  readonly seconds: number;
  /** From when a poll was due until its reply was read, ms, sorted. */
  readonly latenciesMs: Float64Array;
}

export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
