import type { Interner } from './interner.ts';
import { ScanError } from './scan-error.ts';
import type { ScanLimits } from './scan-limits.ts';
import { NONE, QUALITY, type SpanBatch } from './span-batch.ts';
import { weigh } from './weigh.ts';
import { isZero, refuseKnown, WIRE, Wire } from './wire.ts';

/** Tags of Span: field number * 8 + wire type. */
const TRACE_ID = 0x0a;
const SPAN_ID = 0x12;
const TRACE_STATE = 0x1a;
const PARENT_ID = 0x22;
const NAME = 0x2a;
const KIND = 0x30;
const START = 0x39;
const END = 0x41;
const ATTRIBUTES = 0x4a;
const EVENTS = 0x5a;
const LINKS = 0x6a;
const STATUS = 0x7a;
const FLAGS = 0x85;
/** As a varint that tag has two bytes, of which the second is 1. */
const FLAGS_FIRST_BYTE = 0x85;
/** Tags of Status. */
const MESSAGE = 0x12;
const CODE = 0x18;

/** An import would be looked up anew for every field. */
const LENGTH_DELIMITED = WIRE.len;
/** How nearly all spans begin: tag and length of a trace id (16 bytes) and of a span id (8), little-endian. */
const IDS_BEGIN = 0x100a;
const SPAN_ID_BEGINS = 0x0812;
const IDS_BYTES = 28;

/** Bit per field number that is read: with another wire type it is an error. */
const READ_IN_SPAN = 0b1_1010_1011_1111_1110;
const READ_IN_STATUS = 0b1100;

const TWO_32 = 2 ** 32;
const NS_PER_MS = 1e6;
/** Largest Unix ms whose ns fit into 64 bits. */
const MAX_TIMESTAMP_MS = 18_446_744_073_709;

/** Reads Span messages into rows of a batch. The heart of the scanner: see OtlpScanner for the rules. */
export class SpanReader {
  readonly #names: Interner;
  readonly #limits: ScanLimits;
  readonly #weighs: boolean;
  readonly #wire = new Wire();
  #earliestNs = 0;
  #latestNs = 0;
  #recordLo = 0;
  #recordHi = 0;

  constructor(names: Interner, limits: ScanLimits) {
    this.#names = names;
    this.#limits = limits;
    this.#weighs = limits.weights === 'tracestate';
  }

  /** Times of the spans that follow are judged against this record; <= 0: not at all. */
  judgeTimesBy(timestampMs: number): void {
    if (!(timestampMs > 0)) {
      this.#earliestNs = Number.NEGATIVE_INFINITY;
      this.#latestNs = Number.POSITIVE_INFINITY;
      return;
    }
    const ms = Math.min(Math.floor(timestampMs), MAX_TIMESTAMP_MS);
    this.#earliestNs = (ms - this.#limits.pastMs) * NS_PER_MS;
    this.#latestNs = (ms + this.#limits.futureMs) * NS_PER_MS;
    // ms * 1e6 needs more than 53 bits: multiply the upper and the lower part apart.
    const upper = Math.floor(ms / 65_536) * NS_PER_MS;
    const lower = (upper % 65_536) * 65_536 + (ms % 65_536) * NS_PER_MS;
    this.#recordLo = lower % TWO_32;
    this.#recordHi = Math.floor(upper / 65_536) + Math.floor(lower / TWO_32);
  }

