import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DECOMPRESS, isOverLimit } from '../../src/kafka/codecs.ts';
import { lz4Bound, lz4Frame, snappyBlocks, snappyBound, zstdBound } from '../../src/kafka/packed-frames.ts';
import { UnpackMemory } from '../../src/kafka/unpack-memory.ts';

const load = createRequire(import.meta.url);
const snappy = load('snappy') as { compressSync: Pack };
const lz4 = load('lz4-napi') as { compressFrameSync: Pack };
const { Encoder } = load('@toondepauw/node-zstd') as {
  Encoder: new (level: number) => { encodeSync: Pack };
};
type Pack = (bytes: Buffer) => Buffer;

/** As Kafka's Java client frames it. */
function xerial(bytes: Buffer): Buffer {
  const head = Buffer.from('82534e41505059000000000100000001', 'hex');
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 32_768) {
    const packed = snappy.compressSync(bytes.subarray(at, at + 32_768));
    const length = Buffer.alloc(4);
    length.writeInt32BE(packed.length);
    blocks.push(length, packed);
  }
  return Buffer.concat([head, ...blocks]);
}

const CODECS: readonly (readonly [name: string, codec: number, pack: Pack])[] = [
  ['gzip', 1, (bytes) => gzipSync(bytes)],
  ['snappy', 2, (bytes) => snappy.compressSync(bytes)],
  ['snappy in frames', 2, xerial],
  ['lz4', 3, (bytes) => lz4.compressFrameSync(bytes)],
  ['zstd', 4, (bytes) => new Encoder(3).encodeSync(bytes)],
];

function unpack(codec: number, packed: Buffer, maxBytes: number): Buffer {
  const decompress = DECOMPRESS.get(codec) as NonNullable<ReturnType<typeof DECOMPRESS.get>>;
  return decompress(packed, maxBytes, new UnpackMemory().lease());
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Bytes that pack well, badly, or not at all. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 8000 }))
    .map(([unit, times]) => Buffer.concat(Array.from({ length: times }, () => unit))),
);

describe.each(CODECS)('%s', (_, codec, pack) => {
  it('gives back what was packed', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        expect(unpack(codec, pack(bytes), 1 << 20).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a bomb before it goes off', () => {
    const bomb = pack(Buffer.alloc(64 << 20));
    const before = process.memoryUsage().rss;
    expect(isOverLimit(thrownBy(() => unpack(codec, bomb, 16 << 20)))).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(40 << 20);
  });

  it('throws at damaged bytes, or gives some, and never more than allowed', () => {
    const whole = pack(Buffer.from('a span is a span '.repeat(5000)));
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, flip, isCut) => {
          const bytes = Buffer.from(isCut ? whole.subarray(0, at) : whole);
          if (!isCut) bytes[at] = (bytes[at] as number) ^ flip;
          let given: Buffer = Buffer.alloc(0);
          const thrown = thrownBy(() => {
            given = unpack(codec, bytes, 1 << 20);
          });
          expect(thrown === undefined || thrown instanceof Error).toBe(true);
          expect(given.length).toBeLessThanOrEqual(1 << 20);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a frame of lz4 may have blocks that need those before them, and blocks that are not packed', () => {
  // "abcdabcd", as it is; then 4 bytes from 8 before them and a "!", packed, where a copy must not be the last.
  const head = '04224d18' + '40' + '40' + '00';
  const stored = '08000080' + Buffer.from('abcdabcd').toString('hex');
  const packed = '05000000' + '000800' + '10' + '21';
  const linked = Buffer.from(`${head}${stored}${packed}00000000`, 'hex');
  expect(unpack(3, linked, 1 << 20).toString()).toBe('abcdabcdabcd!');
  const independent = Buffer.from(linked);
  independent[4] = 0x60;
  expect(() => unpack(3, independent, 1 << 20)).toThrow(RangeError);
});

it.each([
  ['a copy from 1 byte before', '1f61010000' + '00', 'a'.repeat(20)],
  ['a copy from 3 bytes before', '30616263030010' + '21', 'abcabca!'],
])('lz4 unpacks %s, as far as its block goes', (_, hex, text) => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(hex.length / 2);
  const frame = Buffer.from(`04224d18604000${size.toString('hex')}${hex}00000000`, 'hex');
  expect(unpack(3, frame, 1 << 20).toString()).toBe(text);
});

it.each([
  ['a copy with 4 bytes of distance', '0c' + '0c' + '61626364' + '1f' + '04000000', 'abcdabcdabcd'],
  ['a literal whose length stands apart', '40' + 'f03f' + '7a'.repeat(64), 'z'.repeat(64)],
])('snappy unpacks %s', (_, hex, text) => {
  expect(unpack(2, Buffer.from(hex, 'hex'), 1 << 20).toString()).toBe(text);
});

test('zstd unpacks to the same bytes where a system has no binary', () => {
  const bytes = Buffer.from('the same in plain JavaScript '.repeat(4000));
  const packed = new Encoder(3).encodeSync(bytes);
  expect(Buffer.from(load('fzstd').decompress(packed)).equals(bytes)).toBe(true);
});

describe('the most that a stream unpacks to', () => {
  it('is told exactly by snappy', () => {
    expect(snappyBound(snappyBlocks(snappy.compressSync(Buffer.alloc(123_456))))).toBe(123_456);
    expect(snappyBound(snappyBlocks(xerial(Buffer.alloc(100_000))))).toBe(100_000);
  });

  it('is told by lz4 and zstd to a block', () => {
    const frame = lz4Frame(lz4.compressFrameSync(Buffer.alloc(200_000, 7)));
    expect(lz4Bound(frame)).toBeGreaterThanOrEqual(200_000);
    expect(lz4Bound(frame)).toBeLessThanOrEqual(4 << 20);
    expect(zstdBound(new Encoder(3).encodeSync(Buffer.alloc(200_000, 7)))).toBeGreaterThanOrEqual(200_000);
    expect(zstdBound(new Encoder(3).encodeSync(Buffer.alloc(200_000, 7)))).toBeLessThanOrEqual(3 << 17);
  });

  it.each([
    ['of a skippable zstd frame', '502a4d1803000000aabbcc', 0],
    // Single segment, one byte of size, a raw block of 2 bytes, the last.
    ['of a raw zstd block', '28b52ffd2002110000aabb', 2],
    // The same with a run: 1,000 times one byte.
    ['of a run of zstd', '28b52ffd60e8024b1f00aa', 1001],
  ])('is known %s', (_, hex, most) => {
    expect(zstdBound(Buffer.from(hex, 'hex'))).toBe(most);
  });
});
