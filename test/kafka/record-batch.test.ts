import { createRequire } from 'node:module';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecordBatches } from '../../src/kafka/record-batch.ts';

const load = createRequire(import.meta.url);
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0');
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');
const Decoder = load('kafkajs/src/protocol/decoder');
const kafkaJsDecode = load('kafkajs/src/protocol/recordBatch/v0/decoder');

interface Message {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | string>;
  readonly timestampDelta: number;
}

interface BatchShape {
  readonly compression?: number;
  readonly firstOffset?: number;
  readonly firstTimestamp?: number;
  readonly transactional?: boolean;
  readonly producerId?: string;
}

async function encode(messages: readonly Message[], shape: BatchShape = {}): Promise<Buffer> {
  const { compression = 0, firstOffset = 0, firstTimestamp = 1_700_000_000_000, producerId = '-1' } = shape;
  const encoded = await RecordBatch({
    compression,
    firstOffset,
    firstTimestamp,
    maxTimestamp: firstTimestamp,
    producerId,
    producerEpoch: 0,
    transactional: shape.transactional ?? false,
    lastOffsetDelta: messages.length - 1,
    records: messages.map(({ key, value, headers, timestampDelta }, offsetDelta) =>
      Record({ key, value, headers, timestampDelta, offsetDelta }),
    ),
  });
  return encoded.buffer as Buffer;
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
/** kafkajs mistakes what every object has (`valueOf`) for a header that it has already seen. */
const headerName = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !(name in {}));
const message: fc.Arbitrary<Message> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(headerName, bytes, {
    maxKeys: 3,
    noNullPrototype: true,
  }),
  timestampDelta: fc.integer({ min: -1_000_000, max: 100_000_000_000 }),
});
const shape = fc.record({
  compression: fc.constantFrom(0, 1),
  firstOffset: fc.integer({ min: 0, max: 2 ** 50 }),
  firstTimestamp: fc.integer({ min: 0, max: 2 ** 42 }),
});

function one(text: string): Message {
  return { key: null, value: Buffer.from(text), headers: {}, timestampDelta: 0 };
}

