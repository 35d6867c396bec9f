import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shardOf } from '../../../src/exporters/clickhouse/shard-choice.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';

const url = (i: number): string => `http://shard-${i}:8123`;
const two = [{ endpoint: url(0) }, { endpoint: url(1) }];

test('the partitions of a topic go round the shards in turn', () => {
  const shards = [...two, { endpoint: url(2) }];
  const chosen = [0, 1, 2, 3, 4, 5].map((partition) => shardOf(kafkaOrigin(0, 9, { partition }), shards));
  expect(chosen).toEqual([1, 2, 0, 1, 2, 0]);
});

test('a shard that is added moves no block whose first record is older, whatever is added later', () => {
  const added = fc.array(fc.integer({ min: 0, max: 1e13 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(added, fc.nat(1000), fc.integer({ min: -1, max: 1e13 }), (times, partition, atMs) => {
      const more = times.map((since, i) => ({ endpoint: url(2 + i), since }));
      const origin = kafkaOrigin(5, 9, { partition, firstTimestampMs: atMs });
      const known = more.filter(({ since }) => since <= atMs);
      expect(shardOf(origin, [...two, ...more])).toBe(
        indexOf(shardOf(origin, [...two, ...known]), known, more),
      );
    }),
  );

  function indexOf(among: number, known: readonly object[], all: readonly object[]): number {
    const shard = known[among - 2];
    return shard === undefined ? among : 2 + all.indexOf(shard);
  }
});

test('a retired shard takes what is older than that, and nothing from then on', () => {
  const shards = [{ endpoint: url(0) }, { endpoint: url(1), until: 2000 }];
  const at = (partition: number, firstTimestampMs: number): number =>
    shardOf(kafkaOrigin(0, 9, { partition, firstTimestampMs }), shards);
  expect([at(0, 1999), at(1, 1999)]).toEqual([0, 1]);
  expect([at(0, 2000), at(1, 2000)]).toEqual([0, 0]);
});

test('requests are spread over all shards that are not retired, each always to the same', () => {
  const shards = [...two, { endpoint: url(2), since: 1e13 }, { endpoint: url(3), until: 0 }];
  const ids = Array.from({ length: 100 }, (_, i) => `request-${i}`);
  const chosen = ids.map((id) => shardOf({ kind: 'request', id }, shards));
  expect(new Set(chosen)).toEqual(new Set([0, 1, 2]));
  expect(ids.map((id) => shardOf({ kind: 'request', id }, shards))).toEqual(chosen);
});
