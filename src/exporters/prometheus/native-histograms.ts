import type { DurationUnit } from '../../red/red-description.ts';
import { SCALE, ZERO_INDEX } from '../../sketch/exponential.ts';

/** Prometheus knows schemas down to -4. */
const MOST_HALVINGS = SCALE + 4;

/**
 * From a bucket in seconds to the nearest in ms: log2(1000) doublings are 159.45 buckets, so that what is shown
 * in ms is 2 % too low.
 */
const SHIFTS: Readonly<Record<DurationUnit, number>> = { s: 0, ms: 159 };

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
  readonly #shift: number;
  readonly #series: (NativeHistogram | undefined)[] = [];

  constructor(maxSize: number, unit: DurationUnit) {
    this.#maxSize = maxSize;
    this.#shift = SHIFTS[unit];
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
      else this.#count(histogram, index + this.#shift, count);
    }
  }

  clear(id: number): void {
    this.#series[id] = undefined;
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
