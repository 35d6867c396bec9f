import { explain } from '../../sampling/explain/explain.ts';
import type { ServedOperation } from './decisions.ts';

/** What the page tells of the sampling of one operation. */
export interface SamplingView {
  /** Served to SDKs. */
  readonly probability: number;
  readonly previous: number;
  /** What would be served if it were not only observed; else null. */
  readonly planned: number | null;
  /** Oldest first, one value per 5 s. */
  readonly history: readonly number[];
  /** Requests per second, sampled or not, with the bounds of a 95 % interval; null where unknown. */
  readonly requestsPerSecond: number | null;
  readonly requestsLow: number | null;
  readonly requestsHigh: number | null;
  /** Sampled root spans per second: wanted, and expected of these requests. */
  readonly target: number | null;
  readonly sampledPerSecond: number | null;
  readonly conformance: string;
  readonly rule: string;
  readonly why: string;
}

export function samplingOf({ decision, served, planned, history }: ServedOperation): SamplingView {
  return {
    probability: served,
    previous: decision.previous,
    planned,
    history,
    requestsPerSecond: known(decision.rate),
    requestsLow: known(decision.rateLow),
    requestsHigh: known(decision.rateHigh),
    target: known(decision.target),
    sampledPerSecond: known(decision.rate * served),
    conformance: decision.conformance,
    rule: decision.rule,
    why: planned === null ? explain(decision) : `Only observed, not served: ${explain(decision)}`,
  };
}

/** NaN is not for JSON. */
export function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
