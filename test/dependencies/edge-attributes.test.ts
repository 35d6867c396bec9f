import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EdgeAttributes } from '../../src/dependencies/edge-attributes.ts';
import { PartyTable } from '../../src/dependencies/party-table.ts';
import { ATTRIBUTES_OF } from '../../src/span/attributes.ts';
import { encodeSpan } from '../support/spans.ts';

const KEYS = ['db.name', 'dx.name', 'peer.service', 'n', ''];

test('the first value of each key is found among any attributes, whatever its kind', () => {
  const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 20 }));
  const value: fc.Arbitrary<string | number | boolean> = fc.oneof(
    fc.string({ minLength: 1, maxLength: 300 }),
    fc.integer(),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 12 }), (attributes) => {
      const table = new PartyTable(0);
      const read = new EdgeAttributes(KEYS, table);
      const bytes = encodeSpan({ attributes });
      read.read(bytes, 0, bytes.length, ATTRIBUTES_OF.span);
      const names = [...read.words].map((word) => {
        const id = table.other(word);
        return word === 0 ? undefined : table.parties[id]?.name;
      });
      const wanted = KEYS.map((name) => {
        const found = attributes.find(([own]) => own === name);
        return found === undefined ? undefined : String(found[1]);
      });
      expect(names).toEqual(wanted);
    }),
    { numRuns: 500 },
  );
});
