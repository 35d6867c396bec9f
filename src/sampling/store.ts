import type { Decision } from './decision.ts';
import type { ThroughputRow } from './throughput-rows.ts';

/**
 * Where throughput rests and decisions are kept. Every method rejects with a retryable SpanweirError
 * (UNAVAILABLE) when the store can't be reached; the control loop then skips the round.
 */
export interface SamplingStore {
  /**
   * Throughput per (service, operation) over the windows whose start lies in [startMs, endMs), both Unix ms and
   * multiples of the window length (the loop sees to that): counts added, sets of probabilities united. Rows
   * need not be merged completely: the caller adds up what it gets. `windowS` of the rows is of no consequence.
   * A bound on the united sets must lie far above 10: a probability that is left out looks unused.
   */
  throughput(startMs: number, endMs: number): Promise<readonly ThroughputRow[]>;
  /** Keeps one recomputation: all its decisions, whole. */
  insertDecisions(round: DecisionRound): Promise<void>;
  /** The decisions of the newest round that had any; [] when there is none. */
  latestDecisions(): Promise<readonly StoredDecision[]>;
}

export interface DecisionRound {
  /** Wall time of the recomputation, Unix ms. */
  readonly decidedAtMs: number;
  /** End of the newest bucket, Unix ms. */
  readonly dataUntilMs: number;
  /** Which process decided: host name and pid, or what the user calls it. */
  readonly decidedBy: string;
  readonly decisions: readonly Decision[];
}

/** What a restart needs of a Decision. */
export interface StoredDecision {
  readonly service: string;
  readonly operation: string;
  readonly probability: number;
  readonly qps: number;
  /** Of the round, Unix ms. */
  readonly decidedAtMs: number;
}
