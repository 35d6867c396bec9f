import { type FieldSchema, type MessageSchema, type ScalarType, TRACES_DATA } from './otlp-schema.ts';
import { ProtoWriter } from './proto-writer.ts';
import { ScanError } from './scan-error.ts';
import { WIRE } from './wire.ts';

/** Messages inside each other: about 64 levels of nested attribute values. */
const MAX_DEPTH = 200;
const MAX_BYTES = 64 * 1024 * 1024;

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_UINT32 = 2 ** 32 - 1;

const WIRE_OF: Readonly<Record<ScalarType, number>> = {
  string: WIRE.len,
  id: WIRE.len,
  bytes: WIRE.len,
  bool: WIRE.varint,
  int64: WIRE.varint,
  uint32: WIRE.varint,
  fixed64: WIRE.i64,
  fixed32: WIRE.i32,
  double: WIRE.i64,
};

/**
 * OTLP/JSON text (an ExportTraceServiceRequest) as OTLP protobuf bytes. Ids are hexadecimal, 64-bit
 * integers are strings or numbers, enums are numbers or names; unknown fields are ignored, null is absent.
 * Throws ScanError.
 */
export function transcodeJson(text: Uint8Array, maxBytes = MAX_BYTES): Uint8Array {
  if (text.length > maxBytes) throw new ScanError('too_large');
  const writer = new ProtoWriter();
  writeMessage(writer, TRACES_DATA, parse(text), 0);
  return writer.finish();
}

function parse(text: Uint8Array): unknown {
  try {
    return JSON.parse(
      quoteLongIntegers(Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8')),
    );
  } catch {
    throw new ScanError('json_syntax');
  }
}

/** Integers of 16 digits and more become strings: as numbers, JSON.parse would round them. */
export function quoteLongIntegers(json: string): string {
  if (!/[:[,\s]-?\d{16}/.test(json)) return json;
  const parts: string[] = [];
  let copiedTo = 0;
  let i = 0;
  while (i < json.length) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(json, i);
      continue;
    }
    if (code !== MINUS && !isDigit(code)) {
      i++;
      continue;
    }
    const at = i;
    while (i < json.length && isPartOfNumber(json.charCodeAt(i))) i++;
    const number = json.slice(at, i);
    if (/^-?[1-9]\d{15,}$/.test(number)) {
      parts.push(json.slice(copiedTo, at), '"', number, '"');
      copiedTo = i;
    }
  }
  parts.push(json.slice(copiedTo));
  return parts.join('');
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Digits, sign, point and exponent. */
function isPartOfNumber(code: number): boolean {
  return isDigit(code) || code === MINUS || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45;
}

function endOfString(json: string, quoteAt: number): number {
  let i = quoteAt + 1;
  while (i < json.length && json.charCodeAt(i) !== QUOTE) i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i + 1;
}

function writeMessage(writer: ProtoWriter, schema: MessageSchema, value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new ScanError('too_deep');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScanError('json_type', `${schema.name} must be an object`);
  }
  for (const [name, content] of Object.entries(value)) {
    const field = schema.fields.get(name);
    if (field === undefined || content === null) continue;
    if (!field.repeated) writeField(writer, field, name, content, depth);
    else if (Array.isArray(content)) {
      for (const element of content) writeField(writer, field, name, element, depth);
    } else throw new ScanError('json_type', `${name} must be an array`);
  }
}

function writeField(
  writer: ProtoWriter,
  field: FieldSchema,
  name: string,
  value: unknown,
  depth: number,
): void {
  const { number, type } = field;
  if (typeof type === 'function') {
    writer.tag(number, WIRE.len);
    const at = writer.begin();
    writeMessage(writer, type(), value, depth + 1);
    writer.end(at);
  } else if (typeof type === 'string') {
    writer.tag(number, WIRE_OF[type]);
    writeScalar(writer, type, name, value);
  } else {
    writer.tag(number, WIRE.varint);
    writer.varint64(BigInt(enumNumber(type, name, value)));
  }
}

function writeScalar(writer: ProtoWriter, type: ScalarType, name: string, value: unknown): void {
  switch (type) {
    case 'string':
      writer.string(stringOf(name, value));
      return;
    case 'id':
      writer.bytes(hexBytes(name, value));
      return;
    case 'bytes':
      writer.bytes(base64Bytes(name, value));
      return;
    case 'bool':
      if (typeof value !== 'boolean') throw new ScanError('json_type', `${name} must be true or false`);
      writer.varint(value ? 1 : 0);
      return;
    case 'int64':
      writer.varint64(integer(name, value, MIN_INT64, MAX_INT64));
      return;
    case 'fixed64':
      writer.fixed64(integer(name, value, 0n, MAX_UINT64));
      return;
    case 'uint32':
      writer.varint(Number(integer(name, value, 0n, BigInt(MAX_UINT32))));
      return;
    case 'fixed32':
      writer.fixed32(Number(integer(name, value, 0n, BigInt(MAX_UINT32))));
      return;
    case 'double':
      writer.double(doubleOf(name, value));
      return;
  }
}

function stringOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new ScanError('json_type', `${name} must be a string`);
  return value;
}

function hexBytes(name: string, value: unknown): Buffer {
  const text = stringOf(name, value);
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) {
    throw new ScanError('json_id', `${name} must be hexadecimal`);
  }
  return Buffer.from(text, 'hex');
}

function base64Bytes(name: string, value: unknown): Buffer {
  const text = stringOf(name, value);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new ScanError('json_base64', name);
  return Buffer.from(text, 'base64');
}

function integer(name: string, value: unknown, min: bigint, max: bigint): bigint {
  let number: bigint | undefined;
  if (typeof value === 'number' && Number.isInteger(value)) number = BigInt(value);
  else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) number = BigInt(value);
  if (number === undefined || number < min || number > max) throw new ScanError('json_number', name);
  return number;
}

function doubleOf(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
  throw new ScanError('json_number', name);
}

function enumNumber(names: readonly string[], name: string, value: unknown): number {
  if (typeof value === 'string') {
    const number = names.indexOf(value);
    if (number >= 0) return number;
  } else if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  throw new ScanError('json_type', name);
}
