import { describe, expect, test } from 'vitest';
import { clickhouseClient, queryRows } from '../../support/clickhouse.ts';
import { kafkaClient } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import {
  contents,
  createWorld,
  groupOffsets,
  groupsLike,
  misfits,
  replay,
  sendMessages,
  startLane,
  type World,
} from './replay-setup.ts';

async function command(...statements: readonly string[]): Promise<void> {
  const client = clickhouseClient();
  for (const query of statements) {
    await client.command({ query, clickhouse_settings: { mutations_sync: '1' } });
  }
  await client.close();
}

async function stored(world: World, spans: number): Promise<void> {
  await waitFor(`${spans} spans`, async () => {
    const [row] = await queryRows<{ n: string }>(
      `SELECT sum(Spans) AS n FROM ${world.database}.ingest_log WHERE Target = 'otel_traces'`,
    );
    return Number(row?.n) === spans;
  });
}

/** All that was stored by the engine, which has stopped. */
async function ingested(messages: number): Promise<World> {
  const world = await createWorld();
  await sendMessages(world.topic, [0, messages - 1]);
  const lane = await startLane(world.config());
  await stored(world, messages * 5);
  await lane.stop();
  return world;
}

/** Takes messages out of every table, as if they had never come; their blocks out of the log. */
async function takeOut(database: string, messages: readonly number[]): Promise<void> {
  const services = messages.map((i) => `'s${i}'`).join();
  const traces = messages.map((i) => `'${(i + 1).toString(16).padStart(32, '0')}'`).join();
  await command(
    ...['otel_traces', 'span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d'].map(
      (table) => `ALTER TABLE ${database}.${table} DELETE WHERE ServiceName IN (${services})`,
    ),
    `ALTER TABLE ${database}.trace_summary DELETE WHERE TraceId IN (${traces})`,
  );
  await forgetLog(database, messages);
}

/** Takes messages out of these tables only. */
async function forget(
  database: string,
  messages: readonly number[],
  tables: readonly string[],
): Promise<void> {
  const services = messages.map((i) => `'s${i}'`).join();
  await command(
    ...tables.map((table) => `ALTER TABLE ${database}.${table} DELETE WHERE ServiceName IN (${services})`),
  );
}

async function forgetLog(database: string, messages: readonly number[]): Promise<void> {
  const blocks = messages.map(
    (i) =>
      `(Partition = ${i % 2} AND FirstOffset <= ${Math.floor(i / 2)} AND LastOffset >= ${Math.floor(i / 2)})`,
  );
  await command(`ALTER TABLE ${database}.ingest_log DELETE WHERE ${blocks.join(' OR ')}`);
}

async function deleteRecords(
  topic: string,
  partitions: { partition: number; offset: string }[],
): Promise<void> {
  const admin = kafkaClient().admin();
  await admin.connect();
  // kafkajs forgets to ask who leads the partitions.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions });
  await admin.disconnect();
}

/** The messages of the blocks that these messages are in. */
async function wholeBlocks(database: string, messages: readonly number[]): Promise<number[]> {
  const rows = await queryRows<{ Partition: number; FirstOffset: string; LastOffset: string }>(
    `SELECT DISTINCT Partition, FirstOffset, LastOffset FROM ${database}.ingest_log`,
  );
  const found = new Set<number>();
  for (const { Partition, FirstOffset, LastOffset } of rows) {
    const inside = Array.from(
      { length: Number(LastOffset) - Number(FirstOffset) + 1 },
      (_, k) => (Number(FirstOffset) + k) * 2 + Number(Partition),
    );
    if (inside.some((i) => messages.includes(i))) for (const i of inside) found.add(i);
  }
  return [...found];
}

