import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashBytes, hashView, Interner, viewOf } from '../../src/span/interner.ts';
import { collide, collisions } from './collide.ts';

describe('Interner', () => {
  it('gives dense ids in the order of first sight and the same id again', () => {
    const interner = new Interner(10);
    expect(interner.internString('a')).toBe(2);
    expect(interner.internString('b')).toBe(3);
    expect(interner.internString('a')).toBe(2);
    expect(interner.words).toEqual(['', '', 'a', 'b']);
    expect(interner.size).toBe(4);
  });

  it('has id 0 for the empty word', () => {
    expect(new Interner(10).internString('')).toBe(Interner.EMPTY);
  });

  it('looks at nothing but the range it is given', () => {
    const interner = new Interner(10);
    const id = interner.internString('span');
    expect(interner.intern(Buffer.from('xxspanyy'), 2, 4)).toBe(id);
    expect(interner.intern(Buffer.from('xxspanyy'), 2, 5)).not.toBe(id);
  });

  it('answers OVERFLOW beyond its limit, counts it, and still knows the old words', () => {
    const interner = new Interner(4);
    interner.internString('a');
    interner.internString('b');
    expect(interner.internString('c')).toBe(Interner.OVERFLOW);
    expect(interner.internString('c')).toBe(Interner.OVERFLOW);
    expect(interner.overflowed).toBe(2);
    expect(interner.internString('b')).toBe(3);
    expect(interner.size).toBe(4);
  });

  it('is bounded in bytes too', () => {
    const interner = new Interner(100, 10);
    expect(interner.internString('12345678')).toBe(2);
    expect(interner.internString('123')).toBe(Interner.OVERFLOW);
    expect(interner.internString('12')).toBe(3);
  });

  it('keeps every word apart and findable through all growth', () => {
    const interner = new Interner(1 << 20);
    for (let i = 0; i < 30_000; i++) expect(interner.internString(`operation ${i}`)).toBe(i + 2);
    for (let i = 0; i < 30_000; i += 7) expect(interner.internString(`operation ${i}`)).toBe(i + 2);
    expect(interner.words[12_347]).toBe('operation 12345');
  });

  it('keeps invalid UTF-8 apart by its bytes', () => {
    const interner = new Interner(10);
    expect(interner.intern(Buffer.from([0xff]), 0, 1)).toBe(2);
    expect(interner.intern(Buffer.from([0xfe]), 0, 1)).toBe(3);
    expect(interner.words[2]).toBe('\ufffd');
  });

  it('keeps words with the same hash apart', () => {
    const interner = new Interner(10);
    const word = Buffer.from('GET /cart/12');
    const other = collide(word, 4);
    expect(interner.intern(word, 0, 12)).toBe(2);
    expect(interner.intern(other, 0, 12)).toBe(3);
    expect(interner.intern(word, 0, 12)).toBe(2);
    expect(interner.words[3]).toBe(other.toString());
  });

  it('turns away words that were made to collide too often, so that no lookup gets slow', () => {
    const interner = new Interner(1000);
    const ids: number[] = [];
    for (const word of collisions(Buffer.from('GET /cart/12'), 4)) {
      ids.push(interner.intern(word, 0, 12));
      if (ids.length === 300) break;
    }
    expect(ids.slice(0, 128)).toEqual(Array.from({ length: 128 }, (_, i) => i + 2));
    expect(new Set(ids.slice(128))).toEqual(new Set([Interner.OVERFLOW]));
    expect(interner.overflowed).toBe(172);
    expect(interner.internString('another word')).toBe(130);
  });

  it('agrees with a plain Map on any words', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 200 }), (words) => {
        const interner = new Interner(1000);
        const ids = new Map<string, number>([['', 0]]);
        for (const word of words) {
          const key = Buffer.from(word).toString('hex');
          if (!ids.has(key)) ids.set(key, ids.size + 1);
          expect(interner.intern(word, 0, word.length)).toBe(ids.get(key));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('hashBytes', () => {
  it('depends on every byte and on the length', () => {
    const bytes = Buffer.alloc(23, 7);
    const hash = hashBytes(bytes, 0, 23);
    for (let i = 0; i < 23; i++) {
      const other = Buffer.from(bytes);
      other[i] = 8;
      expect(hashBytes(other, 0, 23)).not.toBe(hash);
    }
    expect(hashBytes(bytes, 0, 22)).not.toBe(hash);
  });

  it('spreads words that differ in digits over the low bits', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 1024; i++)
      seen.add(hashBytes(Buffer.from(`GET /item/${i}`), 0, `GET /item/${i}`.length) & 1023);
    // 1024 balls in 1024 bins fill 647 of them on average, with a deviation of 10.
    expect(seen.size).toBeGreaterThan(590);
  });

  it('does not depend on where the bytes are', () => {
    const bytes = Buffer.from('....service-a');
    expect(hashBytes(bytes, 4, 9)).toBe(hashBytes(Buffer.from('service-a'), 0, 9));
  });

  it('is the same read byte by byte and four bytes at once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(8), (bytes, skipped) => {
        const at = Math.min(skipped, bytes.length);
        const length = bytes.length - at;
        expect(hashView(viewOf(bytes), at, length)).toBe(hashBytes(bytes, at, length));
      }),
    );
  });
});
