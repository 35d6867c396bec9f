import { crc32c } from '@node-rs/crc32';
import type { SourceRecord } from '../flow/intake.ts';
import { DECOMPRESS, isOverLimit } from './codecs.ts';
import { type BatchBase, RecordWalker } from './records.ts';
import { type UnpackLease, UnpackMemory } from './unpack-memory.ts';

/** One record batch (magic 2) of a fetch response, checked and unpacked. */
export interface RecordBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** On the wire. */
  readonly packedBytes: number;
  /** Empty for a control batch and for one with trouble. */
  readonly records: SourceRecord[];
  /** Of a transactional producer, in decimal; undefined outside of transactions. */
  readonly transaction: string | undefined;
  readonly control: 'none' | 'abort' | 'other';
  readonly trouble: BatchTrouble | undefined;
}

export interface BatchTrouble {
  /**
   * `corrupt`: the checksum is wrong; reading again may help. `malformed`: the checksum is right and the content
   * is not. `over_limit`: unpacks to more than allowed.
   */
  readonly kind: 'corrupt' | 'malformed' | 'over_limit';
  readonly message: string;
  /** The whole batch as it was fetched. */
  readonly bytes: Buffer;
}

/** What one batch may unpack to. A fetch unpacks one batch at a time. */
export const MAX_UNPACKED_BYTES = 64 << 20;
/**
 * What the compressed batches of one partition may come to in one fetch: fetch sizes bound what is on the wire, and
 * well compressed spans are a hundred times as much. What is left out is fetched again.
 */
const ENOUGH_UNPACKED_BYTES = 8 << 20;

const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const CRC_FROM = 21;
const RECORDS_AT = 61;

