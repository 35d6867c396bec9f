import { type Attributes, encodeProto, encodeSpan, type TestSpan } from '../test/support/spans.ts';
import { DEFAULT_BUCKETS_MS, type Ledger, type SeriesTotals } from './ledger.ts';

/**
 * The standard workload: messages of 100 spans in 5 resources, ~400 bytes a span with 10 attributes, 5
 * attributes a resource, 50 services x 20 operations x 2 kinds x 3 statuses. The same options give the same
 * bytes. Each message holds 10 traces of 10 spans; the first span of a trace has no parent.
 */
export interface WorkloadOptions {
  /** A multiple of 100. */
  readonly spans: number;
  readonly seed?: number;
  /** Unix time at which the first span starts. Default 1763700000000000000n. */
  readonly startNs?: bigint;
  /** Between the starts of two spans. Default 1000. */
  readonly spanIntervalNs?: number;
  /** Default 50, at least 29 (the five services of a message differ). */
  readonly services?: number;
  /** Per service; default 20. */
  readonly operations?: number;
  /** One more attribute on spans without a parent, such as sampler.type. */
  readonly rootAttributes?: RootAttributes;
  /** A sixth resource attribute, process.pid, whose value differs in every message. */
  readonly distinctResources?: boolean;
  readonly bucketsMs?: readonly number[];
}

type RootAttributes = Readonly<Record<string, string | number>>;

export const SPANS_PER_MESSAGE = 100;
const RESOURCES = 5;
const SPANS_PER_RESOURCE = 20;
const TRACES = 10;
const KINDS = [2, 3] as const;
const STATUSES = [0, 1, 2] as const;

/** Where in a template the bytes lie that differ from span to span. */
interface Template {
  readonly bytes: Buffer;
  readonly traceIdAt: number;
  readonly spanIdAt: number;
  /** -1 in a root. */
  readonly parentIdAt: number;
  readonly startAt: number;
  readonly endAt: number;
  /** Eight hex digits each. */
  readonly digitsAt: readonly number[];
}

/** Makes the messages one by one; `ledger` says what the messages made so far contain. */
export class Workload {
  readonly ledger: Ledger;
  readonly #options: Required<WorkloadOptions>;
  readonly #series: SeriesTotals[] = [];
  readonly #spanTemplates = new Map<number, Template>();
  readonly #resources: { bytes: Buffer; pidAt: number }[] = [];
  readonly #boundsNs: readonly number[];
  /** The ids of the message that is being made: trace x position x two words. */
  readonly #spanIds = new Uint32Array(SPANS_PER_MESSAGE * 2);
  readonly #traceIds = new Uint32Array(TRACES * 4);
  readonly #buffer = Buffer.alloc(SPANS_PER_MESSAGE * 1024);
  #random = 0;

