import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import type { Block } from '../../../src/flow/block.ts';
import type { ThroughputRows } from '../../../src/sampling/roots/throughput-rows.ts';
import { rowOf } from '../../sampling/rows.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import type { TestResource } from '../../support/spans.ts';
import { migratedDatabase } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

/** Today's and tomorrow's first second, UTC: no table forgets them. */
const TODAY_S = Math.floor(Date.now() / 86_400_000) * 86_400;
const TOMORROW_S = TODAY_S + 86_400;
const SOURCE = 'cluster-1/otlp_spans';
const KEY = `${SOURCE}:3`;

let client: ClickHouse;
let setup: SinkSetup;
beforeAll(async () => {
  client = await migratedDatabase();
  setup = new SinkSetup(client);
});
afterAll(async () => client.close());

function spans(...starts: readonly [traceId: string, startS: number][]): TestResource[] {
  return [
    {
      service: 'shop',
      spans: starts.map(([traceId, startS]) => ({ traceId, startNs: BigInt(startS) * 1_000_000_000n })),
    },
  ];
}

function throughput(...starts: readonly number[]): ThroughputRows {
  return starts.map((windowS) => rowOf({ windowS }));
}

async function write(block: Block): Promise<void> {
  for (const table of ['otel_traces', 'trace_summary', 'span_metrics_10s', 'span_metrics_1m']) {
    await client.command(`TRUNCATE TABLE ${client.database}.${table}`);
  }
  await setup.sink.write(block, never);
}

const TABLES = [
  'span_metrics_10s',
  'span_metrics_1m',
  'span_metrics_1h',
  'span_metrics_1d',
  'sampling_throughput',
];

test('each day of each aggregated table has the marker of a block once', async () => {
  const a = 'aa'.repeat(16);
  const b = 'bb'.repeat(16);
  const payload = spans([a, TODAY_S], [a, TODAY_S + 1], [b, TOMORROW_S], [a, TOMORROW_S + 5]);
  const rows = throughput(TODAY_S, TODAY_S + 60, TOMORROW_S);
  await write(setup.block(kafkaOrigin(5, 9), [payload], rows));
  for (const table of TABLES) {
    const marked = await client.query<{ day: string; marks: string[] }>(
      `SELECT toUnixTimestamp(toStartOfDay(Ts)) AS day, groupArrayIf(Seen[{key: String}], mapContains(Seen, {key: String})) AS marks
       FROM ${client.database}.${table} GROUP BY day ORDER BY day`,
      { key: KEY },
    );
    expect([table, marked]).toEqual([
      table,
      [
        { day: TODAY_S, marks: ['10'] },
        { day: TOMORROW_S, marks: ['10'] },
      ],
    ]);
  }
  // The trace that began today is in today's partition, all of it.
  const summaries = await client.query(
    `SELECT TraceId, Seen FROM ${client.database}.trace_summary ORDER BY TraceId`,
  );
  expect(summaries).toEqual([
    { TraceId: a, Seen: { [KEY]: '10' } },
    { TraceId: b, Seen: { [KEY]: '10' } },
  ]);
  const raw = await client.query(
    `SELECT KafkaSource, KafkaBlockEnd, count() AS spans FROM ${client.database}.otel_traces GROUP BY ALL`,
  );
  expect(raw).toEqual([{ KafkaSource: SOURCE, KafkaBlockEnd: '10', spans: '4' }]);
});

test('of a block of one day the first span with a trace has the marker', async () => {
  const payload = spans(['', TODAY_S], ['cc'.repeat(16), TODAY_S], ['cc'.repeat(16), TODAY_S]);
  await write(setup.block(kafkaOrigin(10, 12), [payload]));
  const raw = await client.query(
    `SELECT TraceId = '' AS bare, KafkaBlockEnd FROM ${client.database}.otel_traces ORDER BY bare DESC, KafkaBlockEnd`,
  );
  expect(raw).toEqual([
    { bare: 1, KafkaBlockEnd: '0' },
    { bare: 0, KafkaBlockEnd: '0' },
    { bare: 0, KafkaBlockEnd: '13' },
  ]);
});

test('markers merge as the latest of each partition', async () => {
  await write(setup.block(kafkaOrigin(20, 29), [spans(['aa'.repeat(16), TODAY_S])]));
  await setup.sink.write(setup.block(kafkaOrigin(30, 39), [spans(['aa'.repeat(16), TODAY_S])]), never);
  const other = kafkaOrigin(5, 6, { partition: 1 });
  await setup.sink.write(setup.block(other, [spans(['aa'.repeat(16), TODAY_S])]), never);
  for (const table of ['trace_summary', 'span_metrics_1m']) {
    const merged = await client.query(
      `SELECT maxMap(Seen) AS seen FROM ${client.database}.${table} FINAL GROUP BY ALL`,
    );
    expect(merged).toEqual([{ seen: { [`${SOURCE}:1`]: '7', [KEY]: '40' } }]);
  }
});

test('spans that came in a request leave no marker', async () => {
  await write(setup.block({ kind: 'request', id: 'markers-1' }, [spans(['aa'.repeat(16), TODAY_S])]));
  for (const table of ['trace_summary', 'span_metrics_10s', 'span_metrics_1m']) {
    const rows = await client.query(`SELECT Seen FROM ${client.database}.${table}`);
    expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(new Set(['{"Seen":{}}']));
  }
  const raw = await client.query(`SELECT KafkaSource, KafkaBlockEnd FROM ${client.database}.otel_traces`);
  expect(raw).toEqual([{ KafkaSource: '', KafkaBlockEnd: '0' }]);
});

test('the log says of every block what its records were, also of one without any rows', async () => {
  const at = { firstTimestampMs: TODAY_S * 1000 + 1, lastTimestampMs: TODAY_S * 1000 + 2 };
  const origin = kafkaOrigin(100, 109, { ...at, topic: 'empty', records: 4, quarantined: 3 });
  await write(setup.block(origin, []));
  const log = await client.query(
    `SELECT * EXCEPT (FirstTimestamp, LastTimestamp), toUnixTimestamp64Milli(FirstTimestamp) AS FirstMs,
            toUnixTimestamp64Milli(LastTimestamp) AS LastMs
     FROM ${client.database}.ingest_log WHERE Source = 'cluster-1/empty'`,
  );
  expect(log).toEqual([
    {
      Source: 'cluster-1/empty',
      Partition: 3,
      FirstOffset: '100',
      LastOffset: '109',
      Revision: 0,
      Target: '',
      Day: new Date(TODAY_S * 1000).toISOString().slice(0, 10),
      Rows: '0',
      Spans: '0',
      SpanIdSum: '0',
      Records: '4',
      Quarantined: '3',
      FirstMs: String(TODAY_S * 1000 + 1),
      LastMs: String(TODAY_S * 1000 + 2),
    },
  ]);
});
