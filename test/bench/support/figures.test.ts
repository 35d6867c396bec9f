import { expect, test } from 'vitest';
import { median, table, withTable } from '../../../bench/support/figures.ts';

test('a table says what was promised and what was missed', () => {
  expect(
    table([
      { what: 'speed', figure: '5.1x', target: '>= 5x', isMet: true },
      { what: 'memory', figure: '300 MiB', target: '<= 250 MiB', isMet: false },
      { what: 'noise', figure: '3 %', target: '' },
    ]),
  ).toBe(
    [
      '| what | figure | target |',
      '|---|---|---|',
      '| speed | 5.1x | >= 5x |',
      '| memory | 300 MiB: **missed** | <= 250 MiB |',
      '| noise | 3 % |  |',
    ].join('\n'),
  );
});

test('a table takes the place of the one before it, and needs a place', () => {
  const page = 'above\n<!-- figures cpu -->\nold\n<!-- end cpu -->\nbelow\n';
  expect(withTable(page, 'cpu', 'new')).toBe('above\n<!-- figures cpu -->\nnew\n<!-- end cpu -->\nbelow\n');
  expect(() => withTable(page, 'codecs', 'new')).toThrow('no place for the figures of codecs');
});

test('the median of an even number is the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2, Number.POSITIVE_INFINITY])).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(median([])).toBeNaN();
});
