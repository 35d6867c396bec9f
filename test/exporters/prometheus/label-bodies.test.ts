import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LabelBodies } from '../../../src/exporters/prometheus/label-bodies.ts';

test('bodies come back as they were put in last, whatever they have in common', () => {
  const part = fc.constantFrom(
    'a="1",',
    'b="2"',
    'c="\\",",',
    '\n\u0005ab',
    '\n',
    '",',
    '',
    'é',
    'x'.repeat(700),
  );
  const body = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(body), fc.array(fc.tuple(fc.nat(), body)), (added, replaced) => {
      const bodies = new LabelBodies();
      const expected = [...added];
      for (const text of added) bodies.add(text);
      for (const [n, text] of replaced) {
        if (added.length === 0) break;
        bodies.textOf(n % added.length);
        bodies.replace(n % added.length, Buffer.from(text));
        expected[n % added.length] = text;
      }
      expect(expected.map((_, id) => bodies.textOf(id))).toEqual(expected);
      expect(expected.every((text, id) => bodies.isEqual(id, Buffer.from(text)))).toBe(true);
      expect(expected.map((_, id) => bodies.lengthOf(id))).toEqual(expected.map((t) => Buffer.byteLength(t)));
    }),
  );
});

test('bodies that come and go do not lose those that stay', () => {
  const bodies = new LabelBodies();
  for (let id = 0; id < 100; id++) bodies.add(`name="${id}",job="shop"`);
  for (let n = 0; n < 5000; n++) bodies.replace(n % 50, `name="later ${n}",job="shop"`);
  expect(bodies.textOf(7)).toBe('name="later 4957",job="shop"');
  expect(bodies.textOf(49)).toBe('name="later 4999",job="shop"');
  expect(bodies.textOf(50)).toBe('name="50",job="shop"');
  expect(bodies.textOf(99)).toBe('name="99",job="shop"');
});
