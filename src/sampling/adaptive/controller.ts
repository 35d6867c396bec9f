import type { RootRow } from '../roots/root-row.ts';
import type { StrategySnapshot } from '../strategies/snapshot.ts';
import type { Override } from './options.ts';

/**
 * What both algorithms look like to whoever drives them: the extension with the real clock and store, the simulator
 * with its own. Pure: time is an argument.
 */
export interface Controller<Row extends RootRow = RootRow> {
  /**
   * Takes in the windows of [startMs, endMs), which are complete, and decides anew. Rounds follow each other without a
   * gap or overlap; with startMs = endMs nothing was complete since the last one (late data: nothing is concluded).
   */
  round(round: ControlRound<Row>): readonly ControlDecision[];
  /** What is to be served now; the same object while nothing changed. */
  snapshot(): StrategySnapshot;
  /** What stands for each operation and why. */
  standing(): readonly ControlDecision[];
  /** Begins where another process, or this one before, ended; then rounds over the windows since follow. */
  restore(stored: readonly ControlDecision[], nowMs: number): void;
}

export interface ControlRound<Row extends RootRow = RootRow> {
  /** Unix ms, as all times here. */
  readonly nowMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly rows: readonly Row[];
  /** By service: who has asked for its strategy lately. A service that is not in it has never polled. */
  readonly pollers: ReadonlyMap<string, ServicePollers>;
  /** By service and operation of the root, where known: what a trace costs. */
  readonly costs?: ReadonlyMap<string, ReadonlyMap<string, TraceCost>>;
  /** What is decided elsewhere, before all overrides; the same array as long as it is the same. */
  readonly pins?: readonly Override[] | undefined;
}

export interface ServicePollers {
  /** Distinct instances seen within the last few poll intervals; >= 1. */
  readonly instances: number;
  /** The longest interval seen between two polls of one instance; undefined while nobody has polled twice. */
  readonly slowestIntervalMs: number | undefined;
  /** Whether somebody polls whose SDK honours the lower bound (Go, legacy Jaeger clients). */
  readonly hasLowerBound: boolean;
}

export interface TraceCost {
  /** Mean spans of a trace with this root. */
  readonly spans: number;
  /** Mean bytes of it. */
  readonly bytes: number;
}

/** The outcome for one operation, with all that led to it. */
export interface ControlDecision {
  readonly service: string;
  /** '' = the service's default, for all that is not listed. */
  readonly operation: string;
  /** Served from now on; where it is only observed, what would be. */
  readonly probability: number;
  /** Served before; where it is only observed, still. */
  readonly previous: number;
  /** Since when `probability` is served. */
  readonly changedAtMs: number;
  /** Which rule had the last word. */
  readonly rule: string;
  /** Requests (sampled or not) per second that there are, with the bounds of a 95 % interval; NaN where unknown. */
  readonly rate: number;
  readonly rateLow: number;
  readonly rateHigh: number;
  /** Samples that the estimate rests on, and over how long. */
  readonly samples: number;
  readonly overS: number;
  /** Sampled traces per second that are wanted. */
  readonly target: number;
  /** Share of the service's (or, for '', of the whole) budget; NaN without a budget. */
  readonly budgetShare: number;
  readonly conformance: Conformance;
  /** The smallest and the largest probability that could still be in force at a poller. */
  readonly gateLow: number;
  readonly gateHigh: number;
  /** Traces per second and instance that are served as the lower bound with the service's reply. */
  readonly lowerBound: number;
}

/**
 * Whether a service samples as it is told. `unknown`: too few roots yet. `samples_more`: keeps traces above what it was
 * served. `samples_less`: lacks traces below it. `not_uniform`: its trace ids are not random enough to tell.
 */
export type Conformance = 'unknown' | 'follows' | 'samples_more' | 'samples_less' | 'not_uniform';
