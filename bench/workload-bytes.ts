import { encodeSpan, type TestSpan } from '../test/support/spans.ts';
import type { RootAttributes } from './workload.ts';

/** Stands for eight hex digits that differ from span to span. */
export const DIGITS = '@@@@@@@@';
/** Stand for the digits of a service and of an operation. */
const [SERVICE_DIGIT, OPERATION_DIGIT] = ['#', '%'];
const TRACE_ID = 'e1'.repeat(16);
const SPAN_ID = 'e2'.repeat(8);
const PARENT_ID = 'e3'.repeat(8);
const START = 0xe4e4e4e4e4e4e4e4n;
const END = 0xe5e5e5e5e5e5e5e5n;
/** The scope field of ScopeSpans: name 'bench'. */
export const SCOPE = Buffer.from('0a070a0562656e6368', 'hex');

/** As in OTLP: server, client. */
export const KINDS = [2, 3] as const;
/** As in OTLP: unset, ok, error. */
export const STATUSES = [0, 1, 2] as const;

/** A span's bytes, and where those lie that differ from span to span. */
export interface Template {
  readonly bytes: Buffer;
  readonly traceIdAt: number;
  readonly spanIdAt: number;
  /** -1 in a root. */
  readonly parentIdAt: number;
  readonly startAt: number;
  readonly endAt: number;
  /** Eight hex digits each. */
  readonly digitsAt: readonly number[];
  readonly serviceAt: readonly number[];
  readonly operationAt: readonly number[];
}

/** What services and operations are called: all numbers of a workload have the same number of digits, at least two. */
export class Names {
  readonly services: readonly string[];
  readonly operations: readonly string[];
  readonly #digits: { readonly service: number; readonly operation: number };

  constructor(services: number, operations: number) {
    const digits = { service: digitsOf(services), operation: digitsOf(operations) };
    this.#digits = digits;
    this.services = Array.from({ length: services }, (_, i) => serviceName(padded(i, digits.service)));
    this.operations = Array.from({ length: operations }, (_, i) =>
      operationName(i, padded(i, digits.operation)),
    );
  }

  /** A name in which the digits are yet to be written. */
  get anyService(): string {
    return serviceName(SERVICE_DIGIT.repeat(this.#digits.service));
  }

  anyOperation(parity: number): string {
    return operationName(parity, OPERATION_DIGIT.repeat(this.#digits.operation));
  }

  placesIn(bytes: Buffer): Pick<Template, 'serviceAt' | 'operationAt'> {
    return {
      serviceAt: placesOf(bytes, SERVICE_DIGIT.repeat(this.#digits.service)),
      operationAt: placesOf(bytes, OPERATION_DIGIT.repeat(this.#digits.operation)),
    };
  }

  /** Writes the digits into a copy of the template that begins at `base`. */
  writeInto(
    out: Buffer,
    base: number,
    { serviceAt, operationAt }: Template,
    { service, operation }: { readonly service: number; readonly operation: number },
  ): void {
    for (const at of serviceAt) writeDecimal(out, base + at, service, this.#digits.service);
    for (const at of operationAt) writeDecimal(out, base + at, operation, this.#digits.operation);
  }
}

/** The templates of all spans; they differ by kind, status, method and whether there is a parent. */
export class SpanTemplates {
  readonly #names: Names;
  readonly #rootAttributes: RootAttributes;
  readonly #made: Template[] = [];

  constructor(names: Names, rootAttributes: RootAttributes) {
    this.#names = names;
    this.#rootAttributes = rootAttributes;
  }

  /** `kind` and `status` are positions in KINDS and STATUSES. */
  of(operation: number, kind: number, status: number, isRoot: boolean): Template {
    const parity = operation & 1;
    const key = ((parity * 2 + kind) * 3 + status) * 2 + (isRoot ? 1 : 0);
    const known = this.#made[key];
    if (known !== undefined) return known;
    const span = { operation: this.#names.anyOperation(parity), kind: KINDS[kind] as number };
    const made = this.#make({ ...span, status: STATUSES[status] as number, isRoot });
    this.#made[key] = made;
    return made;
  }

  #make(of: {
    readonly operation: string;
    readonly kind: number;
    readonly status: number;
    readonly isRoot: boolean;
  }): Template {
    const { operation, kind, status, isRoot } = of;
    const failed = status === 2;
    const attributes = {
      'http.request.method': operation.slice(0, operation.indexOf(' ')),
      'http.route': operation.slice(operation.indexOf(' ') + 1),
      'http.response.status_code': failed ? 503 : 200,
      'url.path': `/items/${DIGITS}`,
      'server.address': this.#names.anyService,
      'server.port': 8080,
      'network.type': 'ipv4',
      'user_agent.original': 'shop-client/3.14',
      'thread.name': 'worker-7',
      'enduser.id': `user-${DIGITS}`,
    };
    const more = isRoot ? { ...attributes, ...this.#rootAttributes } : attributes;
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
      ...this.#names.placesIn(bytes),
    };
  }
}

function digitsOf(count: number): number {
  return Math.max(2, String(count - 1).length);
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

function serviceName(digits: string): string {
  return `service-${digits}`;
}

function operationName(operation: number, digits: string): string {
  return `${operation % 2 === 0 ? 'GET' : 'POST'} /items/{id}/${digits}`;
}

function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}

function writeDecimal(out: Buffer, at: number, number: number, digits: number): void {
  let rest = number;
  for (let i = digits - 1; i >= 0; i--) {
    out[at + i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

export function writeLength(out: Buffer, at: number, length: number): void {
  out[at] = (length & 0x7f) | 0x80;
  out[at + 1] = ((length >>> 7) & 0x7f) | 0x80;
  out[at + 2] = (length >>> 14) & 0x7f;
}

export function writeShortLength(out: Buffer, at: number, length: number): void {
  out[at] = (length & 0x7f) | 0x80;
  out[at + 1] = (length >>> 7) & 0x7f;
}

export function writeTime(out: Buffer, at: number, base: bigint, offsetNs: number): void {
  out.writeBigUInt64LE(base + BigInt(offsetNs), at);
}

/** A number as eight hex digits. */
export function writeDigits(out: Buffer, at: number, number: number): void {
  for (let i = 0; i < 8; i++) {
    const nibble = (number >>> (28 - i * 4)) & 15;
    out[at + i] = nibble < 10 ? 48 + nibble : 87 + nibble;
  }
}
