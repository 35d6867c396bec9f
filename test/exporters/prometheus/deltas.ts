import type { Clock } from '../../../src/base/clock.ts';
import type { Exemplars, RedDelta, SeriesKey } from '../../../src/red/red-rows.ts';
import { ZERO_INDEX } from '../../../src/sketch/exponential.ts';

export function keyOf(spanName: string, more: Partial<SeriesKey> = {}): SeriesKey {
  return {
    service: 'shop',
    namespace: '',
    instance: '',
    spanName,
    kind: 2,
    statusCode: 0,
    dimensions: [],
    ...more,
  };
}

export interface Row {
  readonly series: number;
  readonly calls: number;
  readonly sumNs?: number;
  readonly buckets?: readonly number[];
  /** Pairs of index and count; 'zero' = spans of no length. */
  readonly hist?: readonly (readonly [number | 'zero', number])[];
}

/** What a lane would send, of series that it has told of. */
export function deltaOf(rows: readonly Row[], more: Partial<RedDelta> = {}): RedDelta {
  const entries = rows.map(({ hist = [] }) => hist);
  let at = 0;
  return {
    rows: rows.length,
    series: Uint32Array.from(rows, ({ series }) => series),
    calls: Float64Array.from(rows, ({ calls }) => calls),
    durationSumNs: Float64Array.from(rows, ({ sumNs = 0 }) => sumNs),
    durationMaxNs: new Float64Array(rows.length),
    buckets: Float64Array.from(rows.flatMap(({ buckets = [] }) => buckets)),
    histAt: Uint32Array.from([0, ...entries.map((of) => (at += of.length))]),
    histIndex: Int16Array.from(entries.flat().map(([index]) => (index === 'zero' ? ZERO_INDEX : index))),
    histCount: Float64Array.from(entries.flat().map(([, count]) => count)),
    firstNewSeries: 0,
    newSeries: [],
    newResources: [],
    ...more,
  };
}

/** Trace ids 1.., span ids 0a.. */
export function exemplarsOf(
  spans: readonly { readonly row: number; readonly durationNs: number; readonly endMs: number }[],
): Exemplars {
  const traceIds = new Uint8Array(spans.length * 16);
  const spanIds = new Uint8Array(spans.length * 8);
  spans.forEach((_, i) => {
    traceIds[i * 16 + 15] = i + 1;
    spanIds[i * 8 + 7] = i + 10;
  });
  return {
    rows: spans.length,
    deltaRow: Uint32Array.from(spans, ({ row }) => row),
    traceIds,
    spanIds,
    durationNs: Float64Array.from(spans, ({ durationNs }) => durationNs),
    endMs: Float64Array.from(spans, ({ endMs }) => endMs),
  };
}

export const START_MS = 1_700_000_000_000;

/** A clock that goes when it is told to. */
export function handClock(): Clock & { forward(ms: number): void } {
  let ms = 0;
  return {
    wallMs: () => START_MS + ms,
    monotonicMs: () => 10_000 + ms,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    forward: (by) => {
      ms += by;
    },
  };
}
