import {
  ALL_COLUMNS,
  type Column,
  type ColumnName,
  RECORD_COLUMNS,
  RESOURCE_COLUMNS,
  SCOPE_COLUMNS,
  SPAN_COLUMNS,
  SPARSE_COLUMNS,
} from './batch-columns.ts';
import { viewOf } from './interner.ts';

/** "There is none" in a column of arena offsets or resource indexes. */
export const NONE = 0xffffffff;

/** Bits of `SpanBatch.quality`: what was repaired in a span. */
export const QUALITY = {
  /** end < start: counted with duration 0. */
  negativeDuration: 1,
  /** start or end too far from the record's own timestamp: start was set to it (the sent one is in the bytes). */
  clampedTime: 2,
  /** trace id or span id missing, all zero or of a wrong length, or a parent id of a wrong length. */
  invalidId: 4,
  /** It claims to stand for more than `weightMax` original spans: counted with that weight. */
  cappedWeight: 8,
  /** The trace state contradicts itself (rv < th), or a ratio or param is none: counted as if it were not there. */
  inconsistentWeight: 16,
  /** With `clampedTime`: the times lay too far back, not ahead. */
  tooLate: 32,
  /** No repair: the weight is told, by the span or by its root. */
  weighed: 64,
  /** Its root was kept by a sampler that limits the rate: what it stands for is not known, it counts as 1. */
  unknownRate: 128,
} as const;

/** Offsets are u32 and stay in V8's small-integer range. */
const MAX_ARENA = 2 ** 31 - 1;

/** How full a batch was. */
export interface BatchMark {
  readonly arenaUsed: number;
  readonly spans: number;
  readonly resources: number;
  readonly scopes: number;
  readonly records: number;
}

/**
 * Spans as columns over one byte arena. Everything that is not a number stays bytes in `arena` and is
 * referred to by offset and length. A batch is filled by a scanner, read by everyone, and reused after its
 * block is settled: nobody keeps a reference to it or to a column beyond that.
 *
 * Ranges (`attributesAt` ... `linksEnd`) span from the first tag of that repeated field to the end of its
 * last element, inside the span's own bytes; other fields may lie between, so a reader skips by field number.
 * An empty range has at == end == 0.
 *
 * A resource or scope that came in several parts is put together behind its record in the arena.
 * Invariant: in the columns of SPARSE_COLUMNS, rows >= `spans` are 0, so a scanner writes only what is there.
 */
export class SpanBatch {
  /** May be replaced by a larger one while the batch is filled: take it anew after every append. */
  arena: Buffer;
  /** The same bytes, for reading numbers. */
  view: DataView;
  arenaUsed = 0;

  spans = 0;
  /** Arena offset of 16 bytes, or NONE. */
  traceIdAt: Uint32Array;
  /** Arena offset of 8 bytes, or NONE. */
  spanIdAt: Uint32Array;
  /** Arena offset of 8 bytes; NONE for a span without parent (absent, empty or all zero). */
  parentIdAt: Uint32Array;
  /** Dictionary id of the name; Dictionary.OVERFLOW when the dictionary was full. */
  nameId: Uint32Array;
  nameAt: Uint32Array;
  nameLength: Uint32Array;
  /** OTLP numbers: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer; others are kept as 0. */
  kind: Uint8Array;
  /** OTLP numbers: 0 unset, 1 ok, 2 error; others are kept as 0. */
  statusCode: Uint8Array;
  /** Start in ns since the epoch = startHi * 2^32 + startLo. */
  startLo: Uint32Array;
  startHi: Uint32Array;
  /** max(0, end - start). */
  durationNs: Float64Array;
  /** How many original spans this one stands for. */
  weight: Float64Array;
  flags: Uint32Array;
  quality: Uint8Array;
  /** Index into the resource columns. */
  resource: Uint32Array;
  /** Index into the scope columns. */
  scope: Uint32Array;
  /** Index into the record columns. */
  record: Uint32Array;
  /** The span message's own bytes (without tag and length). */
  spanAt: Uint32Array;
  spanEnd: Uint32Array;
  attributesAt: Uint32Array;
  attributesEnd: Uint32Array;
  eventsAt: Uint32Array;
  eventsEnd: Uint32Array;
  linksAt: Uint32Array;
  linksEnd: Uint32Array;
  traceStateAt: Uint32Array;
  traceStateLength: Uint32Array;
  statusMessageAt: Uint32Array;
  statusMessageLength: Uint32Array;

  resources = 0;
  /** Dictionary id of the resource's identity (service name, namespace, instance): see Dictionary. */
  resourceIdentity: Uint32Array;
  /** The Resource message's bytes; at == end == 0 when absent. */
  resourceAt: Uint32Array;
  resourceEnd: Uint32Array;

  scopes = 0;
  /** The InstrumentationScope message's bytes; at == end == 0 when absent. */
  scopeAt: Uint32Array;
  scopeEnd: Uint32Array;

  records = 0;
  /** Kafka offset of the record, or the request's number. */
  recordOffset: Float64Array;
  /** The record's own timestamp, Unix ms. */
  recordTimestampMs: Float64Array;
  recordAt: Uint32Array;
  recordEnd: Uint32Array;

