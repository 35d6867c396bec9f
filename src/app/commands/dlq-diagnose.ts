import type { Encoding } from '../../flow/intake.ts';
import { readRecordBatches } from '../../kafka/record-batch.ts';
import { Dictionary } from '../../span/dictionary.ts';
import { type MessageSchema, TRACES_DATA } from '../../span/otlp-schema.ts';
import { ScanError } from '../../span/scan-error.ts';
import { SpanBatch } from '../../span/span-batch.ts';
import { WIRE, Wire } from '../../span/wire.ts';
import { createScan } from '../scan.ts';

/** What reading the value again says, in lines for people. */
export function diagnose(value: Uint8Array, encoding: Encoding, timestampMs: number): string[] {
  const verdict = scanVerdict(value, encoding, timestampMs);
  const lines = [`read as ${encoding}: ${verdict}`];
  if (encoding === 'otlp_json') lines.push(...jsonPlace(value));
  else lines.push(...wirePlace(value));
  const guess = guessed(value, encoding);
  if (guess !== undefined) lines.push(`it looks like ${guess}`);
  return lines;
}

/** The same for the bytes of a whole record batch. */
export async function diagnoseBatch(bytes: Uint8Array): Promise<string[]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const batches = readRecordBatches(buffer);
  if (batches.length === 0) return ['the bytes are cut off: not a whole record batch'];
  return batches.map(({ baseOffset, lastOffset, records, trouble }) => {
    const verdict =
      trouble === undefined ? `${records.length} records can be read` : `${trouble.kind}: ${trouble.message}`;
    return `record batch of offsets ${baseOffset} to ${lastOffset}: ${verdict}`;
  });
}

function scanVerdict(value: Uint8Array, encoding: Encoding, timestampMs: number): string {
  const scan = createScan(new Dictionary(), {
    timestamps: { maxPastMs: 7 * 86_400_000, maxFutureMs: 3_600_000 },
    weights: { attribute: '', samplerTags: false, weightMax: 1e6 },
  });
  try {
    const spans = scan(new SpanBatch(), value, encoding, { offset: 0, timestampMs });
    return `${spans} span${spans === 1 ? '' : 's'}; nothing is wrong with the encoding`;
  } catch (error) {
    return error instanceof ScanError ? `refused, ${error.message}` : 'refused';
  }
}

/** Messages inside each other; an attribute's value may be nested much deeper than it can be looked into. */
const MAX_DEPTH = 100;

/** The field in which protobuf's rules are broken first, and at which byte that field begins. */
function wirePlace(value: Uint8Array): string[] {
  const place = { at: 0, path: '' };
  try {
    walk(value, { from: 0, end: value.length, schema: TRACES_DATA, path: '', depth: 0 }, place);
    return [];
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    const where = place.path === '' ? 'between fields' : `in ${place.path}`;
    return [
      `first broken rule of protobuf: ${error.message} at byte ${place.at} of ${value.length}, ${where}`,
    ];
  }
}

interface Part {
  readonly from: number;
  readonly end: number;
  readonly schema: MessageSchema;
  readonly path: string;
  readonly depth: number;
}

function walk(bytes: Uint8Array, part: Part, place: { at: number; path: string }): void {
  const wire = new Wire();
  const counts = new Map<string, number>();
  for (let at = part.from; at < part.end; ) {
    place.at = at;
    place.path = part.path;
    const tag = wire.tag(bytes, at, part.end);
    const valueAt = wire.at;
    const field = fieldOf(part.schema, tag >>> 3);
    const index = counts.get(field?.name ?? '') ?? 0;
    const name =
      field === undefined ? `field ${tag >>> 3}` : `${field.name}${field.repeated ? `[${index}]` : ''}`;
    counts.set(field?.name ?? '', index + 1);
    place.path = part.path === '' ? name : `${part.path}.${name}`;
    if (field !== undefined && (tag & 7) !== field.wire) throw new ScanError('wrong_wire_type');
    const { path } = place;
    at = wire.skip(bytes, valueAt, part.end, tag);
    if (field?.schema === undefined || part.depth >= MAX_DEPTH) continue;
    const length = wire.length(bytes, valueAt, part.end);
    const inner = { from: wire.at, end: wire.at + length, schema: field.schema, path, depth: part.depth + 1 };
    walk(bytes, inner, place);
  }
}

function fieldOf(schema: MessageSchema, number: number) {
  for (const [name, field] of schema.fields) {
    if (field.number !== number) continue;
    const { type, repeated } = field;
    const inner = typeof type === 'function' ? type() : undefined;
    return { name, repeated, schema: inner, wire: inner === undefined ? wireOf(type) : WIRE.len };
  }
  return undefined;
}

function wireOf(type: unknown): number {
  if (type === 'fixed64' || type === 'double') return WIRE.i64;
  if (type === 'fixed32') return WIRE.i32;
  return type === 'string' || type === 'id' || type === 'bytes' ? WIRE.len : WIRE.varint;
}

function jsonPlace(value: Uint8Array): string[] {
  try {
    JSON.parse(Buffer.from(value).toString('utf8'));
    return [];
  } catch (error) {
    return [`as JSON: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function guessed(value: Uint8Array, encoding: Encoding): string | undefined {
  if (value.length === 0) return 'nothing: the value is empty';
  const start = Buffer.from(value.subarray(0, 4096));
  if (start[0] === 0x1f && start[1] === 0x8b) return 'a payload that its sender compressed with gzip';
  const text = start.toString('utf8');
  // The last character may be cut in the middle.
  const isText = !/[^\P{Cc}\t\n\r]|\ufffd/u.test(value.length > 4096 ? text.slice(0, -4) : text);
  if (isText && /^\s*[{[]/.test(text)) {
    return encoding === 'otlp_json' ? 'JSON' : "JSON: the receiver's encoding may have to be otlp_json";
  }
  return isText ? 'text' : undefined;
}
