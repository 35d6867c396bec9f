import type { Conformance } from '../sampling/adaptive/controller.ts';
import type { Classes } from '../sampling/roots/root-row.ts';
import type { ThroughputRow } from '../sampling/roots/throughput-rows.ts';
import {
  type Algorithm,
  type ControlMode,
  type DecidedOperation,
  HISTORY_POINTS,
  type HistoryPoint,
  type SamplingStore,
} from '../sampling/store/store.ts';
import { type ClickHouse, quoted } from './client.ts';
import { encodeDecisions } from './native/decision-encoder.ts';
import { createSamplingReports } from './sampling-reports.ts';

/** Of an operation: bounds an answer, not the loop (see SamplingStore.throughput). Some 10 bytes each. */
const MOST_PROBABILITIES = 1000;

/** Throughput and decisions in ClickHouse. */
export function createSamplingStore(client: ClickHouse): SamplingStore {
  const database = quoted(client.database);
  return {
    ...createSamplingReports(client),
    throughput: async (startMs, endMs) => {
      const rows = await client.query<ThroughputAnswer>(
        `SELECT toUnixTimestamp(Ts) AS t, ServiceName AS s, Operation AS o, sum(Count) AS count,
                arraySlice(arraySort(groupUniqArrayArray(Probabilities)), 1, ${MOST_PROBABILITIES}) AS probabilities,
                sum(Roots) AS roots, sum(Tagged) AS tagged, sum(Adjusted) AS adjusted,
                sum(AdjustedSquares) AS squares, sum(Bounded) AS bounded, sum(Errors) AS errors,
                sumMap(Variates) AS v, mapKeys(v) AS vClasses, mapValues(v) AS vCounts,
                sumMap(Durations) AS d, mapKeys(d) AS dClasses, mapValues(d) AS dCounts
         FROM ${database}.sampling_throughput
         WHERE Ts >= toDateTime({start: UInt32}) AND Ts < toDateTime({end: UInt32})
         GROUP BY Ts, s, o`,
        { start: Math.floor(startMs / 1000), end: Math.floor(endMs / 1000) },
      );
      return rows.map(throughputRow);
    },
    insertDecisions: async (round) => {
      if (round.decisions.length === 0) return;
      const token = `sampling_probabilities:${round.decidedBy}:${round.decidedAtMs}`;
      await client.insertNative({ table: 'sampling_probabilities', token }, encodeDecisions(round));
    },
    history: async (service, operation, sinceMs) => {
      const rows = await client.query<HistoryAnswer>(
        `SELECT toUnixTimestamp64Milli(Ts) AS atMs, Version AS version, Probability AS probability, Rule AS rule,
                Rate AS rate
         FROM ${database}.sampling_probabilities
         WHERE Ts >= fromUnixTimestamp64Milli({since: Int64}) AND ServiceName = {service: String}
           AND Operation = {operation: String}
         ORDER BY Ts DESC LIMIT ${HISTORY_POINTS}`,
        { since: Math.floor(sinceMs), service, operation },
      );
      return rows.reverse().map(historyPoint);
    },
    latestDecisions: async () => {
      const rows = await client.query<DecisionAnswer>(
        `SELECT *, toUnixTimestamp64Milli(Ts) AS decidedAtMs, toUnixTimestamp64Milli(ChangedAt) AS changedAtMs,
                toUnixTimestamp64Milli(DataUntil) AS dataUntilMs
         FROM ${database}.sampling_probabilities_latest`,
      );
      const newest = rows.reduce<DecisionAnswer | undefined>(
        (best, row) => (Number(row.decidedAtMs) > Number(best?.decidedAtMs ?? -1) ? row : best),
        undefined,
      );
      if (newest === undefined) return undefined;
      return {
        version: rows.reduce((most, row) => Math.max(most, Number(row.Version)), 0),
        decidedAtMs: Number(newest.decidedAtMs),
        dataUntilMs: Number(newest.dataUntilMs),
        algorithm: newest.Algorithm,
        mode: newest.Mode,
        decisions: rows.map(decidedOperation),
      };
    },
  };
}

