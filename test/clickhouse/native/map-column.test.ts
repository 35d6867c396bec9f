import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AttributeColumn } from '../../../src/clickhouse/native/map-column.ts';
import { writeValue } from '../../../src/span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor } from '../../../src/span/attributes.ts';
import { ByteSink } from '../../../src/span/byte-sink.ts';
import { type AttributeValue, encodeSpan } from '../../support/spans.ts';

function valuesOf(bytes: Uint8Array): string {
  const column = new AttributeColumn();
  column.addAll(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
  return column.values.written().toString('hex');
}

/** Keys and values, each in wire form, of bytes behind which others lie, as in an arena. */
function amongOthers(bytes: Uint8Array): [string[], string] {
  const column = new AttributeColumn();
  const arena = Buffer.concat([Buffer.alloc(3, 0x4a), bytes, Buffer.alloc(64, 0x4a)]);
  // Twice: the second time the keys are known.
  for (let row = 0; row < 2; row++) {
    column.values.reset();
    column.keys.rows = 0;
    column.addAll(arena, 3, 3 + bytes.length, ATTRIBUTES_OF.span);
  }
  const words: string[] = [];
  const wire = column.keys.words.wire.written();
  for (let at = 0; at < wire.length; ) {
    let length = wire[at++] as number;
    if (length >= 0x80) length = (length & 0x7f) | ((wire[at++] as number) << 7);
    words.push(wire.toString('utf8', at, at + length));
    at += length;
  }
  const keys = Array.from(column.keys.indexes.subarray(0, column.keys.rows), (word) => words[word] as string);
  return [keys, column.values.written().toString('hex')];
}

/** What the general reader makes of the same bytes, in wire form. */
function generally(bytes: Uint8Array): string {
  const cursor = new AttributeCursor();
  cursor.reset(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
  const parts: Buffer[] = [];
  while (cursor.next()) {
    const sink = new ByteSink();
    writeValue(cursor, sink);
    const text = Buffer.from(sink.written());
    for (let rest = text.length; ; rest >>>= 7) {
      parts.push(Buffer.of(rest < 0x80 ? rest : (rest & 0x7f) | 0x80));
      if (rest < 0x80) break;
    }
    parts.push(text);
  }
  return Buffer.concat(parts).toString('hex');
}

const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.boolean(),
  fc.integer({ min: -3, max: 20_000 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.uint8Array({ maxLength: 5 }),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
);

test('the short way and the general one agree on every kind of value', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ maxLength: 150 }), value), { maxLength: 8 }), (attributes) => {
      const bytes = encodeSpan({ attributes });
      expect(valuesOf(bytes)).toBe(generally(bytes));
      const keys = attributes.map(([key]) => key);
      expect(amongOthers(bytes)).toEqual([keys, generally(bytes)]);
    }),
    { numRuns: 500 },
  );
});

test('they agree on bytes that were tampered with, and never read past the end', () => {
  const honest = encodeSpan({ attributes: { a: 'x', 'http.status': 200, flag: true, n: 16_383, d: 0.5 } });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.nat(honest.length),
      (changes, length) => {
        const bytes = Buffer.from(honest);
        for (const [at, byte] of changes) bytes[at] = byte;
        const cut = bytes.subarray(0, length);
        expect(hexOrNothing(cut)).toBe(generally(cut));
      },
    ),
    { numRuns: 5000 },
  );
});

/** With what follows the cut in place, as in an arena. */
function hexOrNothing(bytes: Buffer): string {
  const arena = Buffer.concat([bytes, Buffer.alloc(64, 0x4a)]);
  const column = new AttributeColumn();
  column.addAll(arena, 0, bytes.length, ATTRIBUTES_OF.span);
  return column.values.written().toString('hex');
}