  /** The Span message in [from, end) of the batch's arena becomes `row`. Throws ScanError. */
  // oxlint-disable-next-line eslint/complexity -- one flat loop over a span's fields is what makes it fast
  read(batch: SpanBatch, row: number, from: number, end: number): void {
    const bytes: Uint8Array = batch.arena;
    const view = batch.view;
    let traceIdAt = NONE;
    let spanIdAt = NONE;
    let parentIdAt = NONE;
    let quality = 0;
    let nameAt = 0;
    let nameLength = 0;
    let attributesAt = 0;
    let attributesEnd = 0;
    let startLo = 0;
    let startHi = 0;
    let endLo = 0;
    let endHi = 0;
    let at = from;
    if (end - from >= IDS_BYTES && view.getUint16(at, true) === IDS_BEGIN) {
      if (view.getUint16(at + 18, true) === SPAN_ID_BEGINS) {
        traceIdAt = at + 2;
        spanIdAt = at + 20;
        at += IDS_BYTES;
      }
    }
    while (at < end) {
      const tagAt = at;
      const tag = bytes[at++] as number;
      if ((tag & 0x87) === LENGTH_DELIMITED) {
        if (at >= end) throw new ScanError('truncated');
        let length = bytes[at++] as number;
        if (length >= 0x80) {
          length = this.#wire.length(bytes, at - 1, end);
          at = this.#wire.at;
        } else if (length > end - at) throw new ScanError('length_out_of_range');
        const valueAt = at;
        at += length;
        switch (tag) {
          case TRACE_ID:
            traceIdAt = length === 16 ? valueAt : NONE;
            break;
          case SPAN_ID:
            spanIdAt = length === 8 ? valueAt : NONE;
            break;
          case PARENT_ID:
            parentIdAt = length === 8 ? valueAt : NONE;
            quality = length === 8 || length === 0 ? 0 : QUALITY.invalidId;
            break;
          case NAME:
            nameAt = valueAt;
            nameLength = length;
            break;
          case ATTRIBUTES:
            if (attributesAt === 0) attributesAt = tagAt;
            at = this.#skipMore(bytes, at, end, ATTRIBUTES);
            attributesEnd = at;
            break;
          default:
            this.#lesser(batch, row, tag, tagAt, valueAt, at);
        }
      } else if (tag === START) {
        if (end - at < 8) throw new ScanError('truncated');
        startLo = view.getUint32(at, true);
        startHi = view.getUint32(at + 4, true);
        at += 8;
      } else if (tag === END) {
        if (end - at < 8) throw new ScanError('truncated');
        endLo = view.getUint32(at, true);
        endHi = view.getUint32(at + 4, true);
        at += 8;
      } else at = this.#scalar(batch, row, tagAt, end);
    }
    this.#ids(batch, row, traceIdAt, spanIdAt, parentIdAt, quality);
    batch.nameId[row] = this.#names.intern(bytes, nameAt, nameLength, view);
    batch.nameAt[row] = nameAt;
    batch.nameLength[row] = nameLength;
    batch.spanAt[row] = from;
    batch.spanEnd[row] = end;
    batch.attributesAt[row] = attributesAt;
    batch.attributesEnd[row] = attributesEnd;
    batch.weight[row] = 1;
    this.#times(batch, row, startLo, startHi, endLo, endHi);
    if (this.#weighs && batch.traceStateLength[row] !== 0) weigh(batch, row, this.#limits.weightMax);
  }

  /** A length-delimited field that few spans have, or none that is read. */
  #lesser(batch: SpanBatch, row: number, tag: number, tagAt: number, valueAt: number, end: number): void {
    switch (tag) {
      case EVENTS:
        if (batch.eventsAt[row] === 0) batch.eventsAt[row] = tagAt;
        batch.eventsEnd[row] = end;
        break;
      case LINKS:
        if (batch.linksAt[row] === 0) batch.linksAt[row] = tagAt;
        batch.linksEnd[row] = end;
        break;
      case STATUS:
        this.#status(batch, row, valueAt, end);
        break;
      case TRACE_STATE:
        batch.traceStateAt[row] = valueAt;
        batch.traceStateLength[row] = end - valueAt;
        break;
      default:
        refuseKnown(tag, READ_IN_SPAN);
    }
  }