  constructor(options: WorkloadOptions) {
    if (options.spans % SPANS_PER_MESSAGE !== 0) throw new RangeError('spans must be a multiple of 100');
    this.#options = {
      seed: 1,
      startNs: 1_763_700_000_000_000_000n,
      spanIntervalNs: 1000,
      services: 50,
      operations: 20,
      rootAttributes: {},
      distinctResources: false,
      bucketsMs: DEFAULT_BUCKETS_MS,
      ...options,
    };
    if (this.#options.services < 29) throw new RangeError('services must be at least 29');
    this.#boundsNs = this.#options.bucketsMs.map((ms) => ms * 1e6);
    this.#listSeries();
    this.ledger = { messages: 0, spans: 0, bytes: 0, series: this.#series };
  }

  get messageCount(): number {
    return this.#options.spans / SPANS_PER_MESSAGE;
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
    this.#random = Math.imul(this.#options.seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
    for (let i = 0; i < this.#traceIds.length; i++) this.#traceIds[i] = this.#draw();
    for (let i = 0; i < this.#spanIds.length; i++) this.#spanIds[i] = this.#draw() | 1;
    const firstService = this.#draw() % this.#options.services;
    let at = 0;
    for (let r = 0; r < RESOURCES; r++) {
      at = this.#writeResource(at, index, r, (firstService + r * 7) % this.#options.services);
    }
    const message = Buffer.from(this.#buffer.subarray(0, at));
    this.ledger.messages++;
    this.ledger.spans += SPANS_PER_MESSAGE;
    this.ledger.bytes += message.length;
    return message;
  }

  /** Lengths are written as 3-byte varints so that they can be filled in afterwards. */
  #writeResource(at: number, index: number, r: number, service: number): number {
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
    for (let j = 0; j < SPANS_PER_RESOURCE; j++) {
      const number = index * SPANS_PER_MESSAGE + r * SPANS_PER_RESOURCE + j;
      cursor = this.#writeSpan(cursor, number, service, j >> 1, r * 2 + (j & 1));
    }
    writeLength(out, scopeAt + 1, cursor - scopeAt - 4);
    writeLength(out, at + 1, cursor - at - 4);
    return cursor;
  }

  /** `trace` of the message, `position` in the trace. */
  #writeSpan(at: number, number: number, service: number, trace: number, position: number): number {
    const { operations, spanIntervalNs, startNs } = this.#options;
    const choice = this.#draw();
    const kind = position === 0 ? 0 : choice & 1;
    const operation = (choice >>> 1) % operations;
    const tenth = (choice >>> 16) % 10;
    const status = tenth < 6 ? 0 : tenth < 9 ? 1 : 2;
    const seriesIndex = ((service * operations + operation) * KINDS.length + kind) * STATUSES.length + status;
    const template = this.#template(seriesIndex, position === 0);
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
    for (let s = 0; s < services; s++)
      for (let o = 0; o < operations; o++)
        for (const kind of KINDS)
          for (const status of STATUSES) {
            const buckets = new Uint32Array(bucketsMs.length + 1);
            const names = { service: serviceName(s), operation: operationName(o) };
            this.#series.push({ ...names, kind, status, spans: 0, roots: 0, durationNs: 0, buckets });
          }
  }

  #resource(service: number): { bytes: Buffer; pidAt: number } {
    const known = this.#resources[service];
    if (known !== undefined) return known;
    const pid = this.#options.distinctResources ? { 'process.pid': DIGITS } : {};
    const attributes: Attributes = {
      'service.name': serviceName(service),
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

  #template(seriesIndex: number, isRoot: boolean): Template {
    const key = seriesIndex * 2 + (isRoot ? 1 : 0);
    const known = this.#spanTemplates.get(key);
    if (known !== undefined) return known;
    const made = makeTemplate(
      this.#series[seriesIndex] as SeriesTotals,
      isRoot,
      this.#options.rootAttributes,
    );
    this.#spanTemplates.set(key, made);
    return made;
  }
}

const DIGITS = '@@@@@@@@';
const TRACE_ID = 'e1'.repeat(16);
const SPAN_ID = 'e2'.repeat(8);
const PARENT_ID = 'e3'.repeat(8);
const START = 0xe4e4e4e4e4e4e4e4n;
const END = 0xe5e5e5e5e5e5e5e5n;
/** The scope field of ScopeSpans: name 'bench'. */
const SCOPE = Buffer.from('0a070a0562656e6368', 'hex');

function makeTemplate(series: SeriesTotals, isRoot: boolean, rootAttributes: RootAttributes): Template {
  const { operation, kind, status } = series;
  const failed = status === 2;
  const attributes = {
    'http.request.method': operation.slice(0, operation.indexOf(' ')),
    'http.route': operation.slice(operation.indexOf(' ') + 1),
    'http.response.status_code': failed ? 503 : 200,
    'url.path': `/items/${DIGITS}`,
    'server.address': series.service,
    'server.port': 8080,
    'network.type': 'ipv4',
    'user_agent.original': 'shop-client/3.14',
    'thread.name': 'worker-7',
    'enduser.id': `user-${DIGITS}`,
  };
  const more = isRoot ? { ...attributes, ...rootAttributes } : attributes;
  const span: TestSpan = {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    ...(isRoot ? {} : { parentSpanId: PARENT_ID }),
    name: operation,
    kind,
    startNs: START,
    endNs: END,
    attributes: more,
    ...(status === 0 ? {} : { status: failed ? { code: 2, message: 'upstream failed' } : { code: 1 } }),
    flags: 0x101,
  };
  const bytes = encodeSpan(span);
  if (bytes.length > 0x3fff) throw new RangeError('a span of this workload must fit into 16 KiB');
  const first = bytes.indexOf(DIGITS);
  return {
    bytes,
    traceIdAt: bytes.indexOf(TRACE_ID, 0, 'hex'),
    spanIdAt: bytes.indexOf(SPAN_ID, 0, 'hex'),
    parentIdAt: bytes.indexOf(PARENT_ID, 0, 'hex'),
    startAt: bytes.indexOf('e4'.repeat(8), 0, 'hex'),
    endAt: bytes.indexOf('e5'.repeat(8), 0, 'hex'),
    digitsAt: [first, bytes.indexOf(DIGITS, first + 1)],
  };
}

function serviceName(service: number): string {
  return `service-${String(service).padStart(2, '0')}`;
}

function operationName(operation: number): string {
  return `${operation % 2 === 0 ? 'GET' : 'POST'} /items/{id}/${String(operation).padStart(2, '0')}`;
}

function writeLength(out: Buffer, at: number, length: number): void {
  out[at] = (length & 0x7f) | 0x80;
  out[at + 1] = ((length >>> 7) & 0x7f) | 0x80;
  out[at + 2] = (length >>> 14) & 0x7f;
}

function writeShortLength(out: Buffer, at: number, length: number): void {
  out[at] = (length & 0x7f) | 0x80;
  out[at + 1] = (length >>> 7) & 0x7f;
}

function writeTime(out: Buffer, at: number, base: bigint, offsetNs: number): void {
  out.writeBigUInt64LE(base + BigInt(offsetNs), at);
}

/** A number as eight hex digits. */
function writeDigits(out: Buffer, at: number, number: number): void {
  for (let i = 0; i < 8; i++) {
    const nibble = (number >>> (28 - i * 4)) & 15;
    out[at + i] = nibble < 10 ? 48 + nibble : 87 + nibble;
  }
}
