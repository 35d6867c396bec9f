import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import type { KafkaOrigin } from '../../../src/flow/block.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { waitFor } from '../../support/wait.ts';
import { expectedTotals, somePayloads, someThroughput, totalsOf } from './block-totals.ts';
import { migratedDatabase, openClient } from './database.ts';
import { CuttingProxy } from './proxy.ts';
import { never, SinkSetup } from './sink-setup.ts';

const quickly = { retry_on_failure: { initial_interval: '10ms', max_interval: '50ms' } };

let client: ClickHouse;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

let nextOffset = 0;
function nextOrigin(more: Partial<KafkaOrigin> = {}): KafkaOrigin {
  const first = nextOffset;
  nextOffset += 2;
  return kafkaOrigin(first, first + 1, more);
}

/** A server that has just been started can't prove that it is still the same one. */
async function oldEnough(): Promise<void> {
  await waitFor('the server being old enough', async () => {
    const [row] = await client.query<{ s: string }>('SELECT uptime() AS s');
    return Number(row?.s) > 2;
  });
}

describe('a connection that is reset', () => {
  let proxy: CuttingProxy;
  let through: ClickHouse;
  beforeAll(async () => {
    proxy = new CuttingProxy(client.url);
    through = openClient(client.database, await proxy.start());
  });
  afterAll(async () => {
    await through.close();
    proxy.stop();
  });

  test.each(['after_body', 'before_answer'] as const)(
    '%s leaves each row of a block there once, and is looked into',
    async (trouble) => {
      for (const times of [1, 2, 3, 5]) {
        const counts = new Map<string, number>();
        const setup = new SinkSetup(through, { config: quickly, counts });
        const before = await totalsOf(client);
        proxy.cuts = 0;
        proxy.cut(trouble, times);
        await setup.sink.write(setup.block(nextOrigin(), somePayloads(), someThroughput()), never);
        expect([times, proxy.cuts]).toEqual([times, times]);
        expect(await totalsOf(client)).toEqual(expectedTotals(before, 'all'));
        expect(counts.get('spanweir_clickhouse_block_checks_total')).toBeGreaterThan(0);
        expect([...counts.keys()].filter((key) => key.includes('repaired'))).toEqual([]);
      }
    },
  );

  test('does not double what came in a request, as long as the server lives', async () => {
    await oldEnough();
    const setup = new SinkSetup(through, { config: quickly });
    const before = await totalsOf(client);
    proxy.cut('before_answer', 3);
    await setup.sink.write(
      setup.block({ kind: 'request', id: 'cut-1' }, somePayloads(), someThroughput()),
      never,
    );
    expect(await totalsOf(client)).toEqual(expectedTotals(before, 'all'));
  });
});

/**
 * Rows that are deleted leave the tokens of their inserts, as after a crash between the two, until the server clears
 * the empty part away.
 */
async function lose(table: string, where: string, of = client): Promise<void> {
  const name = `${of.database}.${table}`;
  await of.command(`ALTER TABLE ${name} MODIFY SETTING remove_empty_parts = 0`);
  await of.command(`ALTER TABLE ${name} DELETE WHERE ${where}`, { mutations_sync: '1' });
}

const TABLES = [
  'otel_traces',
  'trace_summary',
  'span_metrics_10s',
  'span_metrics_1m',
  'span_metrics_1h',
  'span_metrics_1d',
  'sampling_throughput',
  'ingest_log',
] as const;

const HOLES = [
  ['otel_traces', 'toDate(Timestamp) = today()', 1],
  ['otel_traces', 'toDate(Timestamp) = yesterday()', 1],
  ['trace_summary', 'toDate(Start) = today()', 1],
  ['trace_summary', '1', 2],
  ['span_metrics_10s', 'toDate(Ts) = yesterday()', 1],
  ['span_metrics_1m', '1', 2],
  ['span_metrics_1h', '1', 1],
  ['span_metrics_1d', '1', 1],
  ['sampling_throughput', 'toDate(Ts) = today()', 1],
] as const;