describe('readRecordBatches', () => {
  it('agrees with kafkajs on what its encoder wrote, plain and gzipped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 20 }), shape, async (messages, form) => {
        const batch = await encode(messages, form);
        const expected = await kafkaJsDecode(new Decoder(batch));
        const [found] = readRecordBatches(batch);
        expect(found?.trouble).toBeUndefined();
        const inItsForm = found?.records.map((record) => ({
          offset: String(record.offset),
          timestamp: String(record.timestampMs),
          key: record.key,
          value: record.value,
          headers: Object.fromEntries((record.headers ?? []).map(({ key, value }) => [key, value])),
        }));
        const theirs = expected.records.map((record: Record<string, unknown>) => ({
          offset: record.offset,
          timestamp: record.timestamp,
          key: record.key,
          value: record.value,
          headers: record.headers,
        }));
        expect(inItsForm).toEqual(theirs);
      }),
      { numRuns: 200 },
    );
  });

  it('notices any flipped bit behind the checksum and gives no record of that batch', async () => {
    const batch = await encode([one('first'), one('second')], { firstOffset: 7 });
    for (let bit = 21 * 8; bit < batch.length * 8; bit++) {
      const damaged = Buffer.from(batch);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const [found] = readRecordBatches(damaged);
      expect(found?.trouble?.kind).toBe('corrupt');
      expect(found?.records).toEqual([]);
      expect(found?.baseOffset).toBe(7);
      expect(found?.lastOffset).toBeLessThanOrEqual(8);
    }
  });

  it('reads the batches around a damaged one and takes its range from its neighbour', async () => {
    const first = await encode([one('a')], { firstOffset: 10 });
    const damaged = await encode([one('b'), one('c'), one('d')], { firstOffset: 11 });
    damaged[26] = 0x7f;
    const last = await encode([one('e')], { firstOffset: 14 });
    const found = readRecordBatches(Buffer.concat([first, damaged, last]));
    expect(
      found.map(({ baseOffset, lastOffset, trouble }) => [baseOffset, lastOffset, trouble?.kind]),
    ).toEqual([
      [10, 10, undefined],
      [11, 13, 'corrupt'],
      [14, 14, undefined],
    ]);
  });

  it('never throws and never takes long on damaged bytes with a right checksum', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        async (messages, at, byte) => {
          const batch = await encode(messages);
          batch[57 + (at % (batch.length - 57))] = byte;
          batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
          const [found] = readRecordBatches(batch);
          expect(found?.trouble === undefined || found.trouble.kind === 'malformed').toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves out the batch that the broker has cut off at the end', async () => {
    const batches = Buffer.concat([
      await encode([one('whole')]),
      await encode([one('cut')], { firstOffset: 1 }),
    ]);
    const found = readRecordBatches(batches.subarray(0, batches.length - 1));
    expect(found.map(({ records }) => records.map(({ value }) => String(value)))).toEqual([['whole']]);
  });

  it('stops unpacking at the bound and names the batch', async () => {
    const bomb = await encode([{ ...one(''), value: Buffer.alloc(5_000_000) }], { compression: 1 });
    expect(bomb.length).toBeLessThan(10_000);
    const [found] = readRecordBatches(bomb, 1_000_000);
    expect(found?.trouble?.kind).toBe('over_limit');
    expect(found?.trouble?.message).toBe('unpacks to more than 1000000 bytes');
    expect(found?.trouble?.bytes).toEqual(bomb);
  });

  it('says of a gzip stream that ends early, or is none, that the batch is malformed', async () => {
    const whole = await encode([{ ...one(''), value: Buffer.from('x'.repeat(1000)) }], { compression: 1 });
    const cut = Buffer.from(whole.subarray(0, whole.length - 9));
    cut.writeInt32BE(cut.length - 12, 8);
    const noise = Buffer.from(whole).fill(0x5a, 61);
    for (const batch of [cut, noise]) {
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
      const [found] = readRecordBatches(batch);
      expect(found).toMatchObject({ records: [], trouble: { kind: 'malformed' } });
    }
  });

  it.each([0, 48, -1, -(2 ** 31)])(
    'does not go round in circles over a batch of %i bytes',
    async (length) => {
      const batch = await encode([one('x')], { firstOffset: 7 });
      batch.writeInt32BE(length, 8);
      const found = readRecordBatches(batch);
      expect(found).toMatchObject([{ baseOffset: 7, lastOffset: 7, trouble: { kind: 'malformed' } }]);
    },
  );

  it('makes nothing for a batch that claims more records than it has bytes', async () => {
    const batch = await encode([one('x')]);
    batch.writeInt32BE(2 ** 31 - 1, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    const [found] = readRecordBatches(batch);
    expect(found?.trouble).toMatchObject({ kind: 'malformed', message: "2147483647 records don't fit" });
  });

  it('leaves compressed batches for the next fetch once enough has been unpacked, and plain ones never', async () => {
    const mebibyte = [one('x'.repeat(1 << 20))];
    const batches = (compression: number) =>
      Promise.all(
        Array.from({ length: 10 }, (_, firstOffset) => encode(mebibyte, { compression, firstOffset })),
      );
    const offsets = async (compression: number): Promise<number[]> => {
      const found = readRecordBatches(Buffer.concat(await batches(compression)));
      return found.map(({ lastOffset }) => lastOffset);
    };
    expect(await offsets(1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await offsets(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('says of a codec that does not exist that the batch is malformed', async () => {
    const batch = await encode([one('x')]);
    batch.writeInt16BE(6, 21);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    const [found] = readRecordBatches(batch);
    expect(found?.trouble).toMatchObject({ kind: 'malformed', message: 'unknown codec 6' });
  });

  it('gives a control batch as an end of its transaction, without records', async () => {
    const batch = await encode([{ ...one(''), key: Buffer.from([0, 0, 0, 0]) }], {
      transactional: true,
      producerId: '42',
      firstOffset: 5,
    });
    batch.writeInt16BE(batch.readInt16BE(21) | 0x20, 21);
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    const [found] = readRecordBatches(batch);
    expect(found).toMatchObject({ control: 'abort', transaction: '42', records: [], lastOffset: 5 });
  });

  it('hands out slices of the fetched bytes, not copies', async () => {
    const batch = await encode([one('slice')]);
    const [found] = readRecordBatches(batch);
    expect(found?.records[0]?.value?.buffer).toBe(batch.buffer);
  });
});
