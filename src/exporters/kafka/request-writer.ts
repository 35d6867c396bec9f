import { assert } from '../../base/assert.ts';
import type { SpanBatch } from '../../span/span-batch.ts';

/**
 * Builds ExportTraceServiceRequests out of a batch's own bytes: Resource, InstrumentationScope and Span messages
 * are copied, nothing is decoded. Spans are given as indexes; neighbours with the same resource and scope share
 * their ResourceSpans and ScopeSpans. The batch holds no schema_url, so the requests have none.
 */
export class RequestWriter {
  readonly #batch: SpanBatch;
  readonly #spans: Uint32Array;
  /** Lengths of the ResourceSpans and ScopeSpans of the request in hand, in writing order. */
  readonly #lengths: number[] = [];
  #out: Buffer = Buffer.alloc(0);
  #at = 0;

  /** `spans` are indexes into `batch`; the ranges below are positions in it. */
  constructor(batch: SpanBatch, spans: Uint32Array) {
    this.#batch = batch;
    this.#spans = spans;
  }

  /** The end of the longest range from `from` (at most to `end`) whose request has at most `maxBytes`. */
  cut(from: number, end: number, maxBytes: number): number {
    let bytes = 0;
    let at = from;
    for (; at < end; at++) {
      // Upper bound: as if every length took 5 bytes, and each new resource and scope came on top.
      bytes += this.#spanBytes(at) + 6;
      if (at === from || this.#resourceOf(at) !== this.#resourceOf(at - 1))
        bytes += this.#resourceBytes(at) + 18;
      if (at === from || !this.#hasScopeOf(at, at - 1)) bytes += this.#scopeBytes(at) + 12;
      if (bytes > maxBytes) break;
    }
    return at;
  }

  /** The request of the spans in [from, to). */
  write(from: number, to: number): Buffer {
    const size = this.#measure(from, to);
    this.#out = Buffer.allocUnsafe(size);
    this.#at = 0;
    let next = 0;
    for (let i = from; i < to; ) {
      const resourceEnd = this.#runEnd(i, to, false);
      this.#lengthPrefix(0x0a, this.#lengths[next++] as number);
      this.#copyField(0x0a, this.#batch.resourceAt, this.#batch.resourceEnd, this.#resourceOf(i));
      while (i < resourceEnd) {
        const scopeEnd = this.#runEnd(i, resourceEnd, true);
        this.#lengthPrefix(0x12, this.#lengths[next++] as number);
        this.#copyField(0x0a, this.#batch.scopeAt, this.#batch.scopeEnd, this.#scopeOf(i));
        for (; i < scopeEnd; i++) this.#copySpan(i);
      }
    }
    assert(this.#at === size, 'a request has the size that was measured');
    return this.#out;
  }

  #measure(from: number, to: number): number {
    this.#lengths.length = 0;
    let total = 0;
    for (let i = from; i < to; ) {
      const resourceEnd = this.#runEnd(i, to, false);
      const slot = this.#lengths.push(0) - 1;
      let resourceLength = fieldLength(this.#resourceBytes(i));
      while (i < resourceEnd) {
        const scopeEnd = this.#runEnd(i, resourceEnd, true);
        let scopeLength = fieldLength(this.#scopeBytes(i));
        for (; i < scopeEnd; i++) scopeLength += withPrefix(this.#spanBytes(i));
        this.#lengths.push(scopeLength);
        resourceLength += withPrefix(scopeLength);
      }
      this.#lengths[slot] = resourceLength;
      total += withPrefix(resourceLength);
    }
    return total;
  }

  #runEnd(from: number, to: number, isByScope: boolean): number {
    let end = from + 1;
    while (
      end < to &&
      (isByScope ? this.#hasScopeOf(end, from) : this.#resourceOf(end) === this.#resourceOf(from))
    ) {
      end++;
    }
    return end;
  }

  #hasScopeOf(a: number, b: number): boolean {
    return this.#scopeOf(a) === this.#scopeOf(b) && this.#resourceOf(a) === this.#resourceOf(b);
  }

  #resourceOf(at: number): number {
    return this.#batch.resource[this.#spans[at] as number] as number;
  }

  #scopeOf(at: number): number {
    return this.#batch.scope[this.#spans[at] as number] as number;
  }

  #spanBytes(at: number): number {
    const span = this.#spans[at] as number;
    return (this.#batch.spanEnd[span] as number) - (this.#batch.spanAt[span] as number);
  }

  #resourceBytes(at: number): number {
    return length(this.#batch.resourceAt, this.#batch.resourceEnd, this.#resourceOf(at));
  }

  #scopeBytes(at: number): number {
    return length(this.#batch.scopeAt, this.#batch.scopeEnd, this.#scopeOf(at));
  }

  #copySpan(at: number): void {
    const span = this.#spans[at] as number;
    this.#lengthPrefix(0x12, this.#spanBytes(at));
    this.#copy(this.#batch.spanAt[span] as number, this.#batch.spanEnd[span] as number);
  }

  /** An absent message (an empty range) stays absent. */
  #copyField(tag: number, at: Uint32Array, end: Uint32Array, index: number): void {
    const bytes = length(at, end, index);
    if (bytes === 0) return;
    this.#lengthPrefix(tag, bytes);
    this.#copy(at[index] as number, end[index] as number);
  }

  #copy(from: number, to: number): void {
    this.#at += this.#batch.arena.copy(this.#out, this.#at, from, to);
  }

  #lengthPrefix(tag: number, bytes: number): void {
    this.#out[this.#at++] = tag;
    let rest = bytes;
    for (; rest >= 0x80; rest >>>= 7) this.#out[this.#at++] = (rest & 0x7f) | 0x80;
    this.#out[this.#at++] = rest;
  }
}

function length(at: Uint32Array, end: Uint32Array, index: number): number {
  return (end[index] as number) - (at[index] as number);
}

/** Of a message that is left out when empty. */
function fieldLength(bytes: number): number {
  return bytes === 0 ? 0 : withPrefix(bytes);
}

/** Of a field with one byte of tag, its length and its body. */
function withPrefix(bytes: number): number {
  const prefix = bytes < 0x80 ? 1 : bytes < 0x4000 ? 2 : bytes < 0x20_0000 ? 3 : bytes < 0x1000_0000 ? 4 : 5;
  return 1 + prefix + bytes;
}
