import type { RootRow } from './root-row.ts';

/** What one block saw of an operation in a window: mergeable (numbers and classes add, sets unite). */
export interface ThroughputRow extends RootRow, JaegerRow {}

export type ThroughputRows = readonly ThroughputRow[];

/** What Jaeger's algorithm counts: only roots that carry Jaeger's own tags are in it, under their literal names. */
export interface JaegerRow {
  /** Window start, Unix seconds, by the root span's end. */
  readonly windowS: number;
  readonly service: string;
  readonly operation: string;
  /** Root spans that a probabilistic sampler kept. */
  readonly count: number;
  /** Probabilities seen on spans, six decimals as Jaeger prints them, at most 10, sorted; [] = no such root. */
  readonly probabilities: readonly string[];
}
