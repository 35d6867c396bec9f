import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { packedPage, plainPage } from '../../../src/exporters/prometheus/whole-page.ts';

/** As a page comes: every other chunk is the same buffer again. */
function* chunksOf(...texts: string[]): Generator<Buffer, void, void> {
  const buffers = [Buffer.alloc(8), Buffer.alloc(8)];
  for (const [i, text] of texts.entries()) {
    const buffer = buffers[i % 2] as Buffer;
    yield buffer.subarray(0, buffer.write(text));
  }
}

test('a page is held as it is while it is small', async () => {
  const { gzipped, parts } = await plainPage(chunksOf('one\n', 'two\n', 'three\n'), 14);
  expect(gzipped).toBe(false);
  expect(Buffer.concat(parts).toString()).toBe('one\ntwo\nthree\n');
});

test('a page that is too large to be held is packed, whole', async () => {
  const { gzipped, parts } = await plainPage(chunksOf('one\n', 'two\n', 'three\n', 'four\n'), 7);
  expect(gzipped).toBe(true);
  expect(gunzipSync(Buffer.concat(parts)).toString()).toBe('one\ntwo\nthree\nfour\n');
});

test('a packed page unpacks to its chunks', async () => {
  const { gzipped, parts } = await packedPage(chunksOf('one\n', 'two\n'));
  expect(gzipped).toBe(true);
  expect(gunzipSync(Buffer.concat(parts)).toString()).toBe('one\ntwo\n');
});
