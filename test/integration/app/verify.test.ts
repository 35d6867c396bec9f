import { describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { bare, healthyDatabase, look, SOURCE, spoil, TODAY, YESTERDAY } from './verify-setup.ts';

test('a database that the engine has written is all right, and every row of it was compared', async () => {
  const { client } = await healthyDatabase();
  const report = await look(client);
  expect(report.findings).toEqual([]);
  expect(report.open).toEqual([]);
  expect(report.days).toEqual([YESTERDAY, TODAY]);
  expect(report.partitions).toEqual([
    { source: SOURCE, partition: 3, blocks: 4, firstOffset: 0, lastOffset: 29, expected: 54, found: 54 },
    { source: SOURCE, partition: 4, blocks: 1, firstOffset: 0, lastOffset: 4, expected: 10, found: 10 },
    {
      source: '',
      partition: undefined,
      blocks: 2,
      firstOffset: undefined,
      lastOffset: undefined,
      expected: 4,
      found: 4,
    },
  ]);
  expect(report.tables).toEqual([
    { table: 'span_metrics_10s', days: 2, expected: 136, found: 136 },
    { table: 'span_metrics_1m', days: 2, expected: 136, found: 136 },
    { table: 'span_metrics_1h', days: 2, expected: 136, found: 136 },
    { table: 'span_metrics_1d', days: 2, expected: 136, found: 136 },
    { table: 'sampling_throughput', days: 1, expected: 40, found: 40 },
    { table: 'trace_summary', days: 2, expected: 68, found: 68 },
  ]);
  await client.close();
});

interface Fault {
  readonly name: string;
  readonly statements: readonly string[];
  readonly found: readonly object[];
}

const P3 = { source: SOURCE, partition: 3 };
const SPANS = { table: 'otel_traces', ...P3 };
const BLOCK = { firstOffset: 10, lastOffset: 19 };
const OF_BLOCK = `KafkaSource != '' AND KafkaPartition = 3 AND KafkaOffset BETWEEN 10 AND 19`;
const TRACE = '0000000000000bc2'.repeat(2);

const FAULTS: readonly Fault[] = [
  {
    name: 'a lost block',
    statements: [`ALTER TABLE {db}.otel_traces DELETE WHERE ${OF_BLOCK}`],
    found: [
      { kind: 'missing', ...SPANS, ...BLOCK, day: YESTERDAY, expected: 10, found: 0 },
      { kind: 'missing', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 0 },
      { kind: 'surplus', table: 'trace_summary', expected: 0, found: 20 },
    ],
  },
  {
    name: 'a missing day of a block',
    statements: [`ALTER TABLE {db}.otel_traces DELETE WHERE toDate(Timestamp, 'UTC') = '${TODAY}'`],
    found: [
      { kind: 'missing', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 0 },
      { kind: 'surplus', table: 'trace_summary', expected: 10, found: 20 },
    ],
  },
  {
    name: 'a row that was deleted',
    statements: [`ALTER TABLE {db}.otel_traces DELETE WHERE ${OF_BLOCK} AND SpanId = '0000000000001785'`],
    found: [
      { kind: 'missing', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 9 },
      { kind: 'surplus', table: 'trace_summary', expected: 1, found: 2 },
    ],
  },
  {
    name: 'a block that is twice in otel_traces',
    statements: [`INSERT INTO {db}.otel_traces SELECT * FROM {db}.otel_traces WHERE ${OF_BLOCK}`],
    found: [
      { kind: 'surplus', ...SPANS, ...BLOCK, day: YESTERDAY, expected: 10, found: 20 },
      { kind: 'surplus', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 20 },
    ],
  },
  {
    name: 'a span in the place of another',
    statements: [
      `ALTER TABLE {db}.otel_traces UPDATE SpanId = '00000000deadbeef' WHERE ${OF_BLOCK} AND SpanId = '0000000000001785'`,
    ],
    found: [{ kind: 'altered', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 10 }],
  },
  {
    name: 'a block that is twice in one target of the views, and so in the one behind it',
    statements: [
      `INSERT INTO {db}.span_metrics_1h SELECT * FROM {db}.span_metrics_1h WHERE toDate(Ts, 'UTC') = '${TODAY}'`,
    ],
    found: [
      { kind: 'surplus', table: 'span_metrics_1h', day: TODAY, expected: 20, found: 40 },
      { kind: 'surplus', table: 'span_metrics_1d', day: TODAY, expected: 20, found: 40 },
    ],
  },
  {
    name: 'a rollup part that was lost',
    statements: [`ALTER TABLE {db}.span_metrics_1m DELETE WHERE toDate(Ts, 'UTC') = '${TODAY}'`],
    found: [{ kind: 'missing', table: 'span_metrics_1m', day: TODAY, expected: 20, found: 0 }],
  },
  {
    name: 'throughput rows that were lost',
    statements: [`ALTER TABLE {db}.sampling_throughput DELETE WHERE 1`],
    found: [{ kind: 'missing', table: 'sampling_throughput', day: YESTERDAY, expected: 40, found: 0 }],
  },
  {
    name: 'a summary of a trace that is there twice',
    statements: [
      `INSERT INTO {db}.trace_summary SELECT * FROM {db}.trace_summary WHERE TraceId = '${TRACE}'`,
    ],
    found: [{ kind: 'surplus', table: 'trace_summary', traceId: TRACE, expected: 2, found: 4 }],
  },
  {
    name: 'a summary of a trace that was lost',
    statements: [`ALTER TABLE {db}.trace_summary DELETE WHERE TraceId = '${TRACE}'`],
    found: [{ kind: 'missing', table: 'trace_summary', traceId: TRACE, expected: 2, found: 0 }],
  },
  {
    name: 'a log row without data',
    statements: [
      `INSERT INTO {db}.ingest_log SELECT * REPLACE (30 AS FirstOffset, 39 AS LastOffset)
       FROM {db}.ingest_log AS l WHERE l.Partition = 3 AND l.FirstOffset = 23 AND l.Target = 'otel_traces'`,
    ],
    found: [
      { kind: 'missing', ...SPANS, firstOffset: 30, lastOffset: 39, day: YESTERDAY, expected: 14, found: 0 },
    ],
  },
  {
    name: 'a log row that is there twice',
    statements: [
      `INSERT INTO {db}.ingest_log SELECT * FROM {db}.ingest_log
       WHERE Partition = 3 AND FirstOffset = 10 AND Target = 'otel_traces' AND Day = '${TODAY}'`,
    ],
    found: [{ kind: 'logged_twice', table: 'ingest_log', ...P3, ...BLOCK, day: TODAY }],
  },
  {
    name: 'a request that is twice in otel_traces',
    statements: [
      `INSERT INTO {db}.otel_traces SELECT * FROM {db}.otel_traces WHERE KafkaSource = '' ORDER BY SpanId LIMIT 2`,
    ],
    found: [{ kind: 'surplus', table: 'otel_traces', source: '', day: YESTERDAY, expected: 4, found: 6 }],
  },
];

describe('verify finds', () => {
  test.each(FAULTS)('$name', async ({ statements, found }) => {
    const { client } = await healthyDatabase();
    await spoil(client, ...statements);
    const report = await look(client);
    expect(report.findings.map(bare)).toEqual(found);
    expect(report.open).toEqual([]);
    await client.close();
  });

  test('a gap: a block of which nothing is left, and one of which only the log is gone', async () => {
    const { client } = await healthyDatabase();
    await spoil(client, `ALTER TABLE {db}.ingest_log DELETE WHERE Partition = 3 AND FirstOffset = 10`);
    const found = (await look(client)).findings.map(bare);
    const gap = { table: 'ingest_log', ...P3, ...BLOCK };
    expect(found).toContainEqual(expect.objectContaining({ kind: 'gap', ...gap }));
    for (const day of [YESTERDAY, TODAY]) {
      expect(found).toContainEqual({ kind: 'unlogged', ...SPANS, ...BLOCK, day, expected: 0, found: 10 });
      for (const table of ['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d']) {
        expect(found).toContainEqual(expect.objectContaining({ kind: 'surplus', table, day }));
      }
    }
    await spoil(client, `ALTER TABLE {db}.otel_traces DELETE WHERE ${OF_BLOCK}`);
    const left = (await look(client, { topic: 'otlp_spans' })).findings.map(bare);
    expect(left).toEqual([expect.objectContaining({ kind: 'gap', ...gap })]);
    await client.close();
  });

  test('ranges that overlap, also when the tables hold exactly what the log says', async () => {
    const writer = await healthyDatabase();
    await writer.block(5, 12, { atMs: 1_700_000_000_000 });
    expect((await look(writer.client)).findings.map(bare)).toEqual([
      { kind: 'overlap', table: 'ingest_log', ...P3, firstOffset: 5, lastOffset: 9, day: '2023-11-14' },
      { kind: 'overlap', table: 'ingest_log', ...P3, firstOffset: 10, lastOffset: 12, day: '2023-11-14' },
    ]);
    await writer.client.close();
  });

  test('spans behind the logged end: open while a block may be on its way, a problem when nothing is written', async () => {
    const { client } = await healthyDatabase();
    await spoil(client, `ALTER TABLE {db}.ingest_log DELETE WHERE Partition = 3 AND FirstOffset = 23`);
    const report = await look(client);
    expect(report.findings).toEqual([]);
    expect(report.open[0]).toMatchObject({ ...SPANS, firstOffset: 23, lastOffset: 29, found: 14 });
    expect(report.open.map(({ table }) => table).sort()).toEqual([
      'otel_traces',
      'sampling_throughput',
      'span_metrics_10s',
      'span_metrics_1d',
      'span_metrics_1h',
      'span_metrics_1m',
    ]);
    const idle = await look(client, {}, { idle: true });
    expect(idle.open).toEqual([]);
    expect(idle.findings.map(({ kind, table }) => `${kind} ${table}`)).toContain('unlogged otel_traces');
    await client.close();
  });
});

describe('verify leaves out and names', () => {
  test('days that have expired', async () => {
    const writer = await healthyDatabase();
    const { client } = writer;
    await writer.block(30, 39, { hour: -72 });
    await spoil(client, 'ALTER TABLE {db}.span_metrics_10s DELETE WHERE Ts < now() - INTERVAL 3 DAY');
    const report = await look(client);
    expect(report.findings).toEqual([]);
    const named = report.leftOut.filter((line) => /10s|throughput/.test(line));
    expect(named).toEqual([
      expect.stringMatching(/^span_metrics_10s: \d{4}-\d\d-\d\d, since it keeps 3 days$/),
    ]);
    expect(report.tables.map(({ table, days }) => [table, days]).slice(0, 2)).toEqual([
      ['span_metrics_10s', 2],
      ['span_metrics_1m', 3],
    ]);
    await client.close();
  });

  test('a topic that was made anew: its offsets begin again with records of another time', async () => {
    const writer = await healthyDatabase();
    await writer.block(0, 12, { atMs: 1_800_000_000_000 });
    const report = await look(writer.client);
    expect(report.findings).toEqual([]);
    expect(report.leftOut).toContainEqual(expect.stringContaining('the topic was made anew'));
    await writer.client.close();
  });

  test('what is not asked for', async () => {
    const writer = await healthyDatabase();
    const { client } = writer;
    await writer.block(0, 3, { topic: 'other' });
    await spoil(
      client,
      `ALTER TABLE {db}.otel_traces DELETE WHERE ${OF_BLOCK} AND KafkaSource = '${SOURCE}'`,
    );
    expect((await look(client, { topic: 'other' })).findings).toEqual([]);
    expect((await look(client, { topic: 'spans' })).partitions).toEqual([]);
    expect((await look(client, { partition: 4 })).findings).toEqual([]);
    expect((await look(client, { partition: 3 })).findings).toHaveLength(2);
    const today = await look(client, { since: TODAY });
    expect(today.days).toEqual([TODAY]);
    expect(today.findings.map(bare)).toEqual([
      { kind: 'missing', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 0 },
    ]);
    const before = await look(client, { until: YESTERDAY });
    expect(before.findings[0]).toMatchObject({ day: YESTERDAY });
    await client.close();
  });
});

test('a request whose log row comes seconds after its spans is nothing', async () => {
  const { client } = await healthyDatabase();
  const insert = (table: string, what: string): Promise<void> =>
    spoil(client, `INSERT INTO {db}.${table} SELECT * FROM {db}.${table} WHERE ${what}`);
  await insert('otel_traces', `KafkaSource = '' ORDER BY SpanId LIMIT 2`);
  let sleptMs = 0;
  const sleep = async (ms: number): Promise<void> => {
    sleptMs += ms;
    const isLogged = sleptMs - ms >= 5000;
    if (sleptMs < 5000 || isLogged) return;
    await insert('ingest_log', `Source = '' AND Target = 'otel_traces' ORDER BY SpanIdSum LIMIT 1`);
  };
  const report = await look(client, {}, { clock: { ...systemClock, sleep } });
  expect(report.findings).toEqual([]);
  expect(report.open).toEqual([]);
  await client.close();
});

test('beside an engine that goes on writing nothing is called wrong, and what is wrong is still found', {
  timeout: 300_000,
}, async () => {
  const writer = await healthyDatabase();
  const { client } = writer;
  // Real pauses, since what is being written needs real time; a shorter one between two looks.
  const clock: Clock = { ...systemClock, sleep: (ms) => systemClock.sleep(Math.min(ms, 500)) };
  let writing = true;
  const written = (async () => {
    for (let n = 0; writing; n++) {
      await Promise.all([
        writer.block(30 + 5 * n, 34 + 5 * n, { hour: n % 3 }),
        writer.block(5 + 3 * n, 7 + 3 * n, { partition: 4 }),
        writer.request(10 + n),
      ]);
      await systemClock.sleep(20);
    }
  })();
  expect((await look(client, {}, { clock })).findings).toEqual([]);
  await spoil(client, `ALTER TABLE {db}.otel_traces DELETE WHERE ${OF_BLOCK}`);
  const found = (await look(client, {}, { clock })).findings.map(bare);
  writing = false;
  await written;
  expect(found).toContainEqual({ kind: 'missing', ...SPANS, ...BLOCK, day: TODAY, expected: 10, found: 0 });
  expect(
    (await look(client, {}, { idle: true })).findings.filter(({ table }) => table !== 'trace_summary'),
  ).toHaveLength(2);
  await client.close();
});
