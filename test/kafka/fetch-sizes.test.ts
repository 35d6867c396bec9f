import { expect, test } from 'vitest';
import { FetchSizes } from '../../src/kafka/fetch-sizes.ts';

const MIB = 1 << 20;

function asking(sizes: FetchSizes, freeBytes?: number, nodeId = 1): [number, number] {
  const limits = { maxBytes: 0, maxBytesPerPartition: 0 };
  sizes.apply(limits, nodeId, freeBytes);
  return [limits.maxBytes, limits.maxBytesPerPartition];
}

test('a fetch asks for less while much of each answer is left, and for all again when nothing is', () => {
  const sizes = new FetchSizes({ maxBytes: 16_000, maxBytesPerPartition: 8000 });
  expect(asking(sizes)).toEqual([16_000, 8000]);
  sizes.fetched(1, { sentBytes: 8000, leftBytes: 6000 });
  expect(asking(sizes)).toEqual([8000, 4000]);
  sizes.fetched(1, { sentBytes: 4000, leftBytes: 2001 });
  expect(asking(sizes)).toEqual([4000, 2000]);
  // A quarter is what one cut-off batch may come to: neither too much nor too little.
  sizes.fetched(1, { sentBytes: 2000, leftBytes: 500 });
  expect(asking(sizes)).toEqual([4000, 2000]);
  sizes.fetched(1, { sentBytes: 2000, leftBytes: 100 });
  sizes.fetched(1, { sentBytes: 4000, leftBytes: 0 });
  sizes.fetched(1, { sentBytes: 8000, leftBytes: 0 });
  expect(asking(sizes)).toEqual([16_000, 8000]);
});

test('an empty answer says nothing of sizes, and there is a least one', () => {
  const sizes = new FetchSizes({ maxBytes: 64_000, maxBytesPerPartition: 6400 });
  sizes.fetched(1, { sentBytes: 0, leftBytes: 0 });
  expect(asking(sizes)).toEqual([64_000, 6400]);
  for (let i = 0; i < 20; i++) sizes.fetched(1, { sentBytes: 100, leftBytes: 99 });
  expect(asking(sizes)).toEqual([1000, 100]);
});

test('a fetch asks for half of what there is room for at most, and for a mebibyte where there is none', () => {
  const sizes = new FetchSizes({ maxBytes: 16 * MIB, maxBytesPerPartition: 8 * MIB });
  expect(asking(sizes, 128 * MIB)).toEqual([16 * MIB, 8 * MIB]);
  expect(asking(sizes, 20 * MIB)).toEqual([10 * MIB, 8 * MIB]);
  expect(asking(sizes, 6 * MIB)).toEqual([3 * MIB, 3 * MIB]);
  expect(asking(sizes, 0)).toEqual([MIB, MIB]);
});

test('what other brokers were asked for, or have sent, is not free', () => {
  const sizes = new FetchSizes({ maxBytes: 16 * MIB, maxBytesPerPartition: 16 * MIB });
  expect(asking(sizes, 32 * MIB, 1)).toEqual([16 * MIB, 16 * MIB]);
  expect(asking(sizes, 32 * MIB, 2)).toEqual([8 * MIB, 8 * MIB]);
  expect(asking(sizes, 32 * MIB, 3)).toEqual([4 * MIB, 4 * MIB]);
  sizes.fetched(1, { sentBytes: 2 * MIB, leftBytes: 0 });
  expect(asking(sizes, 32 * MIB, 3)).toEqual([11 * MIB, 11 * MIB]);
  // A broker's fetch begins when what it sent before is in blocks, which have taken it from what is free.
  expect(asking(sizes, 30 * MIB, 1)).toEqual([5.5 * MIB, 5.5 * MIB]);
  sizes.forget();
  expect(asking(sizes, 32 * MIB, 2)).toEqual([16 * MIB, 16 * MIB]);
});
