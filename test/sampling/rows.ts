import { NO_ROOTS, type SampledRoots } from '../../src/sampling/roots/root-row.ts';
import type { JaegerRow, ThroughputRow } from '../../src/sampling/roots/throughput-rows.ts';
import type { DecidedOperation, DecisionRound } from '../../src/sampling/store/store.ts';

/** A row in which all roots are those that Jaeger counts, unless it says otherwise. */
export function rowOf(row: Partial<JaegerRow>, sampled: Partial<SampledRoots> = {}): ThroughputRow {
  const { count = 1 } = row;
  return {
    windowS: 0,
    service: 'shop',
    operation: 'op',
    count,
    probabilities: [],
    ...row,
    sampled: { ...NO_ROOTS, roots: count, ...sampled },
  };
}

export function decisionOf(decision: Partial<DecidedOperation>): DecidedOperation {
  return {
    service: 'shop',
    operation: 'op',
    probability: 0.25,
    previous: 0.5,
    changedAtMs: 1_700_000_000_000,
    rule: 'lowered',
    rate: 10,
    rateLow: 8,
    rateHigh: 12,
    samples: 250,
    overS: 100,
    target: 2.5,
    budgetShare: Number.NaN,
    conformance: 'follows',
    gateLow: 0.25,
    gateHigh: 0.5,
    lowerBound: 0.0125,
    ...decision,
  };
}

export function roundOf(round: Partial<DecisionRound>): DecisionRound {
  const decidedAtMs = round.decidedAtMs ?? 1_700_000_000_000;
  return {
    version: 1,
    decidedAtMs,
    dataUntilMs: decidedAtMs - 5000,
    decidedBy: 'host/1',
    algorithm: 'adaptive',
    mode: 'control',
    decisions: [],
    ...round,
  };
}
