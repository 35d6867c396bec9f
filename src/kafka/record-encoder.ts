import type { IHeaders } from 'kafkajs';
import type { RecordHeader } from '../flow/intake.ts';

/** A record as kafkajs' produce request hands it on; deltas are against the batch's header. */
export interface OutgoingRecord {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key?: Uint8Array | string | null;
  readonly value?: Uint8Array | string | null;
  readonly headers?: IHeaders | readonly RecordHeader[];
}

/** Headers that are written exactly so: in this order, with names that come twice, with null values. */
export function headersInOrder(headers: readonly RecordHeader[]): IHeaders {
  return headers as unknown as IHeaders;
}

/**
 * The bytes of one record of a batch (magic 2). kafkajs' own encoder knows headers as an object only, which sorts
 * names that are numbers, moves those that come twice together, and fails on a null value.
 */
export function encodeRecord(record: OutgoingRecord): Buffer {
  const { offsetDelta = 0, timestampDelta = 0 } = record;
  const headers = listed(record.headers).map(({ key, value }) => ({
    key: Buffer.from(key, 'utf8'),
    value: asBytes(value),
  }));
  const key = asBytes(record.key);
  const value = asBytes(record.value);
  let bodyBytes = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + fieldBytes(key);
  bodyBytes += fieldBytes(value) + varintBytes(headers.length);
  for (const header of headers) bodyBytes += fieldBytes(header.key) + fieldBytes(header.value);
  const bytes = Buffer.allocUnsafe(varintBytes(bodyBytes) + bodyBytes);
  let at = writeVarint(bytes, 0, bodyBytes);
  bytes[at++] = 0;
  at = writeVarint(bytes, at, timestampDelta);
  at = writeVarint(bytes, at, offsetDelta);
  at = writeField(bytes, at, key);
  at = writeField(bytes, at, value);
  at = writeVarint(bytes, at, headers.length);
  for (const header of headers) at = writeField(bytes, writeField(bytes, at, header.key), header.value);
  return bytes;
}

function listed(headers: OutgoingRecord['headers']): readonly HeaderToWrite[] {
  if (headers === undefined) return [];
  if (Array.isArray(headers)) return headers as readonly RecordHeader[];
  return Object.entries(headers as IHeaders).flatMap(([key, value]) =>
    Array.isArray(value) ? value.map((one) => ({ key, value: one })) : [{ key, value: value ?? null }],
  );
}

interface HeaderToWrite {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

function asBytes(value: Uint8Array | string | null | undefined): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : (value ?? null);
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function writeField(bytes: Buffer, at: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, at, -1);
  const valueAt = writeVarint(bytes, at, field.length);
  bytes.set(field, valueAt);
  return valueAt + field.length;
}

/** Zigzag as a double: exact for what a delta of timestamps can be. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80;
  bytes[at++] = rest;
  return at;
}
