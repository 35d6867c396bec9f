import { type Attributes, encodeProto } from '../test/support/spans.ts';
import { DEFAULT_BUCKETS_MS, type Ledger, type SeriesTotals } from './ledger.ts';
import {
  DIGITS,
  KINDS,
  Names,
  SCOPE,
  SpanTemplates,
  STATUSES,
  writeDigits,
  writeLength,
  writeShortLength,
  writeTime,
} from './workload-bytes.ts';

/**
 * The standard workload: messages of 100 spans in 5 resources, ~400 bytes a span with 10 attributes, 5
 * attributes a resource, 50 services x 20 operations x 2 kinds x 3 statuses. The same options give the same
 * bytes. Each message holds 10 traces of 10 spans; the first span of a trace has no parent.
 */
export interface WorkloadOptions {
  /** A multiple of `spansPerMessage`. */
  readonly spans: number;
  /** 1, or a multiple of 10; default 100. In messages of 1, ten that follow each other make a trace. */
  readonly spansPerMessage?: number;
  readonly seed?: number;
  /** Unix time at which the first span starts. Default 1763700000000000000n. */
  readonly startNs?: bigint;
  /** Between the starts of two spans. Default 1000. */
  readonly spanIntervalNs?: number;
  /** Default 50; at least 5 and, below 29, no multiple of 7 (the five services of a message differ). */
  readonly services?: number;
  /** Per service; default 20. */
  readonly operations?: number;
  /** One more attribute on spans without a parent, such as sampler.type. */
  readonly rootAttributes?: RootAttributes;
  /** A sixth resource attribute, process.pid, whose value differs in every message. */
  readonly distinctResources?: boolean;
  readonly bucketsMs?: readonly number[];
}

export type RootAttributes = Readonly<Record<string, string | number>>;

export const SPANS_PER_MESSAGE = 100;
const RESOURCES = 5;
const SPANS_PER_TRACE = 10;

/** Makes the messages one by one; `ledger` says what the messages made so far contain. */
export class Workload {
  readonly ledger: Ledger;
  readonly #options: Required<WorkloadOptions>;
  readonly #series: SeriesTotals[] = [];
  readonly #names: Names;
  readonly #templates: SpanTemplates;
  readonly #resources: { bytes: Buffer; pidAt: number }[] = [];
  readonly #boundsNs: readonly number[];
  /** The ids of the message that is being made: trace x position x two words. */
  readonly #spanIds: Uint32Array;
  readonly #traceIds: Uint32Array;
  readonly #buffer: Buffer;
  #random = 0;

