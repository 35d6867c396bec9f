/** Sampled root spans of one block per (window, service, operation): mergeable (counts add, sets unite). */
export interface ThroughputRow {
  /** Window start, Unix seconds, by the root span's end. */
  readonly windowS: number;
  readonly service: string;
  readonly operation: string;
  /** Root spans that a probabilistic sampler kept. */
  readonly count: number;
  /** Probabilities seen on spans, six decimals as Jaeger prints them, at most 10, sorted. */
  readonly probabilities: readonly string[];
}

export type ThroughputRows = readonly ThroughputRow[];