interface HistoryAnswer {
  readonly atMs: string;
  readonly version: string;
  readonly probability: number;
  readonly rule: string;
  readonly rate: Maybe;
}

function historyPoint({ atMs, version, probability, rule, rate }: HistoryAnswer): HistoryPoint {
  return { atMs: Number(atMs), version: Number(version), probability, rule, rate: known(rate) };
}

interface ThroughputAnswer {
  readonly t: string | number;
  readonly s: string;
  readonly o: string;
  readonly count: string;
  readonly probabilities: readonly string[];
  readonly roots: string;
  readonly tagged: string;
  readonly adjusted: number;
  readonly squares: number;
  readonly bounded: string;
  readonly errors: string;
  readonly vClasses: readonly number[];
  readonly vCounts: readonly string[];
  readonly dClasses: readonly number[];
  readonly dCounts: readonly string[];
}

function throughputRow(row: ThroughputAnswer): ThroughputRow {
  return {
    windowS: Number(row.t),
    service: row.s,
    operation: row.o,
    count: Number(row.count),
    probabilities: row.probabilities,
    sampled: {
      roots: Number(row.roots),
      tagged: Number(row.tagged),
      adjusted: row.adjusted,
      adjustedSquares: row.squares,
      bounded: Number(row.bounded),
      variates: classesOf(row.vClasses, row.vCounts),
      errors: Number(row.errors),
      durations: classesOf(row.dClasses, row.dCounts),
    },
  };
}

/** The keys of a sumMap come sorted. */
function classesOf(classes: readonly number[], counts: readonly string[]): Classes {
  return { classes, counts: counts.map(Number) };
}

/** Numbers that are not finite come as null. */
type Maybe = number | null;

interface DecisionAnswer {
  readonly decidedAtMs: string;
  readonly changedAtMs: string;
  readonly dataUntilMs: string;
  readonly Version: string;
  readonly ServiceName: string;
  readonly Operation: string;
  readonly Probability: number;
  readonly Previous: number;
  readonly Rule: string;
  readonly Rate: Maybe;
  readonly RateLow: Maybe;
  readonly RateHigh: Maybe;
  readonly Samples: Maybe;
  readonly OverS: Maybe;
  readonly Target: Maybe;
  readonly BudgetShare: Maybe;
  readonly Conformance: Conformance;
  readonly GateLow: Maybe;
  readonly GateHigh: Maybe;
  readonly LowerBound: Maybe;
  readonly Algorithm: Algorithm;
  readonly Mode: ControlMode;
  readonly BucketQps: readonly number[];
  readonly SeenProbabilities: readonly string[];
  readonly UsingAdaptive: boolean;
  readonly Tolerance: number;
}

function decidedOperation(row: DecisionAnswer): DecidedOperation {
  const inputs = {
    qps: row.BucketQps,
    seen: row.SeenProbabilities,
    using: row.UsingAdaptive,
    tolerance: row.Tolerance,
  };
  return {
    service: row.ServiceName,
    operation: row.Operation,
    probability: row.Probability,
    previous: row.Previous,
    changedAtMs: Number(row.changedAtMs),
    rule: row.Rule,
    rate: known(row.Rate),
    rateLow: known(row.RateLow),
    rateHigh: known(row.RateHigh),
    samples: known(row.Samples),
    overS: known(row.OverS),
    target: known(row.Target),
    budgetShare: known(row.BudgetShare),
    conformance: row.Conformance,
    gateLow: known(row.GateLow),
    gateHigh: known(row.GateHigh),
    lowerBound: known(row.LowerBound),
    ...(row.Algorithm === 'jaeger' && { inputs }),
  };
}

function known(value: Maybe): number {
  return value ?? Number.NaN;
}