describe('a block that was planned before', () => {
  test.each(HOLES)('gets what %s lacks of it where %s, and nothing else', async (table, where, parts) => {
    const own = await migratedDatabase();
    const counts = new Map<string, number>();
    const setup = new SinkSetup(own, { counts });
    const block = setup.block(nextOrigin(), somePayloads(), someThroughput());
    const empty = await totalsOf(own);
    await setup.sink.write(block, never);
    const whole = await totalsOf(own);
    expect(whole).toEqual(expectedTotals(empty, 'all'));
    for (const hurt of [table, 'ingest_log']) {
      await lose(hurt, hurt === table ? where : '1', own);
    }
    expect(await totalsOf(own)).not.toEqual(whole);
    const again = { ...block, origin: { ...(block.origin as KafkaOrigin), mayBeStored: true } };
    await setup.sink.write(again, never);
    expect(await totalsOf(own)).toEqual(whole);
    const repaired = [...counts].filter(([key]) => key.includes('repaired'));
    expect(new Map(repaired)).toEqual(
      new Map([
        [`spanweir_clickhouse_repaired_parts_total ${table}`, parts],
        ['spanweir_clickhouse_repaired_parts_total ingest_log', 1],
      ]),
    );
    await own.close();
  });

  test.each(TABLES)(
    'and is known to %s alone, without a part, is put in there, and nowhere twice',
    async (only) => {
      const own = await migratedDatabase();
      const counts = new Map<string, number>();
      const setup = new SinkSetup(own, { counts });
      const block = setup.block(nextOrigin(), somePayloads(), someThroughput());
      const empty = await totalsOf(own);
      await setup.sink.write(block, never);
      // Emptying a table takes the tokens, too.
      for (const table of TABLES.filter((name) => name !== only)) {
        await own.command(`TRUNCATE TABLE ${own.database}.${table}`);
      }
      await own.command(`ALTER TABLE ${own.database}.${only} DELETE WHERE 1`, { mutations_sync: '1' });
      expect(await totalsOf(own)).toEqual(empty);
      const again = { ...block, origin: { ...(block.origin as KafkaOrigin), mayBeStored: true } };
      await setup.sink.write(again, never);
      expect(await totalsOf(own)).toEqual(expectedTotals(empty, 'all'));
      expect([...counts.keys()].filter((key) => key.includes('repaired'))).toEqual([
        `spanweir_clickhouse_repaired_parts_total ${only}`,
      ]);
      await own.close();
    },
  );

  test('is not looked for where nothing was dropped, and is where the server does not say so', async () => {
    const counts = new Map<string, number>();
    const setup = new SinkSetup(client, { counts });
    const write = async (): Promise<void> =>
      await setup.sink.write(
        setup.block(nextOrigin({ mayBeStored: true }), somePayloads(), someThroughput()),
        never,
      );
    await oldEnough();
    const before = await totalsOf(client);
    await write();
    expect(counts.get('spanweir_clickhouse_block_checks_total')).toBeUndefined();
    const query = client.query.bind(client);
    const denied = vi.spyOn(client, 'query').mockImplementation(async (sql, parameters) => {
      if (sql.includes('system.events')) throw new SpanweirError('REFUSED', 'not enough privileges');
      return await query(sql, parameters);
    });
    await write();
    denied.mockRestore();
    expect(counts.get('spanweir_clickhouse_block_checks_total')).toBe(2);
    expect(await totalsOf(client)).toEqual(expectedTotals(before, 'all', 2));
  });

  test('is repaired while other blocks are being inserted and merged', async () => {
    const counts = new Map<string, number>();
    const setup = new SinkSetup(client, { counts });
    const before = await totalsOf(client);
    const origin = nextOrigin({ partition: 8 });
    const block = setup.block(origin, somePayloads(), someThroughput());
    await setup.sink.write(block, never);
    await lose('otel_traces', 'KafkaPartition = 8');
    await lose('ingest_log', 'Partition = 8');
    let others = 0;
    const stop = new AbortController();
    const writeOthers = async (partition: number): Promise<void> => {
      for (let first = 0; !stop.signal.aborted; first += 2) {
        const other = kafkaOrigin(first, first + 1, { partition });
        await setup.sink.write(setup.block(other, somePayloads(), someThroughput()), never);
        others++;
      }
    };
    const writers = [writeOthers(9), writeOthers(10)];
    await waitFor('other blocks', () => others > 1);
    await setup.sink.write({ ...block, origin: { ...origin, mayBeStored: true } }, never);
    stop.abort();
    await Promise.all(writers);
    expect(await totalsOf(client)).toEqual(expectedTotals(before, 'all', 1 + others));
    for (const table of ['otel_traces', 'ingest_log']) {
      expect(counts.get(`spanweir_clickhouse_repaired_parts_total ${table}`)).toBeGreaterThan(0);
    }
  });

  test.each(['it\'s "odd"\\\t\n', '\\N', 'nul\0', '名前', '', '{key: String}', 'long'.repeat(100_000)])(
    'is found under the service %.20j',
    async (service) => {
      const counts = new Map<string, number>();
      const setup = new SinkSetup(client, { counts });
      const spans = [{ traceId: 'ab'.repeat(16), startNs: BigInt(Date.now()) * 1_000_000n }];
      const origin = nextOrigin();
      const block = setup.block(origin, [[{ service, spans }]]);
      await setup.sink.write(block, never);
      await lose('ingest_log', `FirstOffset = ${origin.firstOffset}`);
      await setup.sink.write({ ...block, origin: { ...origin, mayBeStored: true } }, never);
      expect(counts.get('spanweir_clickhouse_block_checks_total')).toBe(2);
      expect([...counts.keys()].filter((key) => key.includes('repaired'))).toEqual([
        'spanweir_clickhouse_repaired_parts_total ingest_log',
      ]);
    },
  );

  test('is not written at all when the log has it', async () => {
    const counts = new Map<string, number>();
    const setup = new SinkSetup(client, { counts });
    const origin = nextOrigin();
    const block = setup.block(origin, somePayloads(), someThroughput());
    await setup.sink.write(block, never);
    counts.clear();
    await setup.sink.write({ ...block, origin: { ...origin, mayBeStored: true } }, never);
    expect([...counts.keys()]).toEqual([]);
  });

  test('that has no rows is there once as well', async () => {
    const setup = new SinkSetup(client);
    const before = await totalsOf(client);
    const origin = nextOrigin();
    await setup.sink.write(setup.block(origin, []), never);
    await setup.sink.write(setup.block({ ...origin, mayBeStored: true }, []), never);
    expect(await totalsOf(client)).toEqual({ ...before, ingest_log: before.ingest_log + 1 });
  });
});

