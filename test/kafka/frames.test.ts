import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, frameOf } from '../../src/kafka/frames.ts';

/** A response: INT32 size, then as many bytes of `fill`. */
function response(size: number, fill: number): Buffer {
  const bytes = Buffer.alloc(size + 4, fill);
  bytes.writeInt32BE(size, 0);
  return bytes;
}

test('however a stream is cut into chunks, the same responses come out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (sizes, cuts) => {
        const sent = sizes.map((size, i) => response(size, i + 1));
        const stream = Buffer.concat(sent);
        const received: Buffer[] = [];
        const reader = new FrameReader((bytes) => received.push(Buffer.from(bytes)));
        for (let at = 0, i = 0; at < stream.length; i++) {
          const next = Math.min(stream.length, at + (cuts[i % cuts.length] as number));
          reader.push(stream.subarray(at, next));
          at = next;
        }
        expect(received).toEqual(sent);
      },
    ),
  );
});

test('what a large response still lacks can be put where it belongs, and only that', () => {
  const sent = [response(50_000, 1), response(200_000, 2), response(10, 3)];
  const stream = Buffer.concat(sent);
  const received: Buffer[] = [];
  const reader = new FrameReader((bytes) => received.push(Buffer.from(bytes)));
  expect(reader.room).toBeUndefined();
  let direct = 0;
  for (let at = 0; at < stream.length; ) {
    const { room } = reader;
    if (room === undefined) {
      const next = Math.min(stream.length, at + 1000);
      reader.push(stream.subarray(at, next));
      at = next;
    } else {
      const bytes = stream.copy(room, 0, at, Math.min(stream.length, at + 60_000));
      reader.filled(bytes);
      direct += bytes;
      at += bytes;
    }
  }
  expect(received).toEqual(sent);
  expect(direct).toBeGreaterThan(200_000);
});

test('a size that no response has is an error, before anything is allocated for it', () => {
  const reader = new FrameReader(() => {});
  expect(() => reader.push(Buffer.from('7fffffff', 'hex'))).toThrow('2147483647');
  expect(() => new FrameReader(() => {}).push(Buffer.from('ffffffff', 'hex'))).toThrow('-1');
});

test('a large buffer is written over only after its last reader has released it', () => {
  const received: Buffer[] = [];
  const reader = new FrameReader((bytes) => received.push(bytes));
  reader.push(response(100_000, 1));
  const first = received[0] as Buffer;
  const frame = frameOf(first);
  frame?.retain();
  frame?.retain();
  frame?.release();
  reader.push(response(100_000, 2));
  expect(received[1]?.buffer).not.toBe(first.buffer);
  expect(first[4]).toBe(1);
  frame?.release();
  reader.push(response(100_000, 3));
  expect(received[2]?.buffer).toBe(first.buffer);
  expect(first[4]).toBe(3);
});

test('a buffer that nobody ever reads or releases is not used again', () => {
  const received: Buffer[] = [];
  const reader = new FrameReader((bytes) => received.push(bytes));
  reader.push(response(100_000, 1));
  reader.push(response(100_000, 2));
  expect(received[0]?.[4]).toBe(1);
  expect(received[1]?.[4]).toBe(2);
});

test('a small response has bytes of its own', () => {
  const received: Buffer[] = [];
  const reader = new FrameReader((bytes) => received.push(bytes));
  reader.push(response(10, 7));
  expect(frameOf(received[0] as Buffer)).toBeUndefined();
});