  constructor(arenaBytes = 1 << 20, spanCapacity = 4096) {
    this.arena = Buffer.allocUnsafeSlow(arenaBytes);
    this.view = viewOf(this.arena);
    this.traceIdAt = new Uint32Array(spanCapacity);
    this.spanIdAt = new Uint32Array(spanCapacity);
    this.parentIdAt = new Uint32Array(spanCapacity);
    this.nameId = new Uint32Array(spanCapacity);
    this.nameAt = new Uint32Array(spanCapacity);
    this.nameLength = new Uint32Array(spanCapacity);
    this.kind = new Uint8Array(spanCapacity);
    this.statusCode = new Uint8Array(spanCapacity);
    this.startLo = new Uint32Array(spanCapacity);
    this.startHi = new Uint32Array(spanCapacity);
    this.durationNs = new Float64Array(spanCapacity);
    this.weight = new Float64Array(spanCapacity);
    this.flags = new Uint32Array(spanCapacity);
    this.quality = new Uint8Array(spanCapacity);
    this.resource = new Uint32Array(spanCapacity);
    this.scope = new Uint32Array(spanCapacity);
    this.record = new Uint32Array(spanCapacity);
    this.spanAt = new Uint32Array(spanCapacity);
    this.spanEnd = new Uint32Array(spanCapacity);
    this.attributesAt = new Uint32Array(spanCapacity);
    this.attributesEnd = new Uint32Array(spanCapacity);
    this.eventsAt = new Uint32Array(spanCapacity);
    this.eventsEnd = new Uint32Array(spanCapacity);
    this.linksAt = new Uint32Array(spanCapacity);
    this.linksEnd = new Uint32Array(spanCapacity);
    this.traceStateAt = new Uint32Array(spanCapacity);
    this.traceStateLength = new Uint32Array(spanCapacity);
    this.statusMessageAt = new Uint32Array(spanCapacity);
    this.statusMessageLength = new Uint32Array(spanCapacity);
    this.resourceIdentity = new Uint32Array(256);
    this.resourceAt = new Uint32Array(256);
    this.resourceEnd = new Uint32Array(256);
    this.scopeAt = new Uint32Array(256);
    this.scopeEnd = new Uint32Array(256);
    this.recordOffset = new Float64Array(64);
    this.recordTimestampMs = new Float64Array(64);
    this.recordAt = new Uint32Array(64);
    this.recordEnd = new Uint32Array(64);
  }

  get spanCapacity(): number {
    return this.spanAt.length;
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    const columns = this as Readonly<Record<ColumnName, Column>>;
    let bytes = this.arena.length;
    for (const name of ALL_COLUMNS) bytes += columns[name].byteLength;
    return bytes;
  }

  /** Empties the batch; what was allocated stays, unless more than `keepBytes` of arena. */
  reset(keepBytes = Number.POSITIVE_INFINITY): void {
    this.rollback(EMPTY_MARK);
    if (this.arena.length > keepBytes) this.#replaceArena(Buffer.allocUnsafeSlow(keepBytes));
  }

  mark(): BatchMark {
    const { arenaUsed, spans, resources, scopes, records } = this;
    return { arenaUsed, spans, resources, scopes, records };
  }

  /** Takes back everything that was added since `mark`, a half-written row included. */
  rollback(mark: BatchMark): void {
    const columns = this as Readonly<Record<ColumnName, Column>>;
    for (const name of SPARSE_COLUMNS) columns[name].fill(0, mark.spans, this.spans + 1);
    this.arenaUsed = mark.arenaUsed;
    this.spans = mark.spans;
    this.resources = mark.resources;
    this.scopes = mark.scopes;
    this.records = mark.records;
  }

  /** Whether `bytes` more can ever fit into the arena. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= MAX_ARENA - this.arenaUsed;
  }

  /** Makes room for `bytes` more in the arena and returns where they go. The caller has asked `hasRoomFor`. */
  reserve(bytes: number): number {
    const at = this.arenaUsed;
    const needed = at + bytes;
    if (needed > this.arena.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(MAX_ARENA, Math.max(needed, this.arena.length * 2)));
      larger.set(this.arena.subarray(0, at));
      this.#replaceArena(larger);
    }
    this.arenaUsed = needed;
    return at;
  }

  #replaceArena(arena: Buffer): void {
    this.arena = arena;
    this.view = viewOf(arena);
  }

  /** Doubles the span columns. */
  growSpans(): void {
    this.#grow(SPAN_COLUMNS);
  }

  /** A new row of the resource columns, absent until it is filled. */
  addResource(): number {
    const index = this.resources++;
    if (index === this.resourceAt.length) this.#grow(RESOURCE_COLUMNS);
    this.resourceIdentity[index] = 0;
    this.resourceAt[index] = 0;
    this.resourceEnd[index] = 0;
    return index;
  }

  /** A new row of the scope columns, absent until it is filled. */
  addScope(): number {
    const index = this.scopes++;
    if (index === this.scopeAt.length) this.#grow(SCOPE_COLUMNS);
    this.scopeAt[index] = 0;
    this.scopeEnd[index] = 0;
    return index;
  }

  addRecord(offset: number, timestampMs: number, at: number, end: number): number {
    const index = this.records++;
    if (index === this.recordAt.length) this.#grow(RECORD_COLUMNS);
    this.recordOffset[index] = offset;
    this.recordTimestampMs[index] = timestampMs;
    this.recordAt[index] = at;
    this.recordEnd[index] = end;
    return index;
  }

  #grow(names: readonly ColumnName[]): void {
    const columns = this as Record<ColumnName, Column>;
    for (const name of names) columns[name] = doubled(columns[name]);
  }
}

const EMPTY_MARK: BatchMark = { arenaUsed: 0, spans: 0, resources: 0, scopes: 0, records: 0 };

function doubled<C extends Column>(column: C): C {
  const Constructor = column.constructor as new (length: number) => C;
  const larger = new Constructor(Math.max(16, column.length * 2));
  larger.set(column);
  return larger;
}