describe('a block that may be another owner’s by now', () => {
  test('is not sent any further, from whatever statement on', async () => {
    const own = await migratedDatabase();
    const setup = new SinkSetup(own);
    const empty = await totalsOf(own);
    const block = setup.block(nextOrigin({ mayBeStored: true }), somePayloads(), someThroughput());
    for (let allowed = 0; allowed < 4; allowed++) {
      let asked = 0;
      const fenced = { ...block, mayBegin: () => asked++ < allowed };
      await expect(setup.sink.write(fenced, never)).rejects.toMatchObject({ code: 'FENCED' });
      if (allowed < 2) expect(await totalsOf(own)).toEqual(empty);
      expect((await totalsOf(own)).ingest_log).toBe(0);
    }
    await setup.sink.write(block, never);
    expect(await totalsOf(own)).toEqual(expectedTotals(empty, 'all'));
    await own.close();
  });

  test('is not repaired by whoever lost it, and once by who has it', async () => {
    const own = await migratedDatabase();
    const setup = new SinkSetup(own);
    const block = setup.block(nextOrigin({ mayBeStored: true }), somePayloads(), someThroughput());
    const empty = await totalsOf(own);
    await setup.sink.write(block, never);
    await lose('otel_traces', '1', own);
    await lose('ingest_log', '1', own);
    for (let allowed = 4; allowed < 13; allowed++) {
      let asked = 0;
      const fenced = { ...block, mayBegin: () => asked++ < allowed };
      await setup.sink.write(fenced, never).catch((error) => expect(error).toMatchObject({ code: 'FENCED' }));
    }
    await setup.sink.write(block, never);
    expect(await totalsOf(own)).toEqual(expectedTotals(empty, 'all'));
    const left = await own.query(
      "SELECT name FROM system.tables WHERE database = {db: String} AND startsWith(name, 'repair_')",
      { db: own.database },
    );
    expect(left).toEqual([]);
    await own.close();
  });
});
