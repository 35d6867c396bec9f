import { describe, test } from 'vitest';
import { writeHexColumn } from '../../../src/clickhouse/native/hex.ts';
import { NativeBuffer } from '../../../src/clickhouse/native/native-buffer.ts';
import { NONE } from '../../../src/span/span-batch.ts';

describe('a column of ids', () => {
  test('is lower-case hex with its length in front, wherever in the arena an id begins', ({ expect }) => {
    const arena = Buffer.from('ff000102030405060708090a0b0c0d0e0f80fe', 'hex');
    const out = new NativeBuffer(1);
    writeHexColumn(out, arena, Uint32Array.of(1, 11, 3), 3, 8);
    expect(out.written().toString('latin1')).toBe(
      '\x100001020304050607' + '\x100a0b0c0d0e0f80fe' + '\x100203040506070809',
    );
  });

  test('has an empty string where a span has no id, and follows what was written before', ({ expect }) => {
    const arena = Buffer.from('a1b2c3d4e5f60718', 'hex');
    const out = new NativeBuffer();
    out.byte(7);
    writeHexColumn(out, arena, Uint32Array.of(NONE, 0, NONE), 3, 8);
    expect(out.written().toString('latin1')).toBe('\x07\x00\x10a1b2c3d4e5f60718\x00');
  });

  test('has both digits of every byte', ({ expect }) => {
    const arena = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const out = new NativeBuffer();
    const at = Uint32Array.from({ length: 16 }, (_, row) => row * 16);
    writeHexColumn(out, arena, at, 16, 16);
    expect(out.written().toString('latin1')).toBe(
      Array.from({ length: 16 }, (_, row) => ` ${arena.toString('hex', row * 16, row * 16 + 16)}`).join(''),
    );
  });
});
