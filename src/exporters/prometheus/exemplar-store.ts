import type { Exemplars } from '../../red/red-rows.ts';

const TRACE_ID = 16;
const SPAN_ID = 8;
/** A native histogram has no buckets to hang a span on: one for each power of ten ns. */
const DECADES = 13;

/**
 * One span for each bucket of each series: the one that ended last, since Prometheus wants them in the order
 * of time.
 */
export class ExemplarStore {
  /** Buckets of a series. */
  readonly width: number;
  readonly #boundsNs: readonly number[] | undefined;
  /** Per series and bucket: entry + 1, 0 = none. */
  #entries = new Uint32Array(0);
  readonly #free: number[] = [];
  #used = 0;
  #traceIds = Buffer.alloc(0);
  #spanIds = Buffer.alloc(0);
  #durationNs = new Float64Array(0);
  #endMs = new Float64Array(0);

  /** `boundsNs` of the explicit histogram; without one a bucket is a power of ten. */
  constructor(boundsNs: readonly number[] | undefined) {
    this.#boundsNs = boundsNs;
    this.width = boundsNs === undefined ? DECADES : boundsNs.length + 1;
  }

  put(id: number, from: Exemplars, index: number): void {
    const durationNs = from.durationNs[index] as number;
    const endMs = from.endMs[index] as number;
    const place = id * this.width + this.#bucketOf(durationNs);
    this.#reserve(place);
    let entry = (this.#entries[place] as number) - 1;
    if (entry < 0) {
      entry = this.#free.pop() ?? this.#next();
      this.#entries[place] = entry + 1;
    } else if (endMs < (this.#endMs[entry] as number)) {
      return;
    }
    this.#traceIds.set(from.traceIds.subarray(index * TRACE_ID, (index + 1) * TRACE_ID), entry * TRACE_ID);
    this.#spanIds.set(from.spanIds.subarray(index * SPAN_ID, (index + 1) * SPAN_ID), entry * SPAN_ID);
    this.#durationNs[entry] = durationNs;
    this.#endMs[entry] = endMs;
  }

  /** Entry of a series' bucket; -1 = none. */
  at(id: number, bucket: number): number {
    return (this.#entries[id * this.width + bucket] ?? 0) - 1;
  }

  /** The newest entry of a series; -1 = none. */
  newest(id: number): number {
    let newest = -1;
    for (let bucket = 0; bucket < this.width; bucket++) {
      const entry = this.at(id, bucket);
      if (entry >= 0 && (newest < 0 || this.endMs(entry) > this.endMs(newest))) newest = entry;
    }
    return newest;
  }

  clear(id: number): void {
    for (let bucket = 0; bucket < this.width; bucket++) {
      const entry = this.at(id, bucket);
      if (entry < 0) continue;
      this.#free.push(entry);
      this.#entries[id * this.width + bucket] = 0;
    }
  }

  traceId(entry: number): string {
    return this.#traceIds.toString('hex', entry * TRACE_ID, (entry + 1) * TRACE_ID);
  }

  spanId(entry: number): string {
    return this.#spanIds.toString('hex', entry * SPAN_ID, (entry + 1) * SPAN_ID);
  }

  durationNs(entry: number): number {
    return this.#durationNs[entry] as number;
  }

  endMs(entry: number): number {
    return this.#endMs[entry] as number;
  }

  #bucketOf(durationNs: number): number {
    const bounds = this.#boundsNs;
    if (bounds === undefined) {
      let decade = 0;
      for (let end = 10; durationNs >= end && decade < DECADES - 1; end *= 10) decade++;
      return decade;
    }
    let bucket = 0;
    while (bucket < bounds.length && durationNs > (bounds[bucket] as number)) bucket++;
    return bucket;
  }

  #next(): number {
    const entry = this.#used++;
    if (entry < this.#endMs.length) return entry;
    const size = Math.max(256, entry * 2);
    this.#traceIds = Buffer.concat([this.#traceIds], size * TRACE_ID);
    this.#spanIds = Buffer.concat([this.#spanIds], size * SPAN_ID);
    const durationNs = new Float64Array(size);
    durationNs.set(this.#durationNs);
    this.#durationNs = durationNs;
    const endMs = new Float64Array(size);
    endMs.set(this.#endMs);
    this.#endMs = endMs;
    return entry;
  }

  #reserve(place: number): void {
    if (place < this.#entries.length) return;
    const larger = new Uint32Array(Math.max(1024, (place + this.width) * 2));
    larger.set(this.#entries);
    this.#entries = larger;
  }
}
