/** Every series has one value per this many seconds. */
export const SLICE_S = 10;

/** What happened to one operation, per SLICE_S seconds. */
export interface OperationSeries {
  readonly service: string;
  readonly operation: string;
  /** Mean requests per second, sampled or not. */
  readonly rate: Float64Array;
  /** Served at the start. */
  readonly probability: Float64Array;
  /** Traces per second that the probability kept. */
  readonly sampled: Float64Array;
  /** Traces per second that only the lower bound kept. */
  readonly lowerBound: Float64Array;
  /** Traces per second that the controller wants, as it stood last; NaN = it never said. */
  readonly target: number;
}

/** One line of series.jsonl. */
export interface SeriesPoint {
  readonly t: number;
  readonly service: string;
  readonly operation: string;
  readonly rate: number;
  readonly probability: number;
  readonly sampled: number;
  readonly lower_bound: number;
}

export function pointAt(series: OperationSeries, slice: number): SeriesPoint {
  return {
    t: slice * SLICE_S,
    service: series.service,
    operation: series.operation,
    rate: series.rate[slice] as number,
    probability: series.probability[slice] as number,
    sampled: series.sampled[slice] as number,
    lower_bound: series.lowerBound[slice] as number,
  };
}
