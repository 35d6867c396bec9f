import { randomBytes } from 'node:crypto';
import { encodeJson, encodeProto, encodeSpan } from '../../test/support/spans.ts';

/** One way in which a record can be bad, or look so. */
export interface PoisonKind {
  readonly name: string;
  /** The value to produce; where it is a function, what makes it. `disk`: a whole batch that is damaged in the log. */
  readonly value: (() => Buffer | null) | 'disk';
  readonly gzip?: boolean;
  /** Of the dead letter; undefined = the record is legal, and there is none. */
  readonly reason?: RegExp;
  /** Spans that are counted for it. */
  readonly spans: number;
  /** With `disk`: what is done to the batch's bytes. */
  readonly damage?: (batch: Buffer) => void;
}

const MIB = 1 << 20;

/** Every kind, in the order in which they are sent. `large` in MiB is the size of the largest message. */
export function poisonKinds(large: number): PoisonKind[] {
  return [
    { name: 'corrupt CRC on disk', value: 'disk', reason: /^batch_corrupt$/, spans: 0, damage: flipLastByte },
    { name: 'unknown codec on disk', value: 'disk', reason: /^batch_malformed$/, spans: 0, damage: setCodec },
    { name: 'empty value', value: () => Buffer.alloc(0), spans: 0 },
    { name: 'tombstone', value: () => null, spans: 0 },
    { name: 'truncated OTLP', value: () => good({}).subarray(0, -7), reason: /./, spans: 0 },
    { name: 'another protobuf type', value: otherType, reason: /./, spans: 0 },
    { name: 'text', value: () => Buffer.from('a line of a log, by mistake'), reason: /./, spans: 0 },
    { name: 'JSON instead of protobuf', value: () => Buffer.from(json()), reason: /./, spans: 0 },
    { name: `${large} MB of noise`, value: () => noise(large), reason: /./, spans: 0 },
    {
      name: `${large} MB, legal`,
      value: () => good({ attributes: { body: 'x'.repeat(large * MIB) } }),
      spans: 1,
    },
    { name: 'a length of 4 GB', value: () => Buffer.from('0affffffff0f', 'hex'), reason: /./, spans: 0 },
    { name: 'a length of 2 GB, nested', value: lyingInside, reason: /./, spans: 0 },
    {
      name: 'gzip bomb, 100 MB',
      value: () => zeros(100),
      gzip: true,
      reason: /^batch_over_limit$/,
      spans: 0,
    },
    { name: 'gzip bomb, 60 MB', value: () => zeros(60), gzip: true, reason: /./, spans: 0 },
    { name: 'AnyValue, 10,000 deep', value: () => deep(10_000), spans: 1 },
    { name: 'invalid UTF-8', value: invalidText, spans: 1 },
    { name: 'absurd timestamps', value: () => good({ startNs: 0n, endNs: 2n ** 64n - 1n }), spans: 1 },
    { name: 'a span without ids', value: () => good({ traceId: '', spanId: '' }), spans: 1 },
    { name: '1,000,000 attributes', value: manyAttributes, spans: 1 },
  ];
}

/** The service of a kind's own spans; those of its neighbours carry the partition. */
export const POISON_SERVICE = 'poison';

function good(span: Parameters<typeof encodeSpan>[0]): Buffer {
  return encodeProto([{ service: POISON_SERVICE, spans: [{ startNs: nowNs(), name: 'poison', ...span }] }]);
}

function json(): string {
  return encodeJson([{ service: POISON_SERVICE, spans: [{ startNs: nowNs() }] }]);
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** Not by chance a short valid payload: the first field is one that we read, and longer than what follows. */
function noise(mebibytes: number): Buffer {
  const bytes = randomBytes(mebibytes * MIB);
  bytes.set(Buffer.from('0affffff7f', 'hex'));
  return bytes;
}

function zeros(megabytes: number): Buffer {
  return Buffer.alloc(megabytes * 1_000_000);
}

/** A span of Jaeger's own model: ids first, which to OTLP are the fields of resources. */
function otherType(): Buffer {
  const ids = '0a10' + 'f1'.repeat(16) + '1208' + 'e2'.repeat(8);
  return Buffer.concat([Buffer.from(ids, 'hex'), Buffer.from([0x1a, 3]), Buffer.from('get')]);
}

/** A whole span, and behind it one whose name claims two gigabytes. */
function lyingInside(): Buffer {
  const span = Buffer.from('2affffffff07', 'hex');
  return Buffer.concat([good({}), field(0x0a, field(0x12, field(0x12, span)))]);
}

function deep(levels: number): Buffer {
  let value: Buffer = Buffer.from('0a0161', 'hex');
  for (let i = 0; i < levels; i++) value = field(0x2a, field(0x0a, value));
  const attribute = Buffer.concat([field(0x0a, Buffer.from('deep')), field(0x12, value)]);
  return withAttributes(field(0x4a, attribute));
}

function manyAttributes(): Buffer {
  const attributes = Array.from({ length: 1_000_000 }, (_, i) =>
    field(
      0x4a,
      Buffer.concat([field(0x0a, Buffer.from(`key ${i}`)), field(0x12, Buffer.from('0a0176', 'hex'))]),
    ),
  );
  return withAttributes(Buffer.concat(attributes));
}

function invalidText(): Buffer {
  const bytes = good({ name: 'NAME', attributes: { key: 'VALUE' } });
  for (const text of ['NAME', 'VALUE']) bytes.set([0xff, 0xfe], bytes.indexOf(text));
  return bytes;
}

/** A good span with these encoded attributes behind its own. */
function withAttributes(attributes: Buffer): Buffer {
  const span = Buffer.concat([encodeSpan({ startNs: nowNs(), name: 'poison' }), attributes]);
  const service = field(0x12, field(0x0a, Buffer.from(POISON_SERVICE)));
  const resource = field(0x0a, Buffer.concat([field(0x0a, Buffer.from('service.name')), service]));
  return field(0x0a, Buffer.concat([field(0x0a, resource), field(0x12, field(0x12, span))]));
}

function field(tag: number, content: Buffer): Buffer {
  const head: number[] = [tag];
  let rest = content.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) | 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), content]);
}

function flipLastByte(batch: Buffer): void {
  batch[batch.length - 2] = (batch[batch.length - 2] as number) ^ 0x20;
}

/** Codec 6 does not exist; the checksum is right, so that nothing but the codec is wrong. */
function setCodec(batch: Buffer): void {
  batch.writeInt16BE((batch.readInt16BE(21) & ~7) | 6, 21);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
