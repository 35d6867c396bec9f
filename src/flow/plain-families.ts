/**
 * Metrics that a component of the main thread keeps itself, as values: for metrics of some ten thousand series at most.
 * An exporter that meets a component with these shows them beside RED metrics.
 */
export interface PlainFamilies {
  /** As they are now. Names and label names as in OTLP: the exporter translates them. */
  plainFamilies(): readonly PlainFamily[];
}

export type PlainFamily = PlainCounter | PlainHistogram;

export interface PlainCounter {
  readonly kind: 'counter';
  readonly name: string;
  readonly help: string;
  /** Instrumentation scope. */
  readonly scope: string;
  readonly points: readonly PlainPoint[];
}

export interface PlainHistogram {
  readonly kind: 'histogram';
  readonly name: string;
  /** Of the observed values; they and the bounds are seconds. */
  readonly unit: 's';
  readonly help: string;
  readonly scope: string;
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  readonly points: readonly PlainHistogramPoint[];
}

/** Pairs of name and value; the same array for the same series, in all families and at every time. */
export type PlainLabels = readonly (readonly [name: string, value: string])[];

export interface PlainPoint {
  readonly labels: PlainLabels;
  readonly value: number;
  /** When the series began, Unix ms. */
  readonly createdMs: number;
}

export interface PlainHistogramPoint {
  readonly labels: PlainLabels;
  readonly sum: number;
  readonly count: number;
  /** Per bound, and one above all; not cumulative. */
  readonly buckets: ArrayLike<number>;
  readonly createdMs: number;
}

export function hasPlainFamilies(thing: unknown): thing is PlainFamilies {
  return typeof (thing as PlainFamilies | undefined)?.plainFamilies === 'function';
}
