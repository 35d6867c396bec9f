import type { Algorithm, ControlMode, DecidedOperation, HistoryPoint } from '../store/store.ts';
import { explain } from './explain.ts';

/** What `GET /api/v1/sampling/decisions` answers. Numbers that are not known are null. */
export interface DecisionsReport {
  readonly algorithm: Algorithm | null;
  readonly mode: ControlMode | null;
  /** Of what is served. */
  readonly version: number;
  /** Decisions that were asked for; `decisions` holds the first of them. */
  readonly matching: number;
  readonly decisions: readonly ReportedDecision[];
}

type Nullable<T> = { readonly [K in keyof T]: number extends T[K] ? T[K] | null : T[K] };

export interface ReportedDecision extends Nullable<DecidedOperation> {
  /** In words. */
  readonly why: string;
  /** Where a single operation was asked for: how it moved over the last hour. */
  readonly history?: readonly Nullable<HistoryPoint>[];
}

export function reportedDecision(decision: DecidedOperation): ReportedDecision {
  return { ...decision, why: explain(decision) };
}

/** Numbers that are null in JSON are NaN again. */
export function decisionOf(reported: ReportedDecision): DecidedOperation {
  const { why: _why, history: _history, ...decision } = reported;
  const numbers = Object.entries(decision).map(([name, value]) => [
    name,
    value === null ? Number.NaN : value,
  ]);
  return Object.fromEntries(numbers) as unknown as DecidedOperation;
}
