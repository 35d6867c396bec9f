import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseGoFloat } from '../../src/span/parse-float.ts';

/** As printed by strconv.ParseFloat of Go 1.26. */
const PARSED: [string, number][] = [
  ['1', 1],
  ['+1', 1],
  ['-0', -0],
  ['.5', 0.5],
  ['5.', 5],
  ['1e5', 100_000],
  ['1E+5', 100_000],
  ['-.5e-3', -0.0005],
  ['1_2', 12],
  ['1_2.5', 12.5],
  ['1e1_0', 1e10],
  ['0x1p-2', 0.25],
  ['0x1.8p1', 3],
  ['0x.8p0', 0.5],
  ['0x1P+2', 4],
  ['0x_1p4', 16],
  ['0x1_2p0', 18],
  ['inf', Infinity],
  ['+Infinity', Infinity],
  ['-INF', -Infinity],
  ['NaN', Number.NaN],
  ['1e-999', 0],
];

const REFUSED = [
  '',
  ' 1',
  '1 ',
  '.',
  'e5',
  '1e',
  '1d',
  'not_a_number',
  '0b1',
  '1__2',
  '_1',
  '1_',
  '1_.5',
].concat(
  ['1e_5', '0x1', '0xp0', '0x_p0', '0x1_p0', '+nan', 'infinit', 'in_f', '1e999', '0x1p99999'],
  ['0x1.fffffffffffff8p1023'],
);

test.each(PARSED)('%s is read as Go reads it', (text, value) => {
  expect(parseGoFloat(text)).toBe(value);
});

test.each(REFUSED)('"%s" is refused as Go refuses it', (text) => {
  expect(parseGoFloat(text)).toBeUndefined();
});

test('hexadecimal numbers are rounded once, to even, down to the smallest', () => {
  expect(parseGoFloat('0x1.00000000000008p0')).toBe(1);
  expect(parseGoFloat('0x1.000000000000080001p0')).toBe(1 + 2 ** -52);
  expect(parseGoFloat('0x1.00000000000018p0')).toBe(1 + 2 ** -51);
  expect(parseGoFloat('0x1p-1074')).toBe(5e-324);
  expect(parseGoFloat('0x1p-1075')).toBe(0);
  expect(parseGoFloat('0x1.8p-1075')).toBe(5e-324);
  expect(parseGoFloat('0x1.fffffffffffffp1023')).toBe(Number.MAX_VALUE);
});

test('every number survives being written', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
      expect(parseGoFloat(String(x))).toBe(Object.is(x, -0) ? 0 : x);
    }),
  );
});

const CHARACTERS = Array.from('0123456789abcdefxpEP_.+-in');

test('no text makes it throw', () => {
  const text = fc.string({ unit: fc.constantFrom(...CHARACTERS) });
  fc.assert(fc.property(text, (any) => parseGoFloat(any) === undefined || true));
});
