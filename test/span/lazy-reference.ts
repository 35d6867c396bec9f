import protobuf from 'protobufjs';

/**
 * OTLP as protobufjs reads it when it looks exactly as deep as the scanner does: what the scanner skips by
 * length is `bytes` here, and strings are bytes so that their encoding is nobody's business.
 */
const root = protobuf.parse(`
syntax = "proto3";
message Traces { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { repeated bytes resource = 1; repeated ScopeSpans scope_spans = 2; }
message ScopeSpans { repeated bytes scope = 1; repeated Span spans = 2; }
message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  bytes trace_state = 3;
  bytes parent_span_id = 4;
  bytes name = 5;
  int32 kind = 6;
  fixed64 start = 7;
  fixed64 end = 8;
  repeated bytes attributes = 9;
  repeated bytes events = 11;
  repeated bytes links = 13;
  Status status = 15;
  fixed32 flags = 16;
}
message Status { bytes message = 2; int32 code = 3; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { bytes key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    bytes string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    bytes array_value = 5;
    bytes kvlist_value = 6;
    bytes bytes_value = 7;
  }
}
`).root;

export interface ReferenceSpan {
  traceId: Buffer;
  spanId: Buffer;
  traceState: Buffer;
  parentSpanId: Buffer;
  name: Buffer;
  kind: number;
  start: { toString(): string };
  end: { toString(): string };
  attributes: Buffer[];
  events: Buffer[];
  links: Buffer[];
  status: { message: Buffer; code: number } | null;
  flags: number;
}

export interface ReferenceScope {
  scope: Buffer[];
  spans: ReferenceSpan[];
}

export interface ReferenceResource {
  resource: Buffer[];
  scopeSpans: ReferenceScope[];
}

export interface ReferencePair {
  key: Buffer;
  value: ReferenceValue | null;
}

export interface ReferenceValue {
  /** Name of the field that is set. */
  value?: string;
  stringValue: Buffer;
  boolValue: boolean;
  intValue: { toString(): string };
  doubleValue: number;
}

/** Undefined where protobufjs refuses. */
function decode(type: string, bytes: Buffer): object | undefined {
  try {
    return root.lookupType(type).decode(bytes);
  } catch {
    return undefined;
  }
}

export function referenceTraces(payload: Buffer): ReferenceResource[] | undefined {
  return (decode('Traces', payload) as { resourceSpans: ReferenceResource[] } | undefined)?.resourceSpans;
}

export function referenceResource(bytes: Buffer): ReferencePair[] | undefined {
  return (decode('Resource', bytes) as { attributes: ReferencePair[] } | undefined)?.attributes;
}

export function referencePair(bytes: Buffer): ReferencePair | undefined {
  return decode('KeyValue', bytes) as ReferencePair | undefined;
}

/** Text of a value whose form needs no JSON; undefined for the others. */
export function referenceText(value: ReferenceValue | null): string | undefined {
  switch (value?.value) {
    case undefined:
      return '';
    case 'stringValue':
      return value?.stringValue.toString('utf8');
    case 'boolValue':
      return String(value?.boolValue);
    case 'intValue':
      return value?.intValue.toString();
    case 'doubleValue':
      return Object.is(value?.doubleValue, -0) ? '-0' : String(value?.doubleValue);
    default:
      return undefined;
  }
}
