import { NS_PER_UNIT } from '../../red/red-description.ts';
import { ProtoWriter } from '../../span/proto-writer.ts';
import type { ExemplarStore } from './exemplar-store.ts';
import type { LabelBodies } from './label-bodies.ts';
import { writeNativeHistogram } from './native-proto.ts';
import type { Family, PageRequest, ShownSeries } from './page-request.ts';
import { labelPairs } from './proto-labels.ts';

type ShownSource = NonNullable<Family['source']>;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const;
/** Of a MetricFamily. */
const METRIC = 4;
/** Metrics that are written before others get a turn. */
const AT_ONCE = 500;
const NOTHING = Buffer.alloc(0);

/**
 * The exposition of io.prometheus.client.MetricFamily messages, each behind its length. A family's length is
 * not known before its metrics are written, and it may not fit into memory: each is written twice, to be
 * measured and to be sent.
 */
export function* renderProtoPage(
  families: readonly Family[],
  request: PageRequest,
  chunkBytes: number,
): Generator<Buffer, void, void> {
  const out = new Chunks(chunkBytes);
  const scratch = new ProtoWriter();
  for (const family of families) {
    const metrics = metricsOf(family, request);
    const head = headOf(family);
    let bytes = head.length;
    for (let i = 0; i < metrics.size; i++) {
      bytes += frameLength(write(metrics, i, scratch));
      if (i % AT_ONCE === AT_ONCE - 1) yield NOTHING;
    }
    scratch.reset();
    scratch.varint(bytes);
    scratch.raw(head);
    yield* out.add(scratch.written());
    for (let i = 0; i < metrics.size; i++) {
      const length = write(metrics, i, scratch);
      if (length === 0) continue;
      yield* out.addFramed(scratch.written());
    }
  }
  yield* out.rest();
}

/** The metrics of a family; one that is not there writes nothing. */
interface Metrics {
  readonly size: number;
  write(writer: ProtoWriter, i: number): void;
}

function write(metrics: Metrics, i: number, writer: ProtoWriter): number {
  writer.reset();
  metrics.write(writer, i);
  return writer.written().length;
}

function frameLength(length: number): number {
  if (length === 0) return 0;
  let frame = 2 + length;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) frame++;
  return frame;
}

function headOf({ name, type, help }: Family): Buffer {
  const writer = new ProtoWriter(256);
  writer.tag(1, DELIMITED);
  writer.string(name);
  if (help !== '') {
    writer.tag(2, DELIMITED);
    writer.string(help);
  }
  writer.tag(3, VARINT);
  writer.varint(TYPES[type]);
  return Buffer.from(writer.written());
}

function metricsOf({ type, store, source }: Family, request: PageRequest): Metrics {
  const { targets, timestampMs } = request;
  const end = (writer: ProtoWriter): void => {
    if (timestampMs === undefined) return;
    writer.tag(6, VARINT);
    writer.varint(Math.floor(timestampMs));
  };
  if (store === undefined || source === undefined) {
    return {
      size: targets.length,
      write: (writer, i) => {
        writer.raw(targets[i] as Buffer);
        writeValue(writer, 2, 1);
        end(writer);
      },
    };
  }
  const bodies = store.bodies(`protobuf ${request.format.escaping}`);
  const histogram = type === 'histogram' ? histogramWriter(store, source) : undefined;
  return {
    size: bodies.size,
    write: (writer, id) => {
      if (store.createdMs[id] === 0) return;
      const isNew = (store.births[id] as number) > request.seen;
      writeLabels(writer, bodies, id);
      if (histogram === undefined) writeCounter(writer, store, { id, isNew, source });
      else histogram(writer, id, isNew);
      end(writer);
    },
  };
}

function writeLabels(writer: ProtoWriter, bodies: LabelBodies, id: number): void {
  const length = bodies.read(id);
  writer.raw(bodies.bytes, 0, length);
}

/** `field` with a message whose first field is a double. */
function writeValue(writer: ProtoWriter, field: number, value: number): void {
  writer.tag(field, DELIMITED);
  const at = writer.begin();
  writer.tag(1, FIXED64);
  writer.double(value);
  writer.end(at);
}

interface CounterPlace {
  readonly id: number;
  readonly isNew: boolean;
  readonly source: ShownSource;
}

function writeCounter(writer: ProtoWriter, store: ShownSeries, { id, isNew, source }: CounterPlace): void {
  writer.tag(3, DELIMITED);
  const at = writer.begin();
  writer.tag(1, FIXED64);
  writer.double(isNew ? 0 : (store.calls[id] as number));
  const entry = store.exemplars === undefined || isNew ? -1 : store.exemplars.newest(id);
  if (entry >= 0) {
    writeExemplar(writer, 2, { from: store.exemplars as ExemplarStore, entry, nsPerUnit: nsOf(source) });
  }
  writeTime(writer, 3, store.createdMs[id] as number);
  writer.end(at);
}

function nsOf({ unit }: ShownSource): number {
  return NS_PER_UNIT[unit];
}

