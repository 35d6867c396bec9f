import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SeriesKey } from '../../src/red/red-rows.ts';
import { SeriesKeys } from '../../src/red/series-keys.ts';

const word = fc.constantFrom('', 'shop', 'cart', 'GET /items', 'é\u0000', 'eu-1');
const key: fc.Arbitrary<SeriesKey> = fc.record(
  {
    service: word,
    namespace: word,
    instance: word,
    spanName: word,
    kind: fc.integer({ min: 0, max: 5 }),
    statusCode: fc.integer({ min: 0, max: 2 }),
    dimensions: fc.array(fc.option(word), { maxLength: 4 }),
    extra: fc.array(fc.tuple(word, word), { maxLength: 3 }),
  },
  { requiredKeys: ['service', 'namespace', 'instance', 'spanName', 'kind', 'statusCode', 'dimensions'] },
);

test('keys come back as they were put in, whatever order their ids had', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 2000 }), key), { maxLength: 300 }), (told) => {
      const keys = new SeriesKeys();
      const expected = new Map(told);
      for (const [series, known] of told) keys.set(series, known);
      for (const [series, known] of expected) expect(keys.at(series)).toEqual(known);
      expect(keys.length).toBe(told.length === 0 ? 0 : Math.max(...expected.keys()) + 1);
    }),
  );
});

test('nobody is known by an id between others, or beyond them', () => {
  const keys = new SeriesKeys();
  const only = {
    service: 'shop',
    namespace: '',
    instance: '',
    spanName: 'buy',
    kind: 0,
    statusCode: 0,
    dimensions: [],
  };
  keys.set(2, only);
  expect([keys.at(0), keys.at(2), keys.at(3)]).toEqual([undefined, only, undefined]);
  expect(keys.length).toBe(3);
});
