import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RingReader, RingWriter, sharedRing } from '../../src/app/request-ring.ts';

function ring(size: number) {
  const shared = sharedRing(size);
  return { writer: new RingWriter(shared), reader: new RingReader(shared) };
}

test('there is no room until what was put in is done with', () => {
  const { reader, writer } = ring(8);
  const first = writer.put(Uint8Array.of(1, 2, 3, 4, 5));
  expect(first).toEqual({ at: 0, length: 5, end: 5 });
  expect(writer.put(Uint8Array.of(6, 7, 8, 9))).toBeUndefined();
  if (first !== undefined) reader.done(first);
  // Three bytes are left at the end, so it begins anew.
  expect(writer.put(Uint8Array.of(6, 7, 8, 9))).toEqual({ at: 0, length: 4, end: 12 });
});

test('what is larger than the ring has no room', () => {
  const { writer } = ring(8);
  expect(writer.put(new Uint8Array(9))).toBeUndefined();
  expect(writer.put(new Uint8Array(8))).toEqual({ at: 0, length: 8, end: 8 });
});

test('every payload is read as it was written, in order, however writing and reading take turns', () => {
  const steps = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(undefined)), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, (turns) => {
      const { reader, writer } = ring(64);
      const waiting: { place: { at: number; length: number; end: number }; payload: Uint8Array }[] = [];
      for (const payload of turns) {
        if (payload !== undefined) {
          const place = writer.put(payload);
          if (place !== undefined) waiting.push({ place, payload });
          continue;
        }
        const next = waiting.shift();
        if (next === undefined) continue;
        expect([...reader.get(next.place)]).toEqual([...next.payload]);
        reader.done(next.place);
      }
    }),
  );
});
