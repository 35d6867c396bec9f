/** A span as it stands in a message; one object is used for all of them. */
export interface SeenSpan {
  service: string;
  operation: string;
  /** Of the span id, as a big-endian number. */
  idHi: number;
  idLo: number;
  isRoot: boolean;
  startNs: bigint;
  durationNs: number;
}

/**
 * Reads an OTLP ExportTraceServiceRequest with code that the engine does not have, as far as the ledger needs it.
 * Throws RangeError for bytes that are no such message.
 */
export function readSpans(message: Uint8Array, visit: (span: SeenSpan) => void): void {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const span: SeenSpan = {
    service: '',
    operation: '',
    idHi: 0,
    idLo: 0,
    isRoot: true,
    startNs: 0n,
    durationNs: 0,
  };
  fields(bytes, (field, value) => {
    if (field !== 1) return;
    span.service = '';
    fields(inner(value), (part, content) => {
      if (part === 1) span.service = serviceOf(inner(content));
      else if (part === 2)
        fields(inner(content), (of, one) => {
          if (of !== 2) return;
          readSpan(inner(one), span);
          visit(span);
        });
    });
  });
}

function readSpan(bytes: Buffer, span: SeenSpan): void {
  span.operation = '';
  span.isRoot = true;
  let endNs = 0n;
  fields(bytes, (field, value) => {
    if (field === 2) {
      span.idHi = inner(value).readUInt32BE(0);
      span.idLo = inner(value).readUInt32BE(4);
    } else if (field === 4) span.isRoot = inner(value).length === 0;
    else if (field === 5) span.operation = inner(value).toString();
    else if (field === 7) span.startNs = value as bigint;
    else if (field === 8) endNs = value as bigint;
  });
  span.durationNs = Number(endNs - span.startNs);
}

function serviceOf(resource: Buffer): string {
  let service = '';
  fields(resource, (field, value) => {
    if (field !== 1) return;
    let key = '';
    fields(inner(value), (part, content) => {
      if (part === 1) key = inner(content).toString();
      else if (part === 2 && key === 'service.name')
        fields(inner(content), (kind, text) => {
          if (kind === 1) service = inner(text).toString();
        });
    });
  });
  return service;
}

type Value = Buffer | number | bigint;

/** Every field of a message: length-delimited ones as bytes, fixed64 as bigint, varints and fixed32 as numbers. */
function fields(bytes: Buffer, visit: (field: number, value: Value) => void): void {
  let at = 0;
  const varint = (): number => {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('a varint has no end');
      result += (byte & 127) * scale;
      if (byte < 128) return result;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a field is longer than its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) visit(tag >>> 3, varint());
    else if (type === 1) visit(tag >>> 3, take(8).readBigUInt64LE());
    else if (type === 2) visit(tag >>> 3, take(varint()));
    else if (type === 5) visit(tag >>> 3, take(4).readUInt32LE());
    else throw new RangeError(`wire type ${type}`);
  }
}

function inner(value: Value): Buffer {
  if (!Buffer.isBuffer(value)) throw new RangeError('a message was expected');
  return value;
}
