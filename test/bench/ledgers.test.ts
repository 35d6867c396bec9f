import { expect, test } from 'vitest';
import { checkStored, type Query } from '../../bench/clickhouse/stored-spans.ts';
import { wrongCounts } from '../../bench/effect-once/exactly-once.ts';
import type { Ledger, SeriesTotals } from '../../bench/ledger.ts';
import { differingSeries } from '../../bench/otlp/requests.ts';
import { differences } from '../../bench/support/compare.ts';
import { compareSamples } from '../../bench/support/compare-samples.ts';

const GET = 'shop|GET|SPAN_KIND_SERVER|STATUS_CODE_OK';
const PUT = 'shop|PUT|SPAN_KIND_CLIENT|STATUS_CODE_UNSET';

const series = (operation: string, kind: number, status: number, spans: number): SeriesTotals => ({
  service: 'shop',
  operation,
  kind,
  status,
  spans,
  durationNs: spans * 10,
  roots: 0,
  buckets: new Uint32Array(17),
});
const LEDGER: Ledger = {
  spans: 5,
  messages: 1,
  bytes: 500,
  series: [series('GET', 2, 1, 3), series('PUT', 3, 0, 2)],
};

const WRONG = [
  ['one is counted too often', [GET, 4], [PUT, 2]],
  ['one is counted too rarely', [GET, 3], [PUT, 1]],
  ['one is missing', [GET, 3]],
  ['one was never sent', [GET, 3], [PUT, 2], ['shop|DELETE|SPAN_KIND_SERVER|STATUS_CODE_OK', 1]],
] as const;
const RIGHT = new Map([
  [GET, 3],
  [PUT, 2],
]);

test.for(WRONG)('series are not as they were sent when %s', ([, ...counted]) => {
  const seen = new Map<string, number>(counted);
  expect(differences(LEDGER, RIGHT)).toEqual([]);
  expect(differences(LEDGER, seen)).toHaveLength(1);
  expect(differingSeries(RIGHT, RIGHT).count).toBe(0);
  expect(differingSeries(RIGHT, seen).count).toBe(1);
  expect(compareSamples(RIGHT, RIGHT)).toEqual([]);
  expect(compareSamples(RIGHT, seen)).toHaveLength(1);
});

const ROWS = [
  { key: 'shop GET Server Ok', spans: '3', durationNs: '30' },
  { key: 'shop PUT Client Unset', spans: '2', durationNs: '20' },
];

function answering(rows: readonly object[]): Query {
  return async <T>(sql: string) => (sql.includes('groupBitXor') ? [{ sum: '1' }] : rows) as T[];
}

test('stored spans are held against the ledger: how many, how long, and that none is missing', async () => {
  const [get, put] = ROWS as [object, object];
  await expect(checkStored(answering(ROWS), 'd', LEDGER)).resolves.toHaveLength(12);
  for (const rows of [[get], [{ ...get, spans: '2' }, put], [{ ...get, durationNs: '31' }, put]])
    await expect(checkStored(answering(rows), 'd', LEDGER)).rejects.toThrow('are wrong');
});

test.for([
  ['all is well', {}, 0],
  ['a span is lost', { lost: 1 }, 1],
  ['a span is double', { double: 1 }, 1],
  ['a message is lost', { messages: 2 }, 1],
  ['a RED table lacks a span', { red: 299 }, 1],
] as const)('tables that hold every span once: %s', async ([, change, found]) => {
  const { double, lost, messages, red } = { double: 0, lost: 0, messages: 3, red: 300, ...change };
  const query = async (sql: string) =>
    sql.includes('KafkaOffset')
      ? [{ p: 0, messages, lost, double }]
      : [{ name: 'span_metrics_10s', spans: red }];
  const clickhouse = { query } as unknown as Parameters<typeof wrongCounts>[0];
  expect(await wrongCounts(clickhouse, [[1, 2, 3]])).toHaveLength(found);
});