describe('spanweir replay', () => {
  test('puts back blocks that are missing everywhere, once, and touches no offset', async () => {
    const world = await ingested(60);
    const before = await contents(world.database);
    const offsets = await groupOffsets(world.group, world.topic);
    await takeOut(world.database, await wholeBlocks(world.database, [7, 20, 21, 59]));
    expect(await contents(world.database)).not.toEqual(before);

    const dry = await replay(world.config(), { 'dry-run': true });
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.printed).toMatch(/Would read \d+ offsets again/);
    expect(await contents(world.database)).not.toEqual(before);

    const ran = await replay(world.config());
    expect(ran, ran.printed).toMatchObject({ code: 0 });
    expect(await contents(world.database)).toEqual(before);
    expect(await misfits(world.database)).toEqual([]);
    expect(await groupOffsets(world.group, world.topic)).toEqual(offsets);
    expect(await groupsLike(`${world.group}-replay`)).toEqual([]);

    const again = await replay(world.config());
    expect(again).toMatchObject({ code: 0 });
    expect(again.printed).toContain('Nothing is missing');
    expect(await contents(world.database)).toEqual(before);
  });

  test('puts into each table what it lacks, where blocks are there in part', async () => {
    const world = await ingested(60);
    const { database } = world;
    const before = await contents(database);
    const [a, b] = [await wholeBlocks(database, [10]), await wholeBlocks(database, [31])];
    // Two ways of having half a block: the spans without the metrics, and one table of metrics without the others.
    await forget(database, a, ['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d']);
    await forget(database, b, ['span_metrics_1m']);
    await forgetLog(database, [...a, ...b]);

    const dry = await replay(world.config(), { 'dry-run': true });
    expect(dry.printed).toContain('in otel_traces, but in no log');
    const ran = await replay(world.config());
    expect(ran, ran.printed).toMatchObject({ code: 0 });
    expect(ran.printed).toContain('2 of which were there in part');
    expect(await contents(database)).toEqual(before);
    expect(await misfits(database)).toEqual([]);
  });

  test('works while the engine does, below its position, and leaves the rest to it', async () => {
    const world = await ingested(60);
    const { database } = world;
    const offsets = await groupOffsets(world.group, world.topic);
    // Nobody has read these: they are the engine's, which does not run.
    await sendMessages(world.topic, [60, 79]);
    const lost = await wholeBlocks(database, [4, 5, 40]);
    await takeOut(database, lost);
    const left = await replay(world.config(), { 'dry-run': true });
    expect(left.printed).toMatch(/ 10 /);
    expect(await groupOffsets(world.group, world.topic)).toEqual(offsets);

    const lane = await startLane(world.config());
    const sending = sendMessages(world.topic, [80, 279]);
    const ran = await replay(world.config());
    expect(ran, ran.printed).toMatchObject({ code: 0 });
    await sending;
    await stored(world, 280 * 5);
    await lane.stop();
    const rows = await queryRows<{
      n: number;
      ids: number;
      red: number;
      minutes: number;
      hours: number;
      days: number;
      traces: number;
    }>(
      `SELECT (SELECT count() FROM ${database}.otel_traces) AS n,
              (SELECT uniqExact(SpanId) FROM ${database}.otel_traces) AS ids,
              (SELECT sum(Spans) FROM ${database}.span_metrics_10s) AS red,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1m) AS minutes,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1h) AS hours,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1d) AS days,
              (SELECT sum(arraySum(mapValues(Spans))) FROM ${database}.trace_summary) AS traces`,
    );
    const all = 1400;
    expect(rows).toEqual([{ n: all, ids: all, red: all, minutes: all, hours: all, days: all, traces: all }]);
    expect(await misfits(database)).toEqual([]);
  });

  test('that is stopped leaves whole blocks, and goes on where it was', async () => {
    const world = await ingested(60);
    const { database } = world;
    const before = await contents(database);
    await takeOut(
      database,
      Array.from({ length: 60 }, (_, i) => i),
    );
    const stop = new AbortController();
    const stopping = waitFor('a block', async () => {
      const [row] = await queryRows<{ n: number }>(`SELECT count() AS n FROM ${database}.otel_traces`);
      return Number(row?.n) > 0;
    }).then(() => stop.abort());
    const ran = await replay(world.config(), {}, stop.signal);
    await stopping;
    expect(ran, ran.printed).toMatchObject({ code: 130 });
    const again = await replay(world.config());
    expect(again, again.printed).toMatchObject({ code: 0 });
    expect(await contents(database)).toEqual(before);
    expect(await misfits(database)).toEqual([]);
  });
});

