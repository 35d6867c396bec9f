import type { KafkaOrigin } from '../../flow/block.ts';
import { ATTRIBUTES_OF, AttributeCursor, VALUE } from '../../span/attributes.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import { ScanError } from '../../span/scan-error.ts';
import { NONE, QUALITY, type SpanBatch } from '../../span/span-batch.ts';
import { Wire } from '../../span/wire.ts';
import { WordColumn, writeFixedWords, writeHalves, writeIntegers } from './columns.ts';
import { EventColumns } from './event-columns.ts';
import { writeHexColumn } from './hex.ts';
import { LinkColumns } from './link-columns.ts';
import { AttributeColumn } from './map-column.ts';
import type { NativeBuffer } from './native-buffer.ts';
import { blockEnd } from './seen-column.ts';

/** By OTLP number. */
export const SPAN_KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'] as const;
export const STATUS_CODES = ['Unset', 'Ok', 'Error'] as const;

/** Key of the attribute under which a span whose start was replaced keeps the one that was sent. */
export const ORIGINAL_START = 'spanweir.original_start_unix_nano';

const SERVICE_NAME = Buffer.from('service.name');
const COLUMNS = 27;

/** Turns the columns of a SpanBatch into one Native block for otel_traces. One per lane; nothing is kept. */
export class SpanEncoder {
  readonly #dictionary: Dictionary;
  readonly #cursor = new AttributeCursor();
  readonly #wire = new Wire();
  readonly #names = new WordColumn();
  readonly #services = new WordColumn();
  readonly #scopeNames = new WordColumn();
  readonly #scopeVersions = new WordColumn();
  readonly #resourceAttributes = new AttributeColumn();
  readonly #spanAttributes = new AttributeColumn();
  readonly #events = new EventColumns();
  readonly #links = new LinkColumns();

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /**
   * Appends the block to `out`. `origin` is undefined for spans that came in a request; `isOneDay` when all start
   * on the same day, UTC.
   */
  encode(batch: SpanBatch, origin: KafkaOrigin | undefined, isOneDay: boolean, out: NativeBuffer): void {
    this.#collect(batch);
    out.block(COLUMNS, batch.spans);
    writeTimes(batch, out);
    writeIds(batch, out);
    writeSlices(out, 'TraceState', batch.arena, batch.traceStateAt, batch.traceStateLength, batch.spans);
    this.#names.write(out, 'SpanName');
    writeFixedWords(out, 'SpanKind', SPAN_KINDS, batch.kind.subarray(0, batch.spans));
    this.#services.write(out, 'ServiceName');
    this.#resourceAttributes.write(out, 'ResourceAttributes');
    this.#scopeNames.write(out, 'ScopeName');
    this.#scopeVersions.write(out, 'ScopeVersion');
    this.#spanAttributes.write(out, 'SpanAttributes');
    writeFixedWords(out, 'StatusCode', STATUS_CODES, batch.statusCode.subarray(0, batch.spans));
    const { statusMessageAt, statusMessageLength } = batch;
    writeSlices(out, 'StatusMessage', batch.arena, statusMessageAt, statusMessageLength, batch.spans);
    this.#events.write(out);
    this.#links.write(out);
    writeOrigin(batch, origin, out);
    writeBlock(batch, origin, isOneDay, out);
    out.column('SampleWeight', 'Float64');
    out.numbers(batch.weight.subarray(0, batch.spans));
  }

  /** The columns that are made of words, maps and arrays, row by row. */
  #collect(batch: SpanBatch): void {
    this.#names.reset();
    this.#services.reset();
    this.#resourceAttributes.reset();
    this.#spanAttributes.reset();
    this.#collectResources(batch);
    this.#collectScopes(batch);
    const { arena, nameId, nameAt, nameLength, attributesAt, attributesEnd, quality } = batch;
    const names = this.#names;
    const attributes = this.#spanAttributes;
    for (let i = 0; i < batch.spans; i++) {
      const at = nameAt[i] as number;
      const id = nameId[i] as number;
      // Words without an id of their own are told apart by their bytes.
      if (id > 1) names.pushId(id, arena, at, nameLength[i] as number);
      else names.push(names.words.intern(arena, at, nameLength[i] as number));
      attributes.addAll(arena, attributesAt[i] as number, attributesEnd[i] as number, ATTRIBUTES_OF.span);
      if (((quality[i] as number) & QUALITY.clampedTime) !== 0) {
        attributes.add(ORIGINAL_START, this.#sentStart(batch, i));
      }
      attributes.endRow();
    }
    this.#events.collect(batch);
    this.#links.collect(batch);
  }

