import type { RedDelta, SeriesKey } from '../../../src/red/red-rows.ts';
import type { DecidedOperation } from '../../../src/sampling/store/store.ts';
import { decisionOf as anyDecision } from '../../sampling/rows.ts';

export interface ScriptedSeries {
  readonly service?: string;
  readonly name?: string;
  /** OTLP number; server unless told. */
  readonly kind?: number;
  readonly statusCode?: number;
  readonly calls: number;
  /** All calls last that long. */
  readonly seconds?: number;
}

/** A delta in which every series is new and has one row; series ids begin at `first`. */
export function deltaOf(
  series: readonly ScriptedSeries[],
  first = 0,
): { delta: RedDelta; keys: readonly SeriesKey[] } {
  const keys = series.map(
    ({ service = 'shop', name = 'GET /', kind = 2, statusCode = 0 }): SeriesKey => ({
      service,
      namespace: '',
      instance: '',
      spanName: name,
      kind,
      statusCode,
      dimensions: [],
    }),
  );
  const delta: RedDelta = {
    rows: series.length,
    series: Uint32Array.from(series, (_, i) => first + i),
    calls: Float64Array.from(series, ({ calls }) => calls),
    durationSumNs: new Float64Array(series.length),
    durationMaxNs: new Float64Array(series.length),
    buckets: new Float64Array(0),
    histAt: Uint32Array.from({ length: series.length + 1 }, (_, i) => i),
    histIndex: Int16Array.from(series, ({ seconds = 0.1 }) =>
      seconds === 0 ? -32_768 : Math.ceil(Math.log2(seconds) * 16) - 1,
    ),
    histCount: Float64Array.from(series, ({ calls }) => calls),
    firstNewSeries: first,
    newSeries: keys,
    newResources: [],
  };
  const sparse: SeriesKey[] = [];
  keys.forEach((key, i) => {
    sparse[first + i] = key;
  });
  return { delta, keys: sparse };
}

export function decisionOf(decision: Partial<DecidedOperation>): DecidedOperation {
  return anyDecision({ operation: 'GET /', rate: 16, rateLow: 14, rateHigh: 18, target: 1, ...decision });
}
