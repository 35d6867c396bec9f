import type { KafkaOrigin } from '../../flow/block.ts';
import { ATTRIBUTES_OF } from '../../span/attributes.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import { NONE, QUALITY, type SpanBatch } from '../../span/span-batch.ts';
import { Wire } from '../../span/wire.ts';
import { WordColumn, writeFixedWords, writeHalves, writeIntegers, writeIntegersAt } from './columns.ts';
import { EventColumns } from './event-columns.ts';
import { IdColumns } from './id-columns.ts';
import { LinkColumns } from './link-columns.ts';
import { AttributeColumn } from './map-column.ts';
import type { NativeBuffer } from './native-buffer.ts';
import { ResourceColumns } from './resource-columns.ts';
import { ScopeColumns } from './scope-columns.ts';
import { blockEnd } from './seen-column.ts';

/** By OTLP number. */
export const SPAN_KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'] as const;
export const STATUS_CODES = ['Unset', 'Ok', 'Error'] as const;

/** Key of the attribute under which a span whose start was replaced keeps the one that was sent. */
export const ORIGINAL_START = 'spanweir.original_start_unix_nano';

const COLUMNS = 27;
/** Spans that are looked at together, whose bytes the processor's cache still holds when the next column wants them. */
const NEAR = 128;
/** What a span takes at least, its attributes and ids left out; for a first guess. */
const FIXED_BYTES = 200;

type Beside = (from: number, end: number) => void;

/** Turns the columns of a SpanBatch into one Native block for otel_traces. One per lane; nothing is kept. */
export class SpanEncoder {
  readonly #wire = new Wire();
  readonly #names = new WordColumn();
  readonly #resources: ResourceColumns;
  readonly #scopes = new ScopeColumns();
  readonly #spanAttributes = new AttributeColumn();
  readonly #ids = new IdColumns();
  readonly #events = new EventColumns();
  readonly #links = new LinkColumns();

  constructor(dictionary: Dictionary) {
    this.#resources = new ResourceColumns(dictionary);
  }

  /**
   * Appends the block to `out`. `origin` is undefined for spans that came in a request; `isOneDay` when all start
   * on the same day, UTC. `beside` is told of spans [from, end) while their bytes are near.
   */
  encode(
    batch: SpanBatch,
    origin: KafkaOrigin | undefined,
    isOneDay: boolean,
    out: NativeBuffer,
    beside?: Beside,
  ): void {
    // Growing would copy what is there; what is not written to costs nothing.
    out.reserve(batch.arenaUsed + batch.spans * FIXED_BYTES);
    out.block(COLUMNS, batch.spans);
    writeTimes(batch, out);
    this.#ids.begin(batch, out);
    this.#collect(batch, out, beside);
    writeSlices(out, 'TraceState', batch.arena, batch.traceStateAt, batch.traceStateLength, batch.spans);
    this.#names.write(out, 'SpanName');
    writeFixedWords(out, 'SpanKind', SPAN_KINDS, batch.kind.subarray(0, batch.spans));
    this.#resources.services.write(out, 'ServiceName');
    this.#resources.attributes.write(out, 'ResourceAttributes');
    this.#scopes.names.write(out, 'ScopeName');
    this.#scopes.versions.write(out, 'ScopeVersion');
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

  /** The columns that are made of ids, words, maps and arrays, a few rows of all at a time. */
  #collect(batch: SpanBatch, out: NativeBuffer, beside: Beside | undefined): void {
    this.#names.reset();
    this.#spanAttributes.reset();
    this.#resources.collect(batch);
    this.#scopes.collect(batch);
    for (let from = 0; from < batch.spans; from += NEAR) {
      const end = Math.min(batch.spans, from + NEAR);
      this.#ids.write(batch, out, from, end);
      this.#collectSpans(batch, from, end);
      beside?.(from, end);
    }
    this.#events.collect(batch);
    this.#links.collect(batch);
  }

  #collectSpans(batch: SpanBatch, from: number, end: number): void {
    const { arena, nameId, nameAt, nameLength, attributesAt, attributesEnd, quality, view } = batch;
    const names = this.#names;
    const attributes = this.#spanAttributes;
    for (let i = from; i < end; i++) {
      const at = nameAt[i] as number;
      const id = nameId[i] as number;
      // Words without an id of their own are told apart by their bytes.
      if (id > 1) names.pushId(id, view, at, nameLength[i] as number);
      else names.push(names.words.internView(view, at, nameLength[i] as number));
      const attributesFrom = attributesAt[i] as number;
      attributes.addAll(arena, attributesFrom, attributesEnd[i] as number, ATTRIBUTES_OF.span, view);
      if (((quality[i] as number) & QUALITY.clampedTime) !== 0) {
        attributes.add(ORIGINAL_START, this.#sentStart(batch, i));
      }
      attributes.endRow();
    }
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

const SPAN_START = 0x39;

function writeTimes(batch: SpanBatch, out: NativeBuffer): void {
  out.column('Timestamp', 'DateTime64(9)');
  writeHalves(out, batch.startLo, batch.startHi, batch.spans);
  out.column('Duration', 'UInt64');
  writeIntegers(out, batch.durationNs, batch.spans);
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
  writeSame(out, Uint32Array.of(origin?.partition ?? 0), spans);
  out.column('KafkaOffset', 'UInt64');
  if (origin === undefined) out.zeros(spans * 8);
  else writeIntegersAt(out, recordOffset, record, spans);
}

/** One number for every row. */
function writeSame(out: NativeBuffer, value: Uint32Array, rows: number): void {
  if (rows === 0) return;
  out.numbers(value);
  out.repeatLast(value.byteLength, rows);
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
  const end = origin === undefined ? 0 : blockEnd(origin);
  const halves = Uint32Array.of(end, end / 2 ** 32);
  if (!isOneDay || spans === 0) {
    writeSame(out, halves, spans);
    return;
  }
  let marked = 0;
  while (marked < spans && traceIdAt[marked] === NONE) marked++;
  if (marked === spans) marked = 0;
  out.zeros(marked * 8);
  out.numbers(halves);
  out.zeros((spans - marked - 1) * 8);
}
