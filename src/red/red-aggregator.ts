import { CLASSES, classOf, HIGH_WORD } from '../sketch/duration-classes.ts';
import { type ExplicitBuckets, explicitBuckets } from '../sketch/explicit-buckets.ts';
import type { Dictionary } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import { restNs, WINDOW_NS, WINDOW_SECONDS, windowsBefore } from '../window/event-window.ts';
import { BlockGuard, type BlockLimits, type FoldedLabel } from './block-guard.ts';
import { BlockRows, NUMBERS, ROW_KEY } from './block-rows.ts';
import { BlockWords, seriesDescriber } from './block-words.ts';
import { Demand } from './demand.ts';
import { DimensionReader, type DimensionSpec, hasDimensions } from './dimension-reader.ts';
import { HistTable } from './hist-table.ts';
import type { DefaultDimension } from './red-description.ts';
import type { RedRows, SeriesKey } from './red-rows.ts';
import { ResourceRegister } from './resource-register.ts';
import { NO_SERIES, SeriesRegistry } from './series-registry.ts';
import { OWN_KEY } from './series-table.ts';
import { TraceWeights } from './trace-weights.ts';

export interface RedAggregatorOptions extends DimensionSpec {
  /** Upper bounds of the explicit histogram, ns, ascending; undefined = none is kept. */
  readonly boundsNs?: readonly number[] | undefined;
  /** Default dimensions by which spans are not told apart (service.name never joins two resources). */
  readonly excluded?: ReadonlySet<DefaultDimension>;
  /** Series that the lane numbers, and those of one service among them: others have keys of their own. */
  readonly seriesLimit?: number;
  readonly seriesPerService?: number;
  /** What a block may tell apart; without it everything. */
  readonly blockLimits?: BlockLimits;
  /** What becomes of ids in span names; `dry_run` only estimates what templates would spare. */
  readonly spanNames?: SpanNames;
  /** Names of the dimensions, for whoever asks which had too many values. */
  readonly dimensionNames?: readonly string[];
  /** Keep exponential histograms as well. */
  readonly histograms?: boolean;
  /** Keep which row each span was counted in. */
  readonly rowOfSpan?: boolean;
  /**
   * By which idle series make room; without it none does. Not the records' time: one record from a clock that is years
   * ahead would stop it. What the rows say does not depend on it, only which ids they have.
   */
  readonly monotonicMs?: (() => number) | undefined;
}

export type SpanNames = 'as_is' | 'dry_run' | 'templates';

/** In `rowOfSpan`: counted nowhere. */
export const NO_ROW = 0xffffffff;
export const DEFAULT_SERIES_LIMIT = 1_000_000;

const NO_TUPLES = new Uint32Array(0);
/** One for all series, which may be many. */
const NO_DIMENSIONS: readonly (string | null)[] = [];

/**
 * RED rows of span batches: one pass over the columns, one table lookup per span. Rows are in order of first
 * appearance, and apart from the ids (which belong to the lane) they depend on nothing but the batch.
 */
export class RedAggregator {
  readonly series: SeriesRegistry;
  /** Spans of resources without service.name: not measured, as in the collector. Running total. */
  skippedNoService = 0;
  /** Spans for whose series the lane had no room, or the block. Running total. */
  overflowedSpans = 0;
  /** Of the last batch, where that was asked for. */
  rowOfSpan: Uint32Array | undefined;
  /** How many series the lane would have without limits. */
  readonly demand: Demand;
  /** The same with templates for names; undefined where nobody asks. */
  readonly templatedDemand: Demand | undefined;
  /** What the last block had too much of. */
  folded: readonly FoldedLabel[] = [];
  readonly #rows: BlockRows;
  readonly #words: BlockWords;
  readonly #hasTemplates: boolean;
  readonly #guard: BlockGuard | undefined;
  readonly #describe: ReturnType<typeof seriesDescriber>;
  readonly #buckets: ExplicitBuckets | undefined;
  readonly #bucketCount: number;
  readonly #hist: HistTable | undefined;
  readonly #traces = new TraceWeights();
  readonly #dimensions: DimensionReader | undefined;
  readonly #resources: ResourceRegister;
  readonly #monotonicMs: () => number;
  /** Which bits of name id << 5 | kind << 2 | status count. */
  readonly #mask: number;
  #durationBits: Uint32Array = new Uint32Array(0);

