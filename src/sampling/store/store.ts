import type { ControlDecision, TraceCost } from '../adaptive/controller.ts';
import type { DecisionInputs } from '../jaeger/decision.ts';
import type { ThroughputRow } from '../roots/throughput-rows.ts';
import type { SourceProgress } from './progress.ts';

/**
 * Where throughput rests and decisions are kept. Every method rejects with a retryable SpanweirError
 * (UNAVAILABLE) when the store can't be reached; the control loop then skips the round.
 */
export interface SamplingStore {
  /**
   * Throughput per (window, service, operation) of the windows whose start lies in [startMs, endMs), both Unix ms
   * and multiples of the window length (the loop sees to that): numbers and classes added, sets of probabilities
   * united. A bound on the united sets must lie far above 10: a probability that is left out looks unused.
   */
  throughput(startMs: number, endMs: number): Promise<readonly ThroughputRow[]>;
  /** Keeps what one round says is worth it, whole. */
  insertDecisions(round: DecisionRound): Promise<void>;
  /** What stands: of every operation the newest decision of the last days; undefined when there is none. */
  latestDecisions(): Promise<StoredDecisions | undefined>;
  /** How the probability of an operation moved since then, oldest first: at most `HISTORY_POINTS`, the newest. */
  history(service: string, operation: string, sinceMs: number): Promise<readonly HistoryPoint[]>;
  /** Keeps how far this process's partitions are, for whoever decides. */
  reportProgress(progress: readonly SourceProgress[], reportedBy: string): Promise<void>;
  /** What all processes have said within the last hour; several words on one partition may be in it. */
  progress(): Promise<readonly SourceProgress[]>;
  /** Keeps who polls this process, as it says it: JSON of its own making. */
  reportPollers(pollers: string, reportedBy: string, atMs: number): Promise<void>;
  /** The newest word of every process within the last `withinMs`. */
  pollers(nowMs: number, withinMs: number): Promise<readonly string[]>;
  /** Mean spans and bytes of a trace per root service and operation over [startMs, endMs); empty where it is not known. */
  traceCosts(startMs: number, endMs: number): Promise<ReadonlyMap<string, ReadonlyMap<string, TraceCost>>>;
}

/** The most that `SamplingStore.history` tells. */
export const HISTORY_POINTS = 500;

/** One decision of the past. */
export interface HistoryPoint {
  readonly atMs: number;
  readonly version: number;
  readonly probability: number;
  readonly rule: string;
  /** Requests per second; NaN where unknown. */
  readonly rate: number;
}

/** A decision as it is kept: with what only Jaeger's algorithm looks at, where that decided. */
export interface DecidedOperation extends ControlDecision {
  readonly inputs?: DecisionInputs;
}

export interface DecisionRound extends DecisionAuthor {
  /** Of what is served since this round: counts up with every change of it. */
  readonly version: number;
  /** Wall time of the round, Unix ms. */
  readonly decidedAtMs: number;
  /** End of the newest window, Unix ms. */
  readonly dataUntilMs: number;
  readonly decisions: readonly DecidedOperation[];
}

export interface DecisionAuthor {
  /** Which process decided: host name and pid, or what the user calls it. */
  readonly decidedBy: string;
  readonly algorithm: Algorithm;
  readonly mode: ControlMode;
}

/** `adaptive` needs no tags on spans; `jaeger` is Jaeger's. */
export type Algorithm = 'adaptive' | 'jaeger';
/** `observe` decides and stores, and serves what it served before. */
export type ControlMode = 'control' | 'observe';

export interface StoredDecisions {
  readonly version: number;
  /** Of the newest round, Unix ms. */
  readonly decidedAtMs: number;
  readonly dataUntilMs: number;
  readonly algorithm: Algorithm;
  readonly mode: ControlMode;
  readonly decisions: readonly DecidedOperation[];
}
