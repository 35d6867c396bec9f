import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unpacked } from '../../src/http/body.ts';

const MAX_BYTES = 20 << 20;

async function asked(packed: Buffer): Promise<{ readonly most: number; readonly bytes: number | string }> {
  let most = 0;
  const reserve = (bytes: number): boolean => {
    most = Math.max(most, bytes);
    return true;
  };
  const body = unpacked(packed, 'gzip', { maxBytes: MAX_BYTES, reserve });
  const bytes = await body.then(
    ({ length }) => length,
    (error: Error) => error.message,
  );
  return { most, bytes };
}

test('a gzip that says it holds more than gzip can has nothing set aside for it', async () => {
  const packed = gzipSync(Buffer.alloc(100));
  packed.writeUInt32LE(MAX_BYTES, packed.length - 4);
  const { bytes, most } = await asked(packed);
  expect(bytes).toMatch(/^can't unpack the gzip body/);
  expect(most).toBeLessThanOrEqual(100);
});

test('one that holds as much as gzip can is unpacked', async () => {
  expect(await asked(gzipSync(Buffer.alloc(5_000_000)))).toEqual({ most: 5_000_000, bytes: 5_000_000 });
});