function histogramWriter(store: ShownSeries, source: ShownSource) {
  const width = store.bucketCount;
  const nsPerUnit = nsOf(source);
  // Prometheus makes the bucket that has no bound of the count.
  const bounds = [...source.bounds, Number.POSITIVE_INFINITY].map(boundField);
  const own = new Float64Array(width);
  return (writer: ProtoWriter, id: number, isNew: boolean): void => {
    store.buckets.read(id * width, own);
    let total = 0;
    for (let bucket = 0; bucket < width; bucket++) total += own[bucket] as number;
    writer.tag(7, DELIMITED);
    const at = writer.begin();
    if (store.native === undefined) {
      writeCount(writer, isNew ? 0 : total);
    }
    writer.tag(2, FIXED64);
    writer.double(isNew ? 0 : (store.durationSumNs[id] as number) / nsPerUnit);
    const from = isNew ? undefined : store.exemplars;
    if (store.native === undefined) {
      let count = 0;
      for (let bucket = 0; bucket < width; bucket++) {
        if (!isNew) count += own[bucket] as number;
        const entry = from === undefined ? -1 : from.at(id, bucket);
        if (bucket === width - 1 && entry < 0) break;
        writer.tag(3, DELIMITED);
        const inner = writer.begin();
        writeCount(writer, count);
        writer.raw(bounds[bucket] as Buffer);
        if (from !== undefined && entry >= 0) writeExemplar(writer, 3, { from, entry, nsPerUnit });
        writer.end(inner);
      }
    } else {
      writeNativeHistogram(writer, store.native.of(id), isNew);
      for (let bucket = 0; from !== undefined && bucket < from.width; bucket++) {
        const entry = from.at(id, bucket);
        if (entry >= 0) writeExemplar(writer, 16, { from, entry, nsPerUnit });
      }
    }
    writeTime(writer, 15, store.createdMs[id] as number);
    writer.end(at);
  };
}

function boundField(bound: number): Buffer {
  const writer = new ProtoWriter(16);
  writer.tag(2, FIXED64);
  writer.double(bound);
  return Buffer.from(writer.written());
}

/** Whole, and as it is where that differs: older servers know no floats here. */
function writeCount(writer: ProtoWriter, count: number): void {
  writer.tag(1, VARINT);
  writer.varint(Math.min(Math.round(count), Number.MAX_SAFE_INTEGER));
  if (Number.isInteger(count)) return;
  writer.tag(4, FIXED64);
  writer.double(count);
}

interface ExemplarPlace {
  readonly from: ExemplarStore;
  readonly entry: number;
  readonly nsPerUnit: number;
}

function writeExemplar(writer: ProtoWriter, field: number, { from, entry, nsPerUnit }: ExemplarPlace): void {
  writer.tag(field, DELIMITED);
  const at = writer.begin();
  writer.raw(
    labelPairs([
      ['trace_id', from.traceId(entry)],
      ['span_id', from.spanId(entry)],
    ]),
  );
  writer.tag(2, FIXED64);
  writer.double(from.durationNs(entry) / nsPerUnit);
  writeTime(writer, 3, from.endMs(entry));
  writer.end(at);
}

/** google.protobuf.Timestamp. */
function writeTime(writer: ProtoWriter, field: number, unixMs: number): void {
  const seconds = Math.max(0, Math.floor(unixMs / 1000));
  writer.tag(field, DELIMITED);
  const at = writer.begin();
  writer.tag(1, VARINT);
  writer.varint(seconds);
  writer.tag(2, VARINT);
  writer.varint(Math.max(0, Math.round((unixMs - seconds * 1000) * 1e6)));
  writer.end(at);
}

/** Collects messages in one of two buffers by turns. */
class Chunks {
  #buffer: Buffer;
  #other: Buffer;
  #used = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
    this.#other = Buffer.allocUnsafeSlow(capacity);
  }

  *add(bytes: Buffer): Generator<Buffer, void, void> {
    if (this.#used + bytes.length > this.#buffer.length) {
      yield* this.rest();
      if (bytes.length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes.length * 2);
    }
    this.#used += bytes.copy(this.#buffer, this.#used);
  }

  *rest(): Generator<Buffer, void, void> {
    if (this.#used === 0) return;
    const full = this.#buffer.subarray(0, this.#used);
    [this.#buffer, this.#other] = [this.#other, this.#buffer];
    this.#used = 0;
    yield full;
  }

  /** As one metric of a family. */
  *addFramed(bytes: Buffer): Generator<Buffer, void, void> {
    const frame = frameLength(bytes.length);
    if (this.#used + frame > this.#buffer.length) {
      yield* this.rest();
      if (frame > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(frame * 2);
    }
    const buffer = this.#buffer;
    buffer[this.#used++] = (METRIC << 3) | DELIMITED;
    let rest = bytes.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) buffer[this.#used++] = (rest & 0x7f) | 0x80;
    buffer[this.#used++] = rest;
    this.#used += bytes.copy(buffer, this.#used);
  }
}
