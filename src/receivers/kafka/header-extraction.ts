import type { Encoding, RecordHeader, SourceRecord } from '../../flow/intake.ts';

/**
 * Adds `kafka.header.<name>` to the resource of every ResourceSpans of a payload. Spans are not decoded: the
 * payload is copied around the Resource messages. Bytes that are no OTLP come back unchanged, for the scanner to
 * judge. The first header of a name counts.
 */
export function withHeaders(
  record: SourceRecord,
  names: readonly string[],
  encoding: Encoding,
): SourceRecord {
  if (record.value === null || record.headers === undefined) return record;
  const found = names.flatMap((name) => record.headers?.find((header) => header.key === name) ?? []);
  if (found.length === 0) return record;
  const value = encoding === 'otlp_proto' ? intoProto(record.value, found) : intoJson(record.value, found);
  return { ...record, value };
}

const TAG = { lengthDelimited: 2, field1: 0x0a } as const;

function intoProto(payload: Uint8Array, headers: readonly RecordHeader[]): Uint8Array {
  const attributes = Buffer.concat(headers.map(attribute));
  try {
    const parts: Uint8Array[] = [];
    eachField(payload, (field, at, bodyAt, end) => {
      if (field !== 1) return void parts.push(payload.subarray(at, end));
      const body = resourceSpans(payload.subarray(bodyAt, end), attributes);
      parts.push(lengthPrefix(TAG.field1, body.length), body);
    });
    return Buffer.concat(parts);
  } catch {
    return payload;
  }
}

/** ResourceSpans with the attributes appended to its Resource (field 1), which is made when there is none. */
function resourceSpans(bytes: Uint8Array, attributes: Buffer): Uint8Array {
  const parts: Uint8Array[] = [];
  let isDone = false;
  eachField(bytes, (field, at, bodyAt, end) => {
    if (field !== 1 || isDone) return void parts.push(bytes.subarray(at, end));
    isDone = true;
    const length = end - bodyAt + attributes.length;
    parts.push(lengthPrefix(TAG.field1, length), bytes.subarray(bodyAt, end), attributes);
  });
  if (!isDone) parts.unshift(lengthPrefix(TAG.field1, attributes.length), attributes);
  return Buffer.concat(parts);
}

/** Resource.attributes (field 1) holding KeyValue{key: 1, value: 2 AnyValue{string_value: 1}}. */
function attribute(header: RecordHeader): Buffer {
  const text = Buffer.from(header.value ?? []);
  const anyValue = Buffer.concat([lengthPrefix(0x0a, text.length), text]);
  const key = Buffer.from(`kafka.header.${header.key}`);
  const keyValue = Buffer.concat([
    lengthPrefix(0x0a, key.length),
    key,
    lengthPrefix(0x12, anyValue.length),
    anyValue,
  ]);
  return Buffer.concat([lengthPrefix(TAG.field1, keyValue.length), keyValue]);
}

function lengthPrefix(tag: number, length: number): Buffer {
  const bytes = [tag];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Calls with [start of the tag, start of the body, end) of each field. Throws RangeError on malformed bytes. */
function eachField(
  bytes: Uint8Array,
  visit: (field: number, at: number, bodyAt: number, end: number) => void,
): void {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('ends early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError('varint too long');
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    let bodyAt = at;
    const wireType = tag & 7;
    if (wireType === TAG.lengthDelimited) {
      const length = varint();
      bodyAt = at;
      at += length;
    } else if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else throw new RangeError('group');
    if (at > bytes.length) throw new RangeError('ends early');
    visit(Math.floor(tag / 8), start, bodyAt, at);
  }
}

interface JsonPayload {
  resourceSpans?: { resource?: { attributes?: object[] } }[];
}

function intoJson(payload: Uint8Array, headers: readonly RecordHeader[]): Uint8Array {
  try {
    const parsed = JSON.parse(Buffer.from(payload).toString('utf8')) as JsonPayload;
    for (const spans of parsed.resourceSpans ?? []) {
      spans.resource ??= {};
      spans.resource.attributes ??= [];
      for (const { key, value } of headers) {
        const stringValue = Buffer.from(value ?? []).toString('utf8');
        spans.resource.attributes.push({ key: `kafka.header.${key}`, value: { stringValue } });
      }
    }
    return Buffer.from(JSON.stringify(parsed));
  } catch {
    return payload;
  }
}
