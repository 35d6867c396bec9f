import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { ensureWindows, neededWindow } from '../../../src/clickhouse/dedup-windows.ts';
import type { KafkaOrigin } from '../../../src/flow/block.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { expectedTotals, somePayloads, someThroughput, type Totals, totalsOf } from './block-totals.ts';
import { migratedDatabase, silentLog } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

class Database {
  readonly client: ClickHouse;
  readonly setup: SinkSetup;
  readonly empty: Totals;

  private constructor(client: ClickHouse, empty: Totals) {
    this.client = client;
    this.setup = new SinkSetup(client);
    this.empty = empty;
  }

  static async make(): Promise<Database> {
    const client = await migratedDatabase();
    onTestFinished(() => client.close());
    return new Database(client, await totalsOf(client));
  }

  async write(origin: KafkaOrigin): Promise<void> {
    await this.setup.sink.write(this.setup.block(origin, somePayloads(), someThroughput()), never);
  }

  async expectBlocks(count: number): Promise<void> {
    expect(await totalsOf(this.client)).toEqual(expectedTotals(this.empty, 'all', count));
  }
}

describe('the same offsets', () => {
  test('of a topic that was made again are other records', async () => {
    const database = await Database.make();
    await database.write(kafkaOrigin(0, 1, { firstTimestampMs: 1_700_000_000_000 }));
    await database.write(kafkaOrigin(0, 1, { firstTimestampMs: 1_700_000_000_001 }));
    await database.expectBlocks(2);
    expect(await database.setup.sink.stored(kafkaOrigin(0, 0), 0)).toEqual([
      {
        firstOffset: 0,
        lastOffset: 1,
        firstTimestampMs: 1_700_000_000_001,
        lastTimestampMs: 1_700_000_000_001,
      },
    ]);
  });

  test('of two clusters, topics or partitions, or of a fresh broker beside old tables, are other records', async () => {
    const database = await Database.make();
    await database.write(kafkaOrigin(0, 1));
    await database.write(kafkaOrigin(0, 1, { clusterId: 'cluster-2' }));
    await database.write(kafkaOrigin(0, 1, { topic: 'other' }));
    await database.write(kafkaOrigin(0, 1, { partition: 4 }));
    await database.expectBlocks(4);
  });

  test('planned under an older revision are the same records, whoever forms them again', async () => {
    const database = await Database.make();
    const plan = [kafkaOrigin(0, 1, { revision: 7 }), kafkaOrigin(2, 3, { revision: 7 })];
    await database.write(plan[0] as KafkaOrigin);
    // Its owner dies; the next one has revision 8, and begins with what was planned under 7.
    for (const origin of plan) await database.write({ ...origin, mayBeStored: true });
    await database.write(kafkaOrigin(4, 5, { revision: 8 }));
    await database.expectBlocks(3);
    const revisions = await database.client.query(
      `SELECT FirstOffset, groupUniqArray(Revision) AS revisions FROM ${database.client.database}.ingest_log
       GROUP BY FirstOffset ORDER BY FirstOffset`,
    );
    expect(revisions).toEqual([
      { FirstOffset: '0', revisions: [7] },
      { FirstOffset: '2', revisions: [7] },
      { FirstOffset: '4', revisions: [8] },
    ]);
  });
});

describe('what is stored of a partition', () => {
  test('is told as whole blocks in order, from an offset on', async () => {
    const database = await Database.make();
    const at = (ms: number) => ({ firstTimestampMs: ms, lastTimestampMs: ms + 5 });
    await database.write(kafkaOrigin(20, 29, at(3000)));
    await database.write(kafkaOrigin(0, 9, at(1000)));
    await database.write(kafkaOrigin(10, 19, at(2000)));
    await database.write(kafkaOrigin(30, 39, { ...at(4000), partition: 4 }));
    const { sink } = database.setup;
    expect(await sink.stored(kafkaOrigin(0, 0), 9)).toEqual([
      { firstOffset: 0, lastOffset: 9, ...at(1000) },
      { firstOffset: 10, lastOffset: 19, ...at(2000) },
      { firstOffset: 20, lastOffset: 29, ...at(3000) },
    ]);
    expect(await sink.stored(kafkaOrigin(0, 0), 21)).toHaveLength(1);
    expect(await sink.stored(kafkaOrigin(0, 0), 30)).toEqual([]);
    expect(await sink.stored(kafkaOrigin(0, 0, { clusterId: 'cluster-2' }), 0)).toEqual([]);
  });
});

describe('the windows of tokens', () => {
  async function windows(client: ClickHouse): Promise<Record<string, string>> {
    const rows = await client.query<{ name: string; w: string }>(
      `SELECT name, extract(engine_full, 'non_replicated_deduplication_window = ([0-9]+)') AS w FROM system.tables
       WHERE database = {db: String} AND name IN ('span_metrics_1h', 'otel_traces')`,
      { db: client.database },
    );
    return Object.fromEntries(rows.map(({ name, w }) => [name, w]));
  }

  test('are wide enough as shipped for an insert that waits a minute', () => {
    // 30 blocks/s * (60 + 30 + 60) s * 2 parts
    expect(neededWindow(60_000)).toBe(9000);
    expect(neededWindow(300_000)).toBe(23_400);
  });

  test('are widened where they are too small, and remember from then on', async () => {
    const { client } = await Database.make();
    const table = `${client.database}.span_metrics_1h`;
    await client.command(`ALTER TABLE ${table} MODIFY SETTING non_replicated_deduplication_window = 5`);
    const warned: unknown[] = [];
    const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) };
    await ensureWindows(client, 9000, { log, mayAlter: false });
    expect(warned).toEqual([{ table: 'span_metrics_1h', window: 5, needed: 9000 }]);
    expect(await windows(client)).toEqual({ span_metrics_1h: '5', otel_traces: '10000' });
    await ensureWindows(client, 9000, { log, mayAlter: true });
    expect(await windows(client)).toEqual({ span_metrics_1h: '10000', otel_traces: '10000' });
    await ensureWindows(client, 23_400, { log, mayAlter: true });
    expect(await windows(client)).toEqual({ span_metrics_1h: '23400', otel_traces: '23400' });
    warned.length = 0;
    await ensureWindows(client, 9000, { log, mayAlter: true });
    expect(warned).toEqual([]);
  });
});
