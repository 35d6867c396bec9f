/** "There is none" in a column of arena offsets or resource indexes. */
export const NONE = 0xffffffff;

/** Bits of `SpanBatch.quality`: what was repaired in a span. */
export const QUALITY = {
  /** end < start: counted with duration 0. */
  negativeDuration: 1,
  /** start or end too far from the record's own timestamp: start was set to it (the sent one is in the bytes). */
  clampedTime: 2,
  /** trace id or span id missing, all zero or of a wrong length. */
  invalidId: 4,
} as const;

/**
 * Spans as columns over one byte arena. Everything that is not a number stays bytes in `arena` and is
 * referred to by offset and length. A batch is filled by a scanner, read by everyone, and reused after its
 * block is settled: nobody keeps a reference to it or to a column beyond that.
 *
 * Ranges (`attributesAt` ... `linksEnd`) span from the first tag of that repeated field to the end of its
 * last element, inside the span's own bytes; other fields may lie between, so a reader skips by field number.
 * An empty range has at == end == 0.
 */
export class SpanBatch {
  arena: Buffer;
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
}
