/**
 * RED partial aggregates of one block: a row per (event-time window x series), as columns. Rows of the same
 * (window, series) from other blocks merge by adding (max for the maximum).
 */
export interface RedRows {
  readonly rows: number;
  /** Window start, Unix seconds. */
  readonly windowS: Float64Array;
  /** Series id of the connector's SeriesTable, or OWN_KEY and beyond: see `ownKeys`. */
  readonly series: Uint32Array;
  /**
   * By series id, at least those of these rows: a block may wait so long that its series lose their places in the
   * table.
   */
  readonly keys?: readonly (SeriesKey | undefined)[];
  /** Series that the table has no room for. */
  readonly ownKeys?: readonly SeriesKey[];
  /** Spans seen. */
  readonly spans: Float64Array;
  /** Spans weighted: what `calls` shows. */
  readonly calls: Float64Array;
  /**
   * Variance of `calls`: squares of each trace's weights, less what is certain (see trace-weights.ts). 0 where all
   * weights are 1.
   */
  readonly weightSquares: Float64Array;
  /** Root of the largest part that one trace has in `weightSquares`: how much a trace that was missed may weigh. */
  readonly weightMax: Float64Array;
  /** Weighted sum of durations, integer ns as long as weights are integers. */
  readonly durationSumNs: Float64Array;
  readonly durationMaxNs: Float64Array;
  /** Explicit histogram, not cumulative: rows x (bounds + 1), weighted. Empty when there is none. */
  readonly buckets: Float64Array;
  /** Exponential histogram entries (see sketch/exponential.ts), sorted by row and index. */
  readonly histEntries: number;
  /** Per row, where its entries begin; length rows + 1. */
  readonly histAt: Uint32Array;
  readonly histIndex: Int16Array;
  readonly histCount: Float64Array;
  /** Spans that stand for rows, the first ones of each; `deltaRow` is the row here. */
  readonly exemplars?: Exemplars;
  /** Counts of span events, of all windows together. */
  readonly events?: EventRows;
}

/** Events of a block per series of the connector's event series. */
export interface EventRows {
  readonly rows: number;
  readonly series: Uint32Array;
  /** Events weighted. */
  readonly count: Float64Array;
}

/** Who a series is. Dimension values are in the order of the connector's dimensions; null = label absent. */
export interface SeriesKey {
  readonly service: string;
  readonly namespace: string;
  readonly instance: string;
  readonly spanName: string;
  /** OTLP number, 0-5. */
  readonly kind: number;
  /** OTLP number, 0-2. */
  readonly statusCode: number;
  readonly dimensions: readonly (string | null)[];
  /** Labels whose names are not known before: of dimensions by glob. Sorted by name; left out where there are none. */
  readonly extra?: readonly (readonly [string, string])[];
}

/**
 * What a committed block adds to the cumulative series, windows folded together. Posted from a lane to the
 * main thread, so it is plain data with transferable columns. Series ids are the lane's own.
 */
export interface RedDelta {
  readonly rows: number;
  readonly series: Uint32Array;
  readonly calls: Float64Array;
  readonly durationSumNs: Float64Array;
  readonly durationMaxNs: Float64Array;
  readonly buckets: Float64Array;
  readonly histAt: Uint32Array;
  readonly histIndex: Int16Array;
  readonly histCount: Float64Array;
  /** Series that this lane mentions for the first time: id = firstNewSeries + index. */
  readonly firstNewSeries: number;
  readonly newSeries: readonly SeriesKey[];
  /** Resources with a service.instance.id that this lane mentions for the first time. */
  readonly newResources: readonly ResourceInfo[];
  /** Spans to be shown beside the numbers, where exemplars are on. */
  readonly exemplars?: Exemplars;
  /** Counts of span events, where those are on. */
  readonly events?: EventDelta;
}

/** Spans that stand for a row, as columns. */
export interface Exemplars {
  readonly rows: number;
  /** Row of the delta that the span was counted in. */
  readonly deltaRow: Uint32Array;
  /** 16 bytes each. */
  readonly traceIds: Uint8Array;
  /** 8 bytes each. */
  readonly spanIds: Uint8Array;
  readonly durationNs: Float64Array;
  /** Unix time of the span's end. */
  readonly endMs: Float64Array;
}

/** What a committed block adds to the event counters: series of their own, numbered as those of spans are. */
export interface EventDelta {
  readonly rows: number;
  readonly series: Uint32Array;
  /** Events weighted. */
  readonly count: Float64Array;
  readonly firstNewSeries: number;
  /** `dimensions` are those of the connector and then those of its events. */
  readonly newSeries: readonly SeriesKey[];
}

/** A resource as `target_info` shows it: the first one seen with this job and instance. */
export interface ResourceInfo {
  readonly service: string;
  readonly namespace: string;
  readonly instance: string;
  /** All its attributes, values as text. */
  readonly attributes: readonly (readonly [string, string])[];
}
