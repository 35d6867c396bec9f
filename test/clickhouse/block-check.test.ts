import { expect, test } from 'vitest';
import { isExpired, type Surroundings, ttlSeconds } from '../../src/clickhouse/block-check.ts';
import type { BlockPart } from '../../src/clickhouse/block-parts.ts';

test('a TTL is read as ClickHouse shows it; none is 0', () => {
  const show = (ttl: string): string =>
    `AggregatingMergeTree PARTITION BY toDate(Ts) ORDER BY Ts${ttl} SETTINGS index_granularity = 8192`;
  expect(ttlSeconds(show(' TTL toDate(Ts) + toIntervalDay(3)'))).toBe(259_200);
  expect(ttlSeconds(show(' TTL toDate(Timestamp) + toIntervalSecond(1209600)'))).toBe(1_209_600);
  expect(ttlSeconds(show(' TTL greatest(Day, toDate(LastTimestamp)) + toIntervalSecond(60)'))).toBe(60);
  expect(ttlSeconds(show(''))).toBe(0);
});

test('a part is not missed from the moment on at which its youngest day may go', () => {
  const part: BlockPart = {
    table: 'span_metrics_10s',
    partitionId: '20231114',
    newestDay: 19_675,
    proof: { kind: 'window', windowS: 0, service: undefined },
  };
  const at = (nowS: number, keptS: number): Surroundings => ({
    ttlS: new Map([['span_metrics_10s', keptS]]),
    views: new Map(),
    leftovers: [],
    nowS,
  });
  // 2023-11-14 begins at 1,699,920,000.
  expect(isExpired(part, at(1_700_179_199, 259_200))).toBe(false);
  expect(isExpired(part, at(1_700_179_200, 259_200))).toBe(true);
  expect(isExpired(part, at(4_000_000_000, 0))).toBe(false);
});