describe('spanweir replay --revision', () => {
  const HOUR = 3_600_000;
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  // Three days: 40 messages of the day before yesterday, 40 of yesterday and 20 of today, in this order.
  const startMs = (i: number): number => today + (i < 40 ? -30 * HOUR : i < 80 ? -10 * HOUR : 0) + i * 1000;
  const day = (ago: number): string => new Date(today - ago * 86_400_000).toISOString().slice(0, 10);

  test('swaps a day that readers see whole at any time, and leaves the other days as they are', async () => {
    const world = await createWorld();
    const { database } = world;
    await sendMessages(world.topic, [0, 99], { startMs });
    const lane = await startLane(world.config());
    await stored(world, 500);
    await lane.stop();
    const before = await contents(database);
    const changed = world.config({ dimensions: [{ name: 'color' }] });
    const engine = await startLane(changed);

    const over = new AbortController();
    const seen = new Set<string>();
    const reading = (async () => {
      while (!over.signal.aborted) {
        const rows = await queryRows<Record<string, string>>(
          `SELECT (SELECT count() FROM ${database}.otel_traces WHERE toDate(Timestamp) = '${day(1)}') AS spans,
                  (SELECT sum(Spans) FROM ${database}.span_metrics_10s WHERE toDate(Ts) = '${day(1)}') AS tens,
                  (SELECT sum(Spans) FROM ${database}.span_metrics_1m WHERE toDate(Ts) = '${day(1)}') AS minutes,
                  (SELECT sum(Spans) FROM ${database}.span_metrics_1h WHERE toDate(Ts) = '${day(1)}') AS hours,
                  (SELECT sum(Spans) FROM ${database}.span_metrics_1d WHERE toDate(Ts) = '${day(1)}') AS days,
                  (SELECT sum(arraySum(mapValues(Spans))) FROM ${database}.trace_summary WHERE toDate(Start) = '${day(1)}') AS traces`,
        );
        seen.add(Object.values(rows[0] ?? {}).join());
      }
    })();
    const sending = sendMessages(world.topic, [100, 149], { startMs });
    const ran = await replay(changed, { revision: 'current', from: day(1), to: day(0) });
    over.abort();
    await Promise.all([reading, sending]);
    expect(ran, ran.printed).toMatchObject({ code: 0 });
    await stored(world, 750);
    await engine.stop();
    expect([...seen]).toEqual(['200,200,200,200,200,200']);

    const dims = await queryRows<{ table: string; day: string; colors: string[]; spans: number }>(
      `SELECT * FROM (${['10s', '1m', '1h', '1d']
        .map(
          (of) =>
            `SELECT '${of}' AS table, toString(toDate(Ts)) AS day, arraySort(groupUniqArray(Dims['color'])) AS colors, sum(Spans) AS spans
             FROM ${database}.span_metrics_${of} WHERE Spans > 0 GROUP BY day`,
        )
        .join(' UNION ALL ')}) ORDER BY day, table`,
    );
    const row = (of: string, ago: number, colors: string[], spans: number) => ({
      table: of,
      day: day(ago),
      colors,
      spans,
    });
    expect(dims.slice(0, 8)).toEqual([
      row('10s', 2, [''], 200),
      row('1d', 2, [''], 200),
      row('1h', 2, [''], 200),
      row('1m', 2, [''], 200),
      row('10s', 1, ['blue', 'red'], 200),
      row('1d', 1, ['blue', 'red'], 200),
      row('1h', 1, ['blue', 'red'], 200),
      row('1m', 1, ['blue', 'red'], 200),
    ]);
    const after = await contents(database);
    expect(after.spans).toHaveLength(750);
    expect(after.traces).toEqual(expect.arrayContaining(before.traces as unknown[]));
    expect(await misfits(database)).toEqual([]);
    const log = await queryRows<{ rows: number; revisions: number }>(
      `SELECT sum(Rows) AS rows, uniqExact(Revision) AS revisions FROM ${database}.ingest_log
       WHERE Target = 'otel_traces' AND Day = '${day(1)}'`,
    );
    expect(log).toEqual([{ rows: 200, revisions: 1 }]);
    const databases = await queryRows(
      `SELECT name FROM system.databases WHERE name LIKE '${database}_replay%'`,
    );
    expect(databases).toEqual([]);
  });

  test('refuses a day whose records Kafka does not hold any more, and changes nothing', async () => {
    const world = await createWorld();
    await sendMessages(world.topic, [0, 59], { startMs });
    const lane = await startLane(world.config());
    await stored(world, 300);
    await lane.stop();
    const before = await contents(world.database);
    await deleteRecords(world.topic, [{ partition: 0, offset: '3' }]);
    const changed = world.config({ dimensions: [{ name: 'color' }] });
    const ran = await replay(changed, { revision: 'current', from: day(2), to: day(0) });
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.printed).toMatch(/Kafka no longer holds \d+ of its blocks/);
    expect(ran.printed).toContain('Nothing was done');
    expect(await contents(world.database)).toEqual(before);
  });
});
