import type { Dictionary } from './dictionary.ts';
import { ResourceCache } from './resource-cache.ts';
import { ScanError } from './scan-error.ts';
import { DEFAULT_SCAN_LIMITS, type ScanLimits } from './scan-limits.ts';
import type { SpanBatch } from './span-batch.ts';
import { SpanReader } from './span-reader.ts';
import { Wire } from './wire.ts';

/** Where a payload came from. A timestamp <= 0 is no timestamp: then no time is judged. */
export interface ScannedRecord {
  readonly offset: number;
  readonly timestampMs: number;
}

/** Tags: field number * 8 + wire type. */
const RESOURCE_SPANS = 0x0a;
const RESOURCE = 0x0a;
const SCOPE_SPANS = 0x12;
const SCOPE = 0x0a;
const SPAN = 0x12;

/** Bit per field number that is read: with another wire type it is an error. */
const READ_IN_TRACES = 1 << 1;
const READ_IN_GROUPS = (1 << 1) | (1 << 2);

/**
 * OTLP protobuf bytes (ExportTraceServiceRequest = TracesData) to columns, in one pass that looks only at
 * what becomes a column: attributes, events and links are skipped by length, so a payload with broken
 * attributes is taken and their readers stop where they break.
 *
 * Protobuf's rules hold: the last scalar wins, a message field that comes twice merges, unknown fields are
 * skipped. Stricter than protobuf, as the collector: a field that is read and has a wrong wire type, a group
 * and field number 0 are errors. Tags and lengths take at most 5 bytes.
 */
export class OtlpScanner {
  readonly #resources: ResourceCache;
  readonly #reader: SpanReader;
  readonly #maxSpans: number;
  readonly #wire = new Wire();
  #record = 0;
  #spansLeft = 0;

  constructor(dictionary: Dictionary, limits: Partial<ScanLimits> = {}) {
    const all = { ...DEFAULT_SCAN_LIMITS, ...limits };
    this.#resources = new ResourceCache(dictionary);
    this.#reader = new SpanReader(dictionary.names, all);
    this.#maxSpans = all.maxSpans;
  }

  /** Copies and scans a payload; returns how many spans it held. Throws ScanError, and then `batch` is as it was. */
  append(batch: SpanBatch, payload: Uint8Array, record: ScannedRecord): number {
    if (!batch.hasRoomFor(payload.length)) throw new ScanError('too_large');
    const mark = batch.mark();
    try {
      const at = batch.reserve(payload.length);
      const end = at + payload.length;
      batch.arena.set(payload, at);
      this.#record = batch.addRecord(record.offset, record.timestampMs, at, end);
      this.#spansLeft = this.#maxSpans;
      this.#reader.judgeTimesBy(record.timestampMs);
      this.#traces(batch, at, end);
    } catch (error) {
      batch.rollback(mark);
      throw error;
    }
    return batch.spans - mark.spans;
  }

  #traces(batch: SpanBatch, from: number, end: number): void {
    const wire = this.#wire;
    const bytes = batch.arena;
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === RESOURCE_SPANS) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        this.#resourceSpans(batch, at - length, at);
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_TRACES);
    }
  }

  #resourceSpans(batch: SpanBatch, from: number, end: number): void {
    const wire = this.#wire;
    const bytes = batch.arena;
    const resource = batch.addResource();
    let parts = 0;
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === RESOURCE) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        batch.resourceAt[resource] = at - length;
        batch.resourceEnd[resource] = at;
        parts++;
      } else if (tag === SCOPE_SPANS) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        this.#scopeSpans(batch, at - length, at, resource);
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_GROUPS);
    }
    if (parts === 0) return;
    if (parts > 1) {
      batch.resourceAt[resource] = this.#joinParts(batch, from, end);
      batch.resourceEnd[resource] = batch.arenaUsed;
    }
    const resourceAt = batch.resourceAt[resource] as number;
    const resourceEnd = batch.resourceEnd[resource] as number;
    batch.resourceIdentity[resource] = this.#resources.identityOf(
      batch.arena,
      resourceAt,
      resourceEnd,
      batch.view,
    );
  }

  #scopeSpans(batch: SpanBatch, from: number, end: number, resource: number): void {
    const wire = this.#wire;
    const bytes = batch.arena;
    const scope = batch.addScope();
    let parts = 0;
    let at = from;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === SPAN) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        if (this.#spansLeft-- === 0) throw new ScanError('too_many_spans');
        const row = batch.spans;
        if (row === batch.spanCapacity) batch.growSpans();
        batch.resource[row] = resource;
        batch.scope[row] = scope;
        batch.record[row] = this.#record;
        this.#reader.read(batch, row, at - length, at);
        batch.spans = row + 1;
      } else if (tag === SCOPE) {
        const length = wire.length(bytes, wire.at, end);
        at = wire.at + length;
        batch.scopeAt[scope] = at - length;
        batch.scopeEnd[scope] = at;
        parts++;
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_GROUPS);
    }
    if (parts < 2) return;
    batch.scopeAt[scope] = this.#joinParts(batch, from, end);
    batch.scopeEnd[scope] = batch.arenaUsed;
  }

  /** All occurrences of field 1 one after the other, which to protobuf is their merger. Returns where. */
  #joinParts(batch: SpanBatch, from: number, end: number): number {
    const wire = this.#wire;
    const joinedAt = batch.arenaUsed;
    let at = from;
    while (at < end) {
      const tag = wire.tag(batch.arena, at, end);
      if (tag === RESOURCE) {
        const length = wire.length(batch.arena, wire.at, end);
        at = wire.at + length;
        if (!batch.hasRoomFor(length)) throw new ScanError('too_large');
        const to = batch.reserve(length);
        batch.arena.copyWithin(to, at - length, at);
      } else at = wire.skip(batch.arena, wire.at, end, tag);
    }
    return joinedAt;
  }
}
