import type { Reason } from './reasons.ts';

/** The outcome of one recomputation for one operation, with what led to it. */
export interface Decision {
  readonly service: string;
  readonly operation: string;
  /** What is served from now on. */
  readonly probability: number;
  /** What was served before; the initial probability for an operation that is new. */
  readonly previous: number;
  /** Sampled root spans per second, weighted over `inputs.qps`. */
  readonly qps: number;
  /** Sampled root spans per second that are wanted. */
  readonly target: number;
  readonly reason: Reason;
  readonly inputs: DecisionInputs;
}

export interface DecisionInputs {
  /** Sampled root spans per second of the buckets that held the operation, newest first. */
  readonly qps: readonly number[];
  /** Probabilities that the newest bucket's spans were sampled with; [] when it does not hold the operation. */
  readonly seen: readonly string[];
  /** Whether the operation's SDKs were taken to sample with `previous`. */
  readonly using: boolean;
  /** `delta_tolerance` at the time. */
  readonly tolerance: number;
}
