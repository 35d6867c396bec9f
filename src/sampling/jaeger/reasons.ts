/**
 * Why an operation's probability is what it is. A closed set: it is an enumeration in ClickHouse and a column
 * of the page. The clamp's reason wins over the step's, since it says what holds the value where it is.
 */
export const REASONS = [
  /** The observed rate lies inside the tolerance band round the target: kept. */
  'within_tolerance',
  /** Too few samples: raised to target / qps. */
  'raised',
  /** Too few samples: raised by the largest step allowed, a doubling. */
  'raised_capped',
  /** Too many samples: lowered to target / qps. */
  'lowered',
  /** Known operation, but no sampled root in the buckets: doubled. */
  'no_traffic_doubled',
  /** No span with the last value has been seen yet, so its effect is unknown: kept. */
  'not_using',
  /** The step led below min_sampling_probability. */
  'floor',
  /** The step led above 1. */
  'ceiling',
] as const;

export type Reason = (typeof REASONS)[number];