  /** The first span of a resource reads its attributes, the others repeat that row. */
  #collectResources(batch: SpanBatch): void {
    const { arena, resource, resourceAt, resourceEnd, resourceIdentity, resources, spans } = batch;
    const attributes = this.#resourceAttributes;
    const { keys, values } = attributes;
    const services = this.#services;
    const cursor = this.#cursor;
    const keyAt = new Int32Array(resources).fill(-1);
    const keyEnd = new Uint32Array(resources);
    const valueAt = new Uint32Array(resources);
    const valueEnd = new Uint32Array(resources);
    const service = new Uint32Array(resources);
    for (let r = 0; r < resources; r++) {
      cursor.reset(arena, resourceAt[r] as number, resourceEnd[r] as number, ATTRIBUTES_OF.resource);
      service[r] = this.#serviceWord(resourceIdentity[r] as number);
    }
    for (let i = 0; i < spans; i++) {
      const r = resource[i] as number;
      services.push(service[r] as number);
      const known = keyAt[r] as number;
      if (known >= 0) {
        attributes.repeat(known, keyEnd[r] as number, valueAt[r] as number, valueEnd[r] as number);
        continue;
      }
      keyAt[r] = keys.rows;
      valueAt[r] = values.length;
      const end = resourceEnd[r] as number;
      attributes.addAll(arena, resourceAt[r] as number, end, ATTRIBUTES_OF.resource);
      attributes.endRow();
      keyEnd[r] = keys.rows;
      valueEnd[r] = values.length;
    }
  }

  /** As the resource has it: where the dictionary is full, its word is not the service's. */
  #serviceWord(identity: number): number {
    const { words } = this.#services;
    const cursor = this.#cursor;
    if (identity !== 0 && cursor.find(SERVICE_NAME) && cursor.valueKind === VALUE.string) {
      return words.intern(cursor.bytes, cursor.valueAt, cursor.valueLength);
    }
    return words.internText(this.#dictionary.identities[identity]?.service ?? '');
  }

  #collectScopes(batch: SpanBatch): void {
    const { arena, scope, scopeAt, scopeEnd, scopes, spans } = batch;
    const names = this.#scopeNames;
    const versions = this.#scopeVersions;
    names.reset();
    versions.reset();
    const nameOf = new Uint32Array(scopes);
    const versionOf = new Uint32Array(scopes);
    for (let s = 0; s < scopes; s++) {
      const from = scopeAt[s] as number;
      const end = scopeEnd[s] as number;
      nameOf[s] = this.#internField(names, arena, from, end, SCOPE_NAME);
      versionOf[s] = this.#internField(versions, arena, from, end, SCOPE_VERSION);
    }
    for (let i = 0; i < spans; i++) {
      const s = scope[i] as number;
      names.push(nameOf[s] as number);
      versions.push(versionOf[s] as number);
    }
  }

  /** The last string field with that tag inside the message, as far as it can be read; '' when there is none. */
  #internField(column: WordColumn, arena: Uint8Array, from: number, end: number, wanted: number): number {
    const wire = this.#wire;
    let valueAt = 0;
    let length = 0;
    try {
      for (let at = from; at < end; ) {
        const tag = wire.tag(arena, at, end);
        at = wire.skip(arena, wire.at, end, tag);
        if (tag !== wanted) continue;
        valueAt = wire.at;
        length = at - valueAt;
      }
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
    }
    return column.words.intern(arena, valueAt, length);
  }

  /** Rare, so it may allocate: the start as it was sent, decimal ns. */
  #sentStart(batch: SpanBatch, row: number): string {
    const wire = this.#wire;
    const { arena } = batch;
    const end = batch.spanEnd[row] as number;
    let sent = 0n;
    let at = batch.spanAt[row] as number;
    while (at < end) {
      const tag = wire.tag(arena, at, end);
      if (tag === SPAN_START) sent = arena.readBigUInt64LE(wire.at);
      at = wire.skip(arena, wire.at, end, tag);
    }
    return String(sent);
  }
}

const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;
const SPAN_START = 0x39;

function writeTimes(batch: SpanBatch, out: NativeBuffer): void {
  out.column('Timestamp', 'DateTime64(9)');
  writeHalves(out, batch.startLo, batch.startHi, batch.spans);
  out.column('Duration', 'UInt64');
  writeIntegers(out, batch.durationNs, batch.spans);
}

function writeIds(batch: SpanBatch, out: NativeBuffer): void {
  const { arena, parentIdAt, spanIdAt, spans, traceIdAt } = batch;
  out.column('TraceId', 'String');
  writeHexColumn(out, arena, traceIdAt, spans, 16);
  out.column('SpanId', 'String');
  writeHexColumn(out, arena, spanIdAt, spans, 8);
  out.column('ParentSpanId', 'String');
  writeHexColumn(out, arena, parentIdAt, spans, 8);
}

function writeSlices(
  out: NativeBuffer,
  name: string,
  arena: Uint8Array,
  at: Uint32Array,
  length: Uint32Array,
  rows: number,
): void {
  out.column(name, 'String');
  for (let i = 0; i < rows; i++) out.string(arena, at[i] as number, length[i] as number);
}

function writeOrigin(batch: SpanBatch, origin: KafkaOrigin | undefined, out: NativeBuffer): void {
  const { record, recordOffset, spans } = batch;
  out.column('KafkaPartition', 'UInt32');
  out.numbers(new Uint32Array(spans).fill(origin?.partition ?? 0));
  out.column('KafkaOffset', 'UInt64');
  const offsets = new Float64Array(spans);
  if (origin !== undefined) {
    for (let i = 0; i < spans; i++) offsets[i] = recordOffset[record[i] as number] as number;
  }
  writeIntegers(out, offsets, spans);
}

/**
 * The marker of the block. A trace's summary lies in the day of its first span, so in a block of several days
 * every row has it; else the first that has a summary.
 */
function writeBlock(
  batch: SpanBatch,
  origin: KafkaOrigin | undefined,
  isOneDay: boolean,
  out: NativeBuffer,
): void {
  const { spans, traceIdAt } = batch;
  const source = origin === undefined ? '' : `${origin.clusterId}/${origin.topic}`;
  writeFixedWords(out, 'KafkaSource', [source], new Uint8Array(spans));
  out.column('KafkaBlockEnd', 'UInt64');
  const ends = new Float64Array(spans);
  if (origin !== undefined && isOneDay) {
    const row = traceIdAt.subarray(0, spans).findIndex((at) => at !== NONE);
    ends[Math.max(0, row)] = blockEnd(origin);
  } else if (origin !== undefined) ends.fill(blockEnd(origin));
  writeIntegers(out, ends, spans);
}
