import { exportTraceServiceRequest, spanType } from './otlp-proto.ts';

/**
 * OTLP traces as plain objects, for tests: `encodeProto` and `encodeJson` make payloads of them and
 * `decodeProto` reads a payload back, all through protobufjs, so that the engine's own reader and writer are
 * checked against something else.
 */

/**
 * string, boolean, bytes, array and object stand for themselves; an integer number or bigint is an int value,
 * any other number a double (`double(2)` for a whole one); null is an AnyValue with nothing set.
 */
export type AttributeValue =
  | string
  | boolean
  | number
  | bigint
  | DoubleValue
  | Uint8Array
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

/** Pairs where the order or a repeated key matters. */
export type Attributes =
  | Readonly<Record<string, AttributeValue>>
  | readonly (readonly [string, AttributeValue])[];

export class DoubleValue {
  readonly double: number;
  constructor(value: number) {
    this.double = value;
  }
}

/** A whole number as a double value. */
export function double(value: number): DoubleValue {
  return new DoubleValue(value);
}

export interface TestSpan {
  /** Hex. Default 16 bytes made from `spanId`. */
  readonly traceId?: string;
  /** Hex. Default 00000000000000aa. */
  readonly spanId?: string;
  /** Hex; absent or empty = a root. */
  readonly parentSpanId?: string;
  readonly traceState?: string;
  /** Default 'op'. */
  readonly name?: string;
  /** 0 unspecified, 1 internal, 2 server (default), 3 client, 4 producer, 5 consumer. */
  readonly kind?: number;
  /** Unix time. Default 1700000000000000000n. */
  readonly startNs?: bigint;
  /** Ignored where `endNs` is given. Default 1000000. */
  readonly durationNs?: number;
  readonly endNs?: bigint;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
  readonly events?: readonly TestEvent[];
  readonly droppedEventsCount?: number;
  readonly links?: readonly TestLink[];
  readonly droppedLinksCount?: number;
  /** code: 0 unset, 1 ok, 2 error. Absent = no Status message at all. */
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly flags?: number;
}

export interface TestEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
}

export interface TestLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
  readonly flags?: number;
}

export interface TestScope {
  readonly name?: string;
  readonly version?: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
  readonly schemaUrl?: string;
  readonly spans: readonly TestSpan[];
}

export interface TestResource {
  /** Shorthand for the resource attribute service.name, which it precedes. */
  readonly service?: string;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
  readonly schemaUrl?: string;
  /** Spans in one scope without a name; use `scopes` for more. */
  readonly spans?: readonly TestSpan[];
  readonly scopes?: readonly TestScope[];
}

/** An ExportTraceServiceRequest as protobuf: the body of OTLP/HTTP, of gRPC, and of an otlp_proto message. */
export function encodeProto(resources: readonly TestResource[]): Buffer {
  const message = exportTraceServiceRequest.fromObject(toRequest(resources));
  return Buffer.from(exportTraceServiceRequest.encode(message).finish());
}

/** One Span message alone, without the request around it. */
export function encodeSpan(span: TestSpan): Buffer {
  return Buffer.from(spanType.encode(spanType.fromObject(toSpan(span))).finish());
}

/** The same as OTLP/JSON: hex ids, 64-bit numbers as strings, other bytes as base64. */
export function encodeJson(resources: readonly TestResource[]): string {
  return JSON.stringify(toJson('', toRequest(resources)));
}

/** Reads protobuf back; every field of the result is present and attributes are pairs. Throws on bad bytes. */
export function decodeProto(bytes: Uint8Array): DecodedResource[] {
  const message = exportTraceServiceRequest.decode(bytes);
  return toResources(exportTraceServiceRequest.toObject(message, { longs: String, defaults: false }));
}

/** All spans of a decoded request, in order, with the service of their resource. */
export function flatSpans(resources: readonly DecodedResource[]): (DecodedSpan & { service: string })[] {
  return resources.flatMap((resource) => {
    const service = resource.attributes.find(([key]) => key === 'service.name')?.[1];
    return resource.scopes.flatMap((scope) =>
      scope.spans.map((span) => ({ ...span, service: typeof service === 'string' ? service : '' })),
    );
  });
}

