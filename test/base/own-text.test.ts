import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownText } from '../../src/base/own-text.ts';
import { heapInUse } from '../support/heap.ts';

test('a text of its own is the same text, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(40), (text, from) => {
      expect(ownText(text.slice(from))).toBe(text.slice(from));
    }),
    { numRuns: 50 },
  );
  expect(ownText('a\ud800b')).toBe('a\ud800b');
});

test('a text of its own does not keep what it was cut from', () => {
  const before = heapInUse();
  const kept = Array.from({ length: 1000 }, (_, i) =>
    ownText(`${i} is a part of it `.concat('x'.repeat(10_000)).toString().slice(0, 20)),
  );
  expect(heapInUse() - before).toBeLessThan(1_000_000);
  expect(kept).toHaveLength(1000);
});
