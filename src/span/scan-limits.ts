export interface ScanLimits {
  /** Spans in one payload. */
  readonly maxSpans: number;
  /** How far before the record's timestamp a span may start or end, ms. */
  readonly pastMs: number;
  /** How far behind the record's timestamp a span may start or end, ms. */
  readonly futureMs: number;
  /** The most original spans that one span may claim to stand for. */
  readonly weightMax: number;
  /** Where `SpanBatch.weight` comes from. */
  readonly weights: 'tracestate' | 'none';
}

export const DEFAULT_SCAN_LIMITS: ScanLimits = {
  maxSpans: 1 << 20,
  pastMs: 7 * 86_400_000,
  futureMs: 3_600_000,
  weightMax: 1e6,
  weights: 'tracestate',
};