export type Pairs = readonly (readonly [string, AttributeValue])[];
type Full<T> = { readonly [K in keyof T]-?: K extends 'attributes' ? Pairs : Exclude<T[K], undefined> };
export type DecodedEvent = Full<TestEvent>;
export type DecodedLink = Full<TestLink>;
export type DecodedSpan = Omit<Full<TestSpan>, 'events' | 'links' | 'durationNs' | 'status'> & {
  readonly events: readonly DecodedEvent[];
  readonly links: readonly DecodedLink[];
  readonly status: { readonly code: number; readonly message: string };
};
export type DecodedScope = Omit<Full<TestScope>, 'spans'> & { readonly spans: readonly DecodedSpan[] };
export type DecodedResource = Omit<Full<TestResource>, 'service' | 'spans' | 'scopes'> & {
  readonly scopes: readonly DecodedScope[];
};

type Json = Record<string, unknown>;

function toRequest(resources: readonly TestResource[]): Json {
  return { resourceSpans: resources.map(toResourceSpans) };
}

function toResourceSpans(input: TestResource): Json {
  const own = pairs(input.attributes);
  const named: Pairs = input.service === undefined ? own : [['service.name', input.service], ...own];
  const scopes = [...(input.spans === undefined ? [] : [{ spans: input.spans }]), ...(input.scopes ?? [])];
  return present({
    resource: present({
      attributes: named.map(toKeyValue),
      droppedAttributesCount: input.droppedAttributesCount,
    }),
    scopeSpans: scopes.map(toScopeSpans),
    schemaUrl: input.schemaUrl,
  });
}

function toScopeSpans(input: TestScope): Json {
  const { name, version, attributes, droppedAttributesCount } = input;
  const scope = present({
    name,
    version,
    attributes: attributes === undefined ? undefined : pairs(attributes).map(toKeyValue),
    droppedAttributesCount,
  });
  return present({
    scope: Object.keys(scope).length > 0 ? scope : undefined,
    spans: input.spans.map(toSpan),
    schemaUrl: input.schemaUrl,
  });
}

function toSpan(span: TestSpan): Json {
  const spanId = span.spanId ?? '00000000000000aa';
  const startNs = span.startNs ?? 1_700_000_000_000_000_000n;
  const endNs = span.endNs ?? startNs + BigInt(span.durationNs ?? 1_000_000);
  return present({
    traceId: fromHex(span.traceId ?? spanId.padStart(32, 'f')),
    spanId: fromHex(spanId),
    parentSpanId: span.parentSpanId ? fromHex(span.parentSpanId) : undefined,
    traceState: span.traceState,
    name: span.name ?? 'op',
    kind: span.kind ?? 2,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(endNs),
    attributes: pairs(span.attributes).map(toKeyValue),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events?.map((event) =>
      present({
        timeUnixNano: String(event.timeNs),
        name: event.name,
        attributes: pairs(event.attributes).map(toKeyValue),
        droppedAttributesCount: event.droppedAttributesCount,
      }),
    ),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links?.map((link) =>
      present({
        traceId: fromHex(link.traceId),
        spanId: fromHex(link.spanId),
        traceState: link.traceState,
        attributes: pairs(link.attributes).map(toKeyValue),
        droppedAttributesCount: link.droppedAttributesCount,
        flags: link.flags,
      }),
    ),
    droppedLinksCount: span.droppedLinksCount,
    status: span.status === undefined ? undefined : present({ ...span.status }),
    flags: span.flags,
  });
}

function toKeyValue([key, value]: readonly [string, AttributeValue]): Json {
  return { key, value: toAnyValue(value) };
}

function toAnyValue(value: AttributeValue): Json {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return isInt(value) ? { intValue: String(value) } : { doubleValue: value };
  if (value instanceof DoubleValue) return { doubleValue: value.double };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } };
  return { kvlistValue: { values: Object.entries(value).map(toKeyValue) } };
}

