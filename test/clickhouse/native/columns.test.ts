import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Offsets,
  WordColumn,
  writeFixedWords,
  writeIntegers,
} from '../../../src/clickhouse/native/columns.ts';
import { NativeBuffer } from '../../../src/clickhouse/native/native-buffer.ts';

function hex(write: (out: NativeBuffer) => void): string {
  const out = new NativeBuffer(1);
  write(out);
  return out.written().toString('hex');
}

// As the server writes the same columns (SELECT ... FORMAT Native).
test('a dictionary column is its version, flags, words and indexes', () => {
  const column = new WordColumn();
  for (const word of ['x', 'yy', 'x']) column.pushText(word);
  expect(hex((out) => column.writePrefix(out))).toBe('0100000000000000');
  expect(hex((out) => column.writeData(out))).toBe(
    '0006000000000000' + '0200000000000000' + '0178' + '027979' + '0300000000000000' + '000100',
  );
});

test('a dictionary column without rows has no data', () => {
  expect(hex((out) => new WordColumn().writeData(out))).toBe('');
});

test('a fixed list of words is written whole', () => {
  expect(hex((out) => writeFixedWords(out, 'c', ['a', 'b'], Uint8Array.of(1, 1)))).toBe(
    '0163' +
      '16' +
      Buffer.from('LowCardinality(String)').toString('hex') +
      '0100000000000000' +
      '0006000000000000' +
      '0200000000000000' +
      '0161' +
      '0162' +
      '0200000000000000' +
      '0101',
  );
});

test('integers up to 2^53 are UInt64, little-endian', () => {
  expect(hex((out) => writeIntegers(out, Float64Array.of(1, 2 ** 32 + 2, 2 ** 53 - 1, 9), 3))).toBe(
    '0100000000000000' + '0200000001000000' + 'ffffffffffff1f00',
  );
});

test('offsets are UInt64', () => {
  const offsets = new Offsets();
  offsets.push(0);
  offsets.push(258);
  expect(hex((out) => offsets.writeData(out))).toBe('0000000000000000' + '0201000000000000');
});

test('a row that is repeated is written as often', () => {
  const column = new WordColumn();
  for (const word of ['x', 'y', 'z']) column.pushText(word);
  column.repeatLast(2, 3);
  column.pushRun(0, 2);
  expect([...column.indexes.subarray(0, column.rows)]).toEqual([0, 1, 2, 1, 2, 1, 2, 0, 0]);
  expect(
    hex((out) => {
      out.text('ab');
      out.repeatLast(1, 1);
      out.repeatLast(0, 9);
      out.repeatLast(2, 6);
    }),
  ).toBe(`0261${'62'}${'6162'.repeat(5)}`);
});

test('equal bytes have one number, other bytes another, over any sequence of blocks', () => {
  const column = new WordColumn();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 300 }), (words) => {
      column.reset();
      const known = new Map<string, number>();
      for (const word of words) {
        const key = Buffer.from(word).toString('hex');
        const number = column.words.intern(word, 0, word.length);
        expect(known.get(key) ?? number).toBe(number);
        if (!known.has(key)) expect([...known.values()]).not.toContain(number);
        known.set(key, number);
      }
      expect(column.words.count).toBe(known.size);
    }),
  );
});
