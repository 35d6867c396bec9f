/** What is told of one metric of our own. */
export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'timer';
  /** What one unit is: seconds, bytes, spans, ...; '' for a bare number. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** How the values of several lanes become one. Counters always add up. */
  readonly merge: 'sum' | 'max';
}

export function counter(unit: string, help: string, ...labels: string[]): MetricRow {
  return { kind: 'counter', unit, help, labels, merge: 'sum' };
}

/** A gauge whose lanes add up: queue lengths, bytes in flight. */
export function gauge(unit: string, help: string, ...labels: string[]): MetricRow {
  return { kind: 'gauge', unit, help, labels, merge: 'sum' };
}

/** A gauge of which the largest lane counts: ages, delays, states. */
export function peak(unit: string, help: string, ...labels: string[]): MetricRow {
  return { kind: 'gauge', unit, help, labels, merge: 'max' };
}

/** Durations, shown as quantiles of about the last minute, over all lanes. */
export function timer(help: string, ...labels: string[]): MetricRow {
  return { kind: 'timer', unit: 'seconds', help, labels, merge: 'sum' };
}