function isInt(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function pairs(attributes: Attributes | undefined): Pairs {
  if (attributes === undefined) return [];
  return Array.isArray(attributes) ? (attributes as Pairs) : Object.entries(attributes);
}

function present(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const HEX_KEYS = new Set(['traceId', 'spanId', 'parentSpanId']);

function toJson(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString(HEX_KEYS.has(key) ? 'hex' : 'base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map((one) => toJson(key, one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toJson(name, one)]));
}

function toResources(request: Json): DecodedResource[] {
  return list(request.resourceSpans).map((entry) => {
    const resource = (entry.resource ?? {}) as Json;
    return {
      attributes: fromKeyValues(resource.attributes),
      droppedAttributesCount: number(resource.droppedAttributesCount),
      schemaUrl: text(entry.schemaUrl),
      scopes: list(entry.scopeSpans).map((group) => {
        const scope = (group.scope ?? {}) as Json;
        return {
          name: text(scope.name),
          version: text(scope.version),
          attributes: fromKeyValues(scope.attributes),
          droppedAttributesCount: number(scope.droppedAttributesCount),
          schemaUrl: text(group.schemaUrl),
          spans: list(group.spans).map(fromSpan),
        };
      }),
    };
  });
}

function fromSpan(span: Json): DecodedSpan {
  const status = (span.status ?? {}) as Json;
  return {
    traceId: toHex(span.traceId),
    spanId: toHex(span.spanId),
    parentSpanId: toHex(span.parentSpanId),
    traceState: text(span.traceState),
    name: text(span.name),
    kind: number(span.kind),
    startNs: BigInt(text(span.startTimeUnixNano) || '0'),
    endNs: BigInt(text(span.endTimeUnixNano) || '0'),
    attributes: fromKeyValues(span.attributes),
    droppedAttributesCount: number(span.droppedAttributesCount),
    events: list(span.events).map((event) => ({
      timeNs: BigInt(text(event.timeUnixNano) || '0'),
      name: text(event.name),
      attributes: fromKeyValues(event.attributes),
      droppedAttributesCount: number(event.droppedAttributesCount),
    })),
    droppedEventsCount: number(span.droppedEventsCount),
    links: list(span.links).map((link) => ({
      traceId: toHex(link.traceId),
      spanId: toHex(link.spanId),
      traceState: text(link.traceState),
      attributes: fromKeyValues(link.attributes),
      droppedAttributesCount: number(link.droppedAttributesCount),
      flags: number(link.flags),
    })),
    droppedLinksCount: number(span.droppedLinksCount),
    status: { code: number(status.code), message: text(status.message) },
    flags: number(span.flags),
  };
}

function fromKeyValues(value: unknown): Pairs {
  return list(value).map((pair) => [text(pair.key), fromAnyValue((pair.value ?? {}) as Json)]);
}

function fromAnyValue(any: Json): AttributeValue {
  if ('stringValue' in any) return text(any.stringValue);
  if ('boolValue' in any) return Boolean(any.boolValue);
  if ('intValue' in any) {
    const int = BigInt(any.intValue as string);
    return isInt(Number(int)) ? Number(int) : int;
  }
  if ('doubleValue' in any) {
    const value = any.doubleValue as number;
    return isInt(value) ? double(value) : value;
  }
  if ('bytesValue' in any) return Uint8Array.from(any.bytesValue as Uint8Array);
  if ('arrayValue' in any) return list((any.arrayValue as Json).values).map(fromAnyValue);
  if ('kvlistValue' in any) return Object.fromEntries(fromKeyValues((any.kvlistValue as Json).values));
  return null;
}

function list(value: unknown): Json[] {
  return (value ?? []) as Json[];
}

function text(value: unknown): string {
  return (value ?? '') as string;
}

function number(value: unknown): number {
  return (value ?? 0) as number;
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function toHex(bytes: unknown): string {
  return Buffer.from((bytes ?? new Uint8Array()) as Uint8Array).toString('hex');
}