const ATTRIBUTE = { codec: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const;

/**
 * The batches of one partition's part of a fetch response. An incomplete batch at the end is left out (the
 * broker cuts there), and so is what follows once enough was unpacked. Never throws on bad bytes: they become a
 * batch with `trouble`.
 *
 * @param lease for what is unpacked: the records may be read until it is released
 */
export function readRecordBatches(
  bytes: Buffer,
  maxUnpackedBytes = MAX_UNPACKED_BYTES,
  lease = new UnpackMemory().lease(),
): RecordBatch[] {
  const unpacking = { maxBytes: maxUnpackedBytes, lease };
  const batches: RecordBatch[] = [];
  let at = 0;
  let unpackedBytes = 0;
  while (at + LENGTH_AT + 4 <= bytes.length && unpackedBytes < ENOUGH_UNPACKED_BYTES) {
    const size = LENGTH_AT + 4 + bytes.readInt32BE(at + LENGTH_AT);
    const isWhole = size >= RECORDS_AT && at + size <= bytes.length;
    if (!isWhole) {
      // The broker sends at least one whole batch; a first one with an impossible length can't be walked past.
      if (at === 0 && size < RECORDS_AT) batches.push(unreadable(bytes, `batch length ${size}`));
      break;
    }
    const next = at + size;
    const batch = readBatch(bytes.subarray(at, next), bytes.subarray(next), unpacking);
    batches.push(batch);
    if ((bytes.readInt16BE(at + 21) & ATTRIBUTE.codec) !== 0) unpackedBytes += valueBytes(batch.records);
    at = next;
  }
  return batches;
}

function valueBytes(records: readonly SourceRecord[]): number {
  let sum = 0;
  for (const { value } of records) sum += value?.length ?? 0;
  return sum;
}

interface Unpacking {
  readonly maxBytes: number;
  readonly lease: UnpackLease;
}

function readBatch(batch: Buffer, rest: Buffer, unpacking: Unpacking): RecordBatch {
  const baseOffset = int64(batch, 0);
  if (crc32c(batch.subarray(CRC_FROM)) !== batch.readUInt32BE(CRC_AT)) {
    const lastOffset = baseOffset + corruptSpan(batch, baseOffset, rest);
    return withTrouble(baseOffset, lastOffset, 'corrupt', 'checksum mismatch', batch);
  }
  const lastOffset = baseOffset + Math.max(0, batch.readInt32BE(23));
  const magic = batch[MAGIC_AT] as number;
  if (magic !== 2) return withTrouble(baseOffset, lastOffset, 'malformed', `magic ${magic}`, batch);
  const attributes = batch.readInt16BE(21);
  const transaction =
    (attributes & ATTRIBUTE.transactional) === 0 ? undefined : batch.readBigInt64BE(43).toString();
  const base: BatchBase = {
    offset: baseOffset,
    timestampMs: int64(batch, 27),
    maxTimestampMs: int64(batch, 35),
    isLogAppendTime: (attributes & ATTRIBUTE.logAppendTime) !== 0,
  };
  const records: SourceRecord[] = [];
  const trouble = readRecords(batch, base, unpacking, records);
  if (trouble !== undefined) return withTrouble(baseOffset, lastOffset, trouble.kind, trouble.message, batch);
  const control = (attributes & ATTRIBUTE.control) === 0 ? 'none' : controlType(records[0]);
  return {
    baseOffset,
    lastOffset,
    records: control === 'none' ? records : [],
    packedBytes: batch.length,
    transaction,
    control,
    trouble: undefined,
  };
}

type Trouble = Omit<BatchTrouble, 'bytes'>;

function readRecords(
  batch: Buffer,
  base: BatchBase,
  { maxBytes, lease }: Unpacking,
  into: SourceRecord[],
): Trouble | undefined {
  const codec = batch.readInt16BE(21) & ATTRIBUTE.codec;
  const count = batch.readInt32BE(57);
  try {
    if (codec === 0) {
      new RecordWalker(batch, RECORDS_AT, batch.length).readAll(count, base, into);
      return undefined;
    }
    const decompress = DECOMPRESS.get(codec);
    if (decompress === undefined) return { kind: 'malformed', message: `unknown codec ${codec}` };
    if (count === 0) return undefined;
    const unpacked = decompress(batch.subarray(RECORDS_AT), maxBytes, lease);
    new RecordWalker(unpacked, 0, unpacked.length).readAll(count, base, into);
    return undefined;
  } catch (error) {
    if (isOverLimit(error)) {
      return { kind: 'over_limit', message: `unpacks to more than ${maxBytes} bytes` };
    }
    return { kind: 'malformed', message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * How many offsets after its first one a batch with a wrong checksum takes. Its header may be what is wrong, so
 * that the next batch is asked first, then the two fields that must agree; too few only means one more try.
 */
function corruptSpan(batch: Buffer, baseOffset: number, rest: Buffer): number {
  if (rest.length >= 8) {
    const gap = int64(rest, 0) - baseOffset - 1;
    if (gap >= 0 && gap <= batch.length) return gap;
  }
  const span = Math.min(batch.readInt32BE(23), batch.readInt32BE(57) - 1);
  return Math.max(0, Math.min(span, batch.length));
}

/** The key of a control record is (version int16, type int16); 0 = abort, 1 = commit. */
function controlType(record: SourceRecord | undefined): 'abort' | 'other' {
  const key = record?.key;
  return key != null && key.length >= 4 && key[2] === 0 && key[3] === 0 ? 'abort' : 'other';
}

function withTrouble(
  baseOffset: number,
  lastOffset: number,
  kind: BatchTrouble['kind'],
  message: string,
  bytes: Buffer,
): RecordBatch {
  const trouble = { kind, message, bytes };
  return {
    baseOffset,
    lastOffset,
    packedBytes: bytes.length,
    records: [],
    transaction: undefined,
    control: 'none',
    trouble,
  };
}

function unreadable(bytes: Buffer, message: string): RecordBatch {
  const baseOffset = int64(bytes, 0);
  return withTrouble(baseOffset, baseOffset, 'malformed', message, bytes);
}

/** Big-endian, as a double: exact for every offset and timestamp that a broker can hold. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