  constructor(dictionary: Dictionary, options: RedAggregatorOptions = {}) {
    const { boundsNs, excluded = new Set(), seriesLimit = DEFAULT_SERIES_LIMIT } = options;
    this.#dimensions = hasDimensions(options) ? new DimensionReader(options, seriesLimit) : undefined;
    const reader = this.#dimensions;
    this.#words = new BlockWords(dictionary);
    this.#describe = seriesDescriber(this.#words, {
      dimensionsOf: reader === undefined ? () => NO_DIMENSIONS : (tuple) => reader.valuesOf(tuple),
      extraOf: reader === undefined ? () => undefined : (tuple) => reader.extraOf(tuple),
    });
    const valuesOf = (tuple: number) => reader?.valuesOf(tuple) ?? [];
    const { spanNames = 'as_is' } = options;
    this.#hasTemplates = spanNames === 'templates';
    this.demand = new Demand(this.#words, valuesOf);
    this.templatedDemand = spanNames === 'dry_run' ? new Demand(this.#words, valuesOf, true) : undefined;
    const { blockLimits, dimensionNames = [], seriesPerService = seriesLimit } = options;
    this.series = new SeriesRegistry({
      limit: seriesLimit,
      perService: seriesPerService,
      describe: this.#describe,
    });
    if (blockLimits !== undefined) {
      this.#guard = new BlockGuard(blockLimits, this.#words, reader, dimensionNames);
    }
    this.rowOfSpan = options.rowOfSpan === true ? new Uint32Array(1024) : undefined;
    this.#resources = new ResourceRegister(dictionary, this.series.resources, seriesLimit);
    this.#buckets = boundsNs === undefined ? undefined : explicitBuckets(boundsNs);
    this.#bucketCount = boundsNs === undefined ? 0 : boundsNs.length + 1;
    this.#rows = new BlockRows(this.#bucketCount);
    this.#hist = options.histograms === true ? new HistTable() : undefined;
    this.#mask = seriesMask(excluded);
    this.#monotonicMs = options.monotonicMs ?? (() => 0);
  }

  /** The columns of the result are fresh and the caller's. */
  aggregate(batch: SpanBatch): RedRows {
    this.#rows.clear();
    this.#hist?.clear();
    this.#traces.clear();
    this.#resources.visit(batch);
    this.#count(batch, this.#dimensions?.tuplesOf(batch) ?? NO_TUPLES);
    const nowMs = this.#monotonicMs();
    this.series.at(nowMs);
    this.demand.note(this.#rows, nowMs);
    this.templatedDemand?.note(this.#rows, nowMs);
    this.#fold(batch.spans);
    return this.#emit();
  }

  #count(batch: SpanBatch, tuples: Uint32Array): void {
    const rows = this.#rows;
    const hist = this.#hist;
    const traces = this.#traces;
    const mask = this.#mask;
    const bucketCount = this.#bucketCount;
    const bounds = this.#buckets?.boundsNs ?? NO_BOUNDS;
    const candidates = this.#buckets?.candidates ?? NO_CANDIDATES;
    const bits = this.#bitsOf(batch.durationNs);
    const { spans, resource, nameId, kind, statusCode } = batch;
    const words = this.#words;
    const hasTemplates = this.#hasTemplates;
    const identityOf = words.begin(batch);
    const { startHi, startLo, durationNs, weight, traceIdAt, view } = batch;
    const hasTuples = tuples.length > 0;
    const rowOfSpan = this.#emptyRowOfSpan(spans);
    let knownHigh = -1;
    let windowBase = 0;
    let windowRest = 0;
    let skipped = 0;
    for (let i = 0; i < spans; i++) {
      const identity = identityOf[resource[i] as number] as number;
      if (identity === 0) {
        skipped++;
        continue;
      }
      const high = startHi[i] as number;
      if (high !== knownHigh) {
        knownHigh = high;
        windowBase = windowsBefore(high);
        windowRest = restNs(high);
      }
      const duration = durationNs[i] as number;
      const window = windowBase + Math.floor((windowRest + (startLo[i] as number) + duration) / WINDOW_NS);
      let name = nameId[i] as number;
      if (name === Interner.OVERFLOW) name = words.localName(batch, i);
      if (hasTemplates) name = words.templateOf(name);
      const ids = (name << 5) | ((kind[i] as number) << 2) | (statusCode[i] as number);
      const tuple = hasTuples ? (tuples[i] as number) : 0;
      const row = rows.rowOf(identity, (ids & mask) >>> 0, tuple, window);
      if (rowOfSpan !== undefined) rowOfSpan[i] = row;

      const spanWeight = weight[i] as number;
      const numbers = rows.numbers;
      const at = row * NUMBERS;
      numbers[at] = (numbers[at] as number) + 1;
      numbers[at + 1] = (numbers[at + 1] as number) + spanWeight;
      if (spanWeight > 1) traces.add(row, view, traceIdAt[i] as number, spanWeight);
      numbers[at + 2] = (numbers[at + 2] as number) + spanWeight * duration;
      if (duration > (numbers[at + 3] as number)) numbers[at + 3] = duration;

      const durationClass = classOf(bits[2 * i + HIGH_WORD] as number);
      if (bucketCount > 0) {
        let bucket = candidates[durationClass] as number;
        while (bucket < bounds.length && duration > (bounds[bucket] as number)) bucket++;
        const buckets = rows.buckets;
        const to = row * bucketCount + bucket;
        buckets[to] = (buckets[to] as number) + spanWeight;
      }
      if (hist !== undefined) hist.add(row, duration, durationClass, spanWeight);
    }
    this.skippedNoService += skipped;
  }

  #fold(spans: number): void {
    this.folded = [];
    const folding = this.#guard?.judge(this.#rows);
    if (folding === undefined) return;
    const { keys, labels, target } = folding;
    this.folded = labels;
    this.#rows.fold(target, keys);
    this.#hist?.fold(target);
    this.#traces.fold(target);
    const rows = this.rowOfSpan;
    if (rows === undefined) return;
    for (let i = 0; i < spans; i++) if (rows[i] !== NO_ROW) rows[i] = target[rows[i] as number] as number;
  }

  #emptyRowOfSpan(spans: number): Uint32Array | undefined {
    if (this.rowOfSpan === undefined) return undefined;
    if (this.rowOfSpan.length < spans) this.rowOfSpan = new Uint32Array(spans * 2);
    return this.rowOfSpan.fill(NO_ROW, 0, spans);
  }

  /** The durations' bits; a batch keeps its columns, so that the view is rarely made anew. */
  #bitsOf(durationNs: Float64Array): Uint32Array {
    const { buffer, byteOffset, length } = durationNs;
    const bits = this.#durationBits;
    if (bits.buffer === buffer && bits.byteOffset === byteOffset && bits.length === length * 2) return bits;
    this.#durationBits = new Uint32Array(buffer, byteOffset, length * 2);
    return this.#durationBits;
  }

  #emit(): RedRows {
    const { rows, keys, numbers, buckets } = this.#rows;
    const windowS = new Float64Array(rows);
    const spans = new Float64Array(rows);
    const calls = new Float64Array(rows);
    const durationSumNs = new Float64Array(rows);
    const durationMaxNs = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const at = row * NUMBERS;
      windowS[row] = (keys[row * ROW_KEY + 3] as number) * WINDOW_SECONDS;
      spans[row] = numbers[at] as number;
      calls[row] = numbers[at + 1] as number;
      durationSumNs[row] = numbers[at + 2] as number;
      durationMaxNs[row] = numbers[at + 3] as number;
    }
    const { series, ownKeys } = this.#seriesOf(rows, keys, spans);
    const traces = this.#traces.byRow(rows);
    const hist = this.#hist?.sorted(rows);
    return {
      rows,
      windowS,
      series,
      keys: this.series.keys,
      ...(ownKeys.length > 0 ? { ownKeys } : {}),
      spans,
      calls,
      weightSquares: traces.squares,
      weightMax: traces.largest,
      durationSumNs,
      durationMaxNs,
      buckets: buckets.slice(0, rows * this.#bucketCount),
      histEntries: hist?.index.length ?? 0,
      histAt: hist?.at ?? new Uint32Array(rows + 1),
      histIndex: hist?.index ?? new Int16Array(0),
      histCount: hist?.count ?? new Float64Array(0),
    };
  }

  #seriesOf(rows: number, keys: Uint32Array, spans: Float64Array) {
    const series = new Uint32Array(rows);
    const ownKeys: SeriesKey[] = [];
    for (let row = 0; row < rows; row++) {
      const at = row * ROW_KEY;
      const [identity, ids, tuple] = [keys[at] as number, keys[at + 1] as number, keys[at + 2] as number];
      const id = this.series.idOf(identity, ids, tuple);
      if (this.series.isOverflow(id)) this.overflowedSpans += spans[row] as number;
      series[row] = id === NO_SERIES ? OWN_KEY + ownKeys.length : id;
      if (id === NO_SERIES) ownKeys.push(this.#describe(identity, ids, tuple));
    }
    return { series, ownKeys };
  }
}

/** Which bits of name id << 5 | kind << 2 | status count. */
export function seriesMask(excluded: ReadonlySet<DefaultDimension>): number {
  return (
    (excluded.has('span.name') ? 0 : ~31) |
    (excluded.has('span.kind') ? 0 : 7 << 2) |
    (excluded.has('status.code') ? 0 : 3)
  );
}

const NO_BOUNDS = new Float64Array(0);
const NO_CANDIDATES = new Uint16Array(CLASSES);