  /** An id of nothing but zeros is none. */
  #ids(
    batch: SpanBatch,
    row: number,
    traceIdAt: number,
    spanIdAt: number,
    parentIdAt: number,
    parentQuality: number,
  ): void {
    const bytes: Uint8Array = batch.arena;
    const noTrace = traceIdAt === NONE || (bytes[traceIdAt] === 0 && isZero(bytes, traceIdAt, 16));
    const noSpan = spanIdAt === NONE || (bytes[spanIdAt] === 0 && isZero(bytes, spanIdAt, 8));
    const noParent = parentIdAt === NONE || (bytes[parentIdAt] === 0 && isZero(bytes, parentIdAt, 8));
    batch.traceIdAt[row] = noTrace ? NONE : traceIdAt;
    batch.spanIdAt[row] = noSpan ? NONE : spanIdAt;
    batch.parentIdAt[row] = noParent ? NONE : parentIdAt;
    batch.quality[row] = noTrace || noSpan ? QUALITY.invalidId : parentQuality;
  }

  /** Elements of a repeated field mostly stand together: the position behind the last of them. */
  #skipMore(bytes: Uint8Array, from: number, end: number, tag: number): number {
    let at = from;
    while (at < end && bytes[at] === tag) {
      if (at + 1 >= end) throw new ScanError('truncated');
      let length = bytes[at + 1] as number;
      at += 2;
      if (length >= 0x80) {
        length = this.#wire.length(bytes, at - 1, end);
        at = this.#wire.at;
      } else if (length > end - at) throw new ScanError('length_out_of_range');
      at += length;
    }
    return at;
  }

  /** Any field that is neither length-delimited nor a time; returns the position behind it. */
  #scalar(batch: SpanBatch, row: number, tagAt: number, end: number): number {
    const wire = this.#wire;
    const bytes: Uint8Array = batch.arena;
    // As senders write the two; what follows reads any way of writing them.
    if (end - tagAt >= 2 && bytes[tagAt] === KIND && (bytes[tagAt + 1] as number) <= 5) {
      batch.kind[row] = bytes[tagAt + 1] as number;
      return tagAt + 2;
    }
    if (end - tagAt >= 6 && bytes[tagAt] === FLAGS_FIRST_BYTE && bytes[tagAt + 1] === 1) {
      batch.flags[row] = batch.view.getUint32(tagAt + 2, true);
      return tagAt + 6;
    }
    const tag = wire.tag(bytes, tagAt, end);
    // A tag in more bytes than it needs: legal, but nobody writes it, and it would slip past the loop above.
    if (tag < 0x80 && (bytes[tagAt] as number) >= 0x80) throw new ScanError('varint_too_long');
    if (tag === KIND) {
      const kind = wire.varint(bytes, wire.at, end);
      batch.kind[row] = kind <= 5 ? kind : 0;
      return wire.at;
    }
    if (tag === FLAGS) {
      batch.flags[row] = wire.fixed32(bytes, wire.at, end);
      return wire.at;
    }
    return wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_SPAN);
  }

  #status(batch: SpanBatch, row: number, from: number, end: number): void {
    const wire = this.#wire;
    const bytes: Uint8Array = batch.arena;
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === CODE) {
        const code = wire.varint(bytes, wire.at, end);
        batch.statusCode[row] = code <= 2 ? code : 0;
        at = wire.at;
      } else if (tag === MESSAGE) {
        const length = wire.length(bytes, wire.at, end);
        batch.statusMessageAt[row] = wire.at;
        batch.statusMessageLength[row] = length;
        at = wire.at + length;
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_STATUS);
    }
  }

  #times(
    batch: SpanBatch,
    row: number,
    startLo: number,
    startHi: number,
    endLo: number,
    endHi: number,
  ): void {
    const startNs = startHi * TWO_32 + startLo;
    const endNs = endHi * TWO_32 + endLo;
    // Both differences are exact, so the sum is rounded once at most.
    let durationNs = (endHi - startHi) * TWO_32 + (endLo - startLo);
    if (durationNs < 0) {
      durationNs = 0;
      batch.quality[row] = (batch.quality[row] as number) | QUALITY.negativeDuration;
    }
    const earliestNs = this.#earliestNs;
    const latestNs = this.#latestNs;
    if (startNs >= earliestNs && startNs <= latestNs && endNs >= earliestNs && endNs <= latestNs) {
      batch.startLo[row] = startLo;
      batch.startHi[row] = startHi;
    } else {
      batch.startLo[row] = this.#recordLo;
      batch.startHi[row] = this.#recordHi;
      if (durationNs > this.#limits.pastMs * NS_PER_MS) durationNs = 0;
      const isLate = startNs < earliestNs || endNs < earliestNs;
      batch.quality[row] =
        (batch.quality[row] as number) | QUALITY.clampedTime | (isLate ? QUALITY.tooLate : 0);
    }
    batch.durationNs[row] = durationNs;
  }
}
