import type { DurationUnit } from '../../red/red-description.ts';
import { SCALE, ZERO_INDEX } from '../../sketch/exponential.ts';

/** Prometheus knows schemas down to -4. */
const MOST_HALVINGS = SCALE + 4;

/**
 * Buckets are cut in seconds, and ms are log2(1000) doublings = 159.45 buckets further: what was in one bucket of
 * seconds lies in two of ms. It is shared out as if it were spread evenly (by its logarithm), in whole numbers
 * as long as it came in such, so that quantiles are not biased and off by one bucket at most.
 */
const MS_BUCKETS = Math.log2(1000) * 2 ** SCALE;
const MS_SHIFT = Math.floor(MS_BUCKETS);
/** Of a bucket in seconds, what lies in the lower one in ms. */
const LOWER_SHARE = 1 - (MS_BUCKETS - MS_SHIFT);

/** Entries of a delta's exponential histograms (see RedRows). */
export interface HistColumns {
  readonly histAt: Uint32Array;
  readonly histIndex: Int16Array;
  readonly histCount: Float64Array;
}

/** One series' histogram. Bucket `first + i` ends at 2^((first + i + 1) / 2^schema) units. */
export interface NativeHistogram {
  /** 2^schema buckets per doubling. */
  schema: number;
  zero: number;
  first: number;
  counts: Float64Array;
  /** A count was not whole: from then on counts are shown as floats. */
  isFloat: boolean;
}

/**
 * Exponential histograms of many series. One whose buckets would be more than `maxSize` gets buckets twice as
 * wide, as often as it takes.
 */
export class NativeHistograms {
  readonly #maxSize: number;
  readonly #inMs: boolean;
  /** What the lower buckets still have to get, below 1. */
  #owed = 0;
  readonly #series: (NativeHistogram | undefined)[] = [];

  constructor(maxSize: number, unit: DurationUnit) {
    this.#maxSize = maxSize;
    this.#inMs = unit === 'ms';
  }

  of(id: number): NativeHistogram {
    let histogram = this.#series[id];
    if (histogram === undefined) {
      histogram = { schema: SCALE, zero: 0, first: 0, counts: new Float64Array(0), isFloat: false };
      this.#series[id] = histogram;
    }
    return histogram;
  }

  add(id: number, row: number, { histAt, histIndex, histCount }: HistColumns): void {
    const histogram = this.of(id);
    for (let e = histAt[row] as number; e < (histAt[row + 1] as number); e++) {
      const count = histCount[e] as number;
      if (!Number.isInteger(count)) histogram.isFloat = true;
      const index = histIndex[e] as number;
      if (index === ZERO_INDEX) histogram.zero += count;
      else if (this.#inMs) this.#share(histogram, index + MS_SHIFT, count);
      else this.#count(histogram, index, count);
    }
  }

  clear(id: number): void {
    this.#series[id] = undefined;
  }

  #share(histogram: NativeHistogram, index: number, count: number): void {
    this.#owed += count * LOWER_SHARE;
    const lower = Number.isInteger(count) ? Math.min(count, Math.floor(this.#owed)) : count * LOWER_SHARE;
    this.#owed -= lower;
    if (lower > 0) this.#count(histogram, index, lower);
    if (lower < count) this.#count(histogram, index + 1, count - lower);
  }

  #count(histogram: NativeHistogram, index: number, count: number): void {
    let bucket = index >> (SCALE - histogram.schema);
    while (!fits(histogram, bucket, this.#maxSize)) {
      if (SCALE - histogram.schema === MOST_HALVINGS) break;
      halve(histogram);
      bucket = index >> (SCALE - histogram.schema);
    }
    cover(histogram, bucket);
    const at = bucket - histogram.first;
    histogram.counts[at] = (histogram.counts[at] as number) + count;
  }
}

function fits({ first, counts }: NativeHistogram, bucket: number, maxSize: number): boolean {
  if (counts.length === 0) return true;
  return Math.max(first + counts.length - 1, bucket) - Math.min(first, bucket) < maxSize;
}

function halve(histogram: NativeHistogram): void {
  const { first, counts } = histogram;
  const newFirst = first >> 1;
  const halved = new Float64Array(((first + counts.length - 1) >> 1) - newFirst + 1);
  for (let i = 0; i < counts.length; i++) {
    const to = ((first + i) >> 1) - newFirst;
    halved[to] = (halved[to] as number) + (counts[i] as number);
  }
  histogram.first = newFirst;
  histogram.counts = halved;
  histogram.schema--;
}

/** Makes room for a bucket. */
function cover(histogram: NativeHistogram, bucket: number): void {
  const { first, counts } = histogram;
  if (counts.length === 0) {
    histogram.first = bucket;
    histogram.counts = new Float64Array(1);
    return;
  }
  const from = Math.min(first, bucket);
  const size = Math.max(first + counts.length, bucket + 1) - from;
  if (size === counts.length) return;
  const larger = new Float64Array(size);
  larger.set(counts, first - from);
  histogram.first = from;
  histogram.counts = larger;
}