  constructor(options: WorkloadOptions) {
    this.#options = {
      seed: 1,
      startNs: 1_763_700_000_000_000_000n,
      spanIntervalNs: 1000,
      spansPerMessage: SPANS_PER_MESSAGE,
      services: 50,
      operations: 20,
      rootAttributes: {},
      distinctResources: false,
      bucketsMs: DEFAULT_BUCKETS_MS,
      ...options,
    };
    checkOptions(this.#options);
    const { operations, rootAttributes, services, spansPerMessage } = this.#options;
    const traces = Math.max(1, spansPerMessage / SPANS_PER_TRACE);
    this.#spanIds = new Uint32Array(traces * SPANS_PER_TRACE * 2);
    this.#traceIds = new Uint32Array(traces * 4);
    this.#buffer = Buffer.alloc(spansPerMessage * 1024 + 4096);
    this.#names = new Names(services, operations);
    this.#templates = new SpanTemplates(this.#names, rootAttributes);
    this.#boundsNs = this.#options.bucketsMs.map((ms) => ms * 1e6);
    this.#listSeries();
    this.ledger = { messages: 0, spans: 0, bytes: 0, series: this.#series };
  }

  get messageCount(): number {
    return this.#options.spans / this.#options.spansPerMessage;
  }

  /** All messages in order, each in a buffer of its own. Run it once: the ledger counts what it yields. */
  *messages(): Generator<Buffer, void, undefined> {
    while (this.ledger.messages < this.messageCount) yield this.#next();
  }

  /** Makes and forgets all messages that are left, for the ledger's sake. */
  countAll(): Ledger {
    while (this.ledger.messages < this.messageCount) this.#next();
    return this.ledger;
  }

  #next(): Buffer {
    const index = this.ledger.messages;
    const { seed, services, spansPerMessage } = this.#options;
    const isLone = spansPerMessage === 1;
    // Messages of one span take turns in the ids and services that one message of ten would have.
    const drawnFor = isLone ? Math.floor(index / SPANS_PER_TRACE) : index;
    this.#random = Math.imul(seed, 0x9e3779b1) ^ Math.imul(drawnFor + 1, 0x85ebca6b);
    for (let i = 0; i < this.#traceIds.length; i++) this.#traceIds[i] = this.#draw();
    for (let i = 0; i < this.#spanIds.length; i++) this.#spanIds[i] = this.#draw() | 1;
    const firstService = this.#draw() % services;
    let at = 0;
    if (isLone) {
      const position = index % SPANS_PER_TRACE;
      this.#random = Math.imul(this.#random, 0x2c1b3c6d) ^ Math.imul(position + 1, 0x85ebca6b);
      const service = (firstService + (position >> 1) * 7) % services;
      at = this.#writeResource(0, index, service, [position]);
    } else {
      for (let r = 0; r < RESOURCES; r++) {
        at = this.#writeResource(at, index, (firstService + r * 7) % services, [r * 2, r * 2 + 1]);
      }
    }
    const message = Buffer.from(this.#buffer.subarray(0, at));
    this.ledger.messages++;
    this.ledger.spans += spansPerMessage;
    this.ledger.bytes += message.length;
    return message;
  }

  /** Has the spans of these positions of every trace. Lengths are 3-byte varints, to be filled in afterwards. */
  #writeResource(at: number, index: number, service: number, positions: readonly number[]): number {
    const out = this.#buffer;
    const resource = this.#resource(service);
    out[at] = 0x0a;
    let cursor = at + 4;
    resource.bytes.copy(out, cursor);
    if (resource.pidAt >= 0) writeDigits(out, cursor + resource.pidAt, index);
    cursor += resource.bytes.length;
    const scopeAt = cursor;
    out[cursor] = 0x12;
    cursor += 4;
    cursor += SCOPE.copy(out, cursor);
    const { spansPerMessage } = this.#options;
    const traces = this.#traceIds.length / 4;
    const isLone = positions.length === 1;
    let number = index * spansPerMessage + (isLone ? 0 : (positions[0] as number) * traces);
    for (let trace = 0; trace < traces; trace++) {
      for (const position of positions) {
        cursor = this.#writeSpan(cursor, { number: number++, service, trace, position });
      }
    }
    writeLength(out, scopeAt + 1, cursor - scopeAt - 4);
    writeLength(out, at + 1, cursor - at - 4);
    return cursor;
  }

  /** `trace` of the message, `position` in the trace. */
  #writeSpan(at: number, span: SpanToWrite): number {
    const { number, service, trace, position } = span;
    const { operations, spanIntervalNs, startNs } = this.#options;
    const choice = this.#draw();
    const kind = position === 0 ? 0 : choice & 1;
    const operation = (choice >>> 1) % operations;
    const tenth = (choice >>> 16) % 10;
    const status = tenth < 6 ? 0 : tenth < 9 ? 1 : 2;
    const seriesIndex = ((service * operations + operation) * KINDS.length + kind) * STATUSES.length + status;
    const template = this.#templates.of(operation, kind, status, position === 0);
    const out = this.#buffer;
    out[at] = 0x12;
    writeShortLength(out, at + 1, template.bytes.length);
    const base = at + 3;
    template.bytes.copy(out, base);
    const duration = this.#draw();
    const unit = 100_000 * 2 ** (duration % 14);
    const durationNs = unit + Math.floor((unit * (duration >>> 16)) / 65_536);
    const offsetNs = number * spanIntervalNs;
    writeTime(out, base + template.startAt, startNs, offsetNs);
    writeTime(out, base + template.endAt, startNs, offsetNs + durationNs);
    for (let i = 0; i < 4; i++)
      out.writeUInt32BE(this.#traceIds[trace * 4 + i] as number, base + template.traceIdAt + i * 4);
    const id = (trace * 10 + position) * 2;
    this.#writeSpanId(base + template.spanIdAt, id);
    if (template.parentIdAt >= 0) this.#writeSpanId(base + template.parentIdAt, id - 2);
    for (const digitsAt of template.digitsAt) writeDigits(out, base + digitsAt, this.#draw());
    this.#names.writeInto(out, base, template, { service, operation });
    this.#count(seriesIndex, durationNs, position === 0);
    return base + template.bytes.length;
  }

  #writeSpanId(at: number, id: number): void {
    this.#buffer.writeUInt32BE(this.#spanIds[id] as number, at);
    this.#buffer.writeUInt32BE(this.#spanIds[id + 1] as number, at + 4);
  }

  #count(seriesIndex: number, durationNs: number, isRoot: boolean): void {
    const series = this.#series[seriesIndex] as SeriesTotals;
    series.spans++;
    if (isRoot) series.roots++;
    series.durationNs += durationNs;
    let bucket = 0;
    while (bucket < this.#boundsNs.length && durationNs > (this.#boundsNs[bucket] as number)) bucket++;
    series.buckets[bucket] = (series.buckets[bucket] as number) + 1;
  }

  /** The next of a sequence of evenly spread 32-bit numbers (a Weyl sequence, mixed). */
  #draw(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let x = this.#random;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  #listSeries(): void {
    const { services, operations, bucketsMs } = this.#options;
    const length = bucketsMs.length + 1;
    // One piece of memory for all: of its own each would cost ten times as much, and there may be a million.
    const all = new ArrayBuffer(services * operations * KINDS.length * STATUSES.length * length * 4);
    let at = 0;
    for (let s = 0; s < services; s++) {
      const service = this.#names.services[s] as string;
      for (let o = 0; o < operations; o++) {
        const operation = this.#names.operations[o] as string;
        for (const kind of KINDS)
          for (const status of STATUSES) {
            const buckets = new Uint32Array(all, at, length);
            this.#series.push({
              service,
              operation,
              kind,
              status,
              spans: 0,
              roots: 0,
              durationNs: 0,
              buckets,
            });
            at += length * 4;
          }
      }
    }
  }

  #resource(service: number): { bytes: Buffer; pidAt: number } {
    const known = this.#resources[service];
    if (known !== undefined) return known;
    const pid = this.#options.distinctResources ? { 'process.pid': DIGITS } : {};
    const attributes: Attributes = {
      'service.name': this.#names.services[service] as string,
      'service.version': `2.${service}.1`,
      'service.namespace': 'shop',
      'deployment.environment.name': 'production',
      'host.name': `node-${String(service).padStart(3, '0')}.internal`,
      ...pid,
    };
    // Without the tag and the length of the one ResourceSpans, the Resource field is left.
    const request = encodeProto([{ attributes }]);
    const bytes = request.subarray((request[1] as number) > 127 ? 3 : 2);
    const made = { bytes, pidAt: bytes.indexOf(DIGITS) };
    this.#resources[service] = made;
    return made;
  }
}

interface SpanToWrite {
  /** Among all spans of the workload. */
  readonly number: number;
  readonly service: number;
  /** Of the message. */
  readonly trace: number;
  /** In the trace. */
  readonly position: number;
}

function checkOptions({ services, spans, spansPerMessage }: Required<WorkloadOptions>): void {
  if (spansPerMessage !== 1 && spansPerMessage % SPANS_PER_TRACE !== 0)
    throw new RangeError('spansPerMessage must be 1 or a multiple of 10');
  if (spans % spansPerMessage !== 0) throw new RangeError(`spans must be a multiple of ${spansPerMessage}`);
  if (services < 5 || (services < 29 && services % 7 === 0))
    throw new RangeError('services must be at least 5 and, below 29, no multiple of 7');
}
