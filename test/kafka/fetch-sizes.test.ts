import { expect, test } from 'vitest';
import { FetchSizes } from '../../src/kafka/fetch-sizes.ts';

test('a fetch asks for less while much of each answer is left, and for all again when nothing is', () => {
  const limits = { maxBytes: 16_000, maxBytesPerPartition: 8000 };
  const sizes = new FetchSizes(limits);
  sizes.fetched({ sentBytes: 8000, leftBytes: 6000 }, limits);
  expect(limits).toEqual({ maxBytes: 8000, maxBytesPerPartition: 4000 });
  sizes.fetched({ sentBytes: 4000, leftBytes: 2001 }, limits);
  expect(limits).toEqual({ maxBytes: 4000, maxBytesPerPartition: 2000 });
  // A quarter is what one cut-off batch may come to: neither too much nor too little.
  sizes.fetched({ sentBytes: 2000, leftBytes: 500 }, limits);
  expect(limits).toEqual({ maxBytes: 4000, maxBytesPerPartition: 2000 });
  sizes.fetched({ sentBytes: 2000, leftBytes: 100 }, limits);
  sizes.fetched({ sentBytes: 4000, leftBytes: 0 }, limits);
  sizes.fetched({ sentBytes: 8000, leftBytes: 0 }, limits);
  expect(limits).toEqual({ maxBytes: 16_000, maxBytesPerPartition: 8000 });
});

test('an empty answer says nothing of sizes, and there is a least one', () => {
  const limits = { maxBytes: 64_000, maxBytesPerPartition: 6400 };
  const sizes = new FetchSizes(limits);
  sizes.fetched({ sentBytes: 0, leftBytes: 0 }, limits);
  expect(limits).toEqual({ maxBytes: 64_000, maxBytesPerPartition: 6400 });
  for (let i = 0; i < 20; i++) sizes.fetched({ sentBytes: 100, leftBytes: 99 }, limits);
  expect(limits).toEqual({ maxBytes: 1000, maxBytesPerPartition: 100 });
});
