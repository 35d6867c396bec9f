import { afterAll, beforeAll, expect, test } from 'vitest';
import { SAMPLES, SHOP_CONTEXT } from '../../../scripts/docs/query-pages.ts';
import { lookUntilSettled } from '../../../src/app/commands/verify/settled.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { LOCAL } from '../../../src/clickhouse/client.ts';
import type { ClusterLayout } from '../../../src/clickhouse/cluster-ddl.ts';
import { migrate } from '../../../src/clickhouse/migrate.ts';
import { readQueries } from '../../../src/clickhouse/queries/catalogue.ts';
import { runQuery } from '../../../src/clickhouse/queries/run-query.ts';
import { createSamplingStore } from '../../../src/clickhouse/sampling-store.ts';
import { EdgeDerivation } from '../../../src/clickhouse/service-graph/edge-derivation.ts';
import { clickHouseExporter } from '../../../src/exporters/clickhouse/component.ts';
import type { KafkaOrigin } from '../../../src/flow/block.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { expectedTotals, somePayloads, someThroughput, TODAY_S, totalsOf } from './block-totals.ts';
import { migrateOptions, silentLog } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';
import { startTwoShards, type TwoShards } from './two-shards.ts';

let shards: TwoShards;
beforeAll(async () => {
  shards = await startTwoShards();
  const main = shards.main();
  await main.start();
  await main.stop();
});
afterAll(async () => shards?.stop());

async function write(origin: KafkaOrigin, counts = new Map<string, number>()): Promise<void> {
  const setup = new SinkSetup(shards.clients, { config: shards.given, counts });
  await setup.sink.write(setup.block(origin, somePayloads(), someThroughput()), never);
}

/** Values of one column of a shard's own table. */
async function here(shard: 0 | 1, column: string, table: string): Promise<number[]> {
  const rows = await shards.clients[shard].query<{ v: string }>(
    `SELECT ${column} AS v FROM shop.${table}${LOCAL} GROUP BY v ORDER BY v`,
  );
  return rows.map(({ v }) => Number(v));
}

async function findings(): Promise<unknown[]> {
  const [client] = shards.clients;
  const deps = { client, clock: systemClock, progress: () => undefined, patienceMs: 1000 };
  const scope = { since: undefined, until: undefined, topic: undefined, partition: undefined };
  return [...(await lookUntilSettled(deps, scope, { idle: true })).findings];
}

test('each block lies whole on the shard of its partition, and the usual names show it once', async () => {
  const [client, other] = shards.clients;
  const before = await totalsOf(client);
  for (const partition of [0, 1, 2, 3]) await write(kafkaOrigin(0, 1, { partition }));
  const after = expectedTotals(before, 'all', 4);
  expect(await totalsOf(client)).toEqual(after);
  expect(await totalsOf(other)).toEqual(after);
  expect(await here(0, 'KafkaPartition', 'otel_traces')).toEqual([0, 2]);
  expect(await here(1, 'KafkaPartition', 'otel_traces')).toEqual([1, 3]);
  expect(await here(0, 'Partition', 'ingest_log')).toEqual([0, 2]);
  expect(await here(1, 'Partition', 'ingest_log')).toEqual([1, 3]);
});

test('a block that is sent again is dropped by its shard, also by another process', async () => {
  const [client] = shards.clients;
  const before = await totalsOf(client);
  for (const partition of [0, 1]) {
    await write(kafkaOrigin(0, 1, { partition }));
    await write(kafkaOrigin(0, 1, { partition, mayBeStored: true }));
  }
  expect(await totalsOf(client)).toEqual(before);
});

test('what a block lacks in a table of its shard is put in again there', async () => {
  const [client, other] = shards.clients;
  const before = await totalsOf(client);
  // A day on which there is nothing else.
  const startS = TODAY_S - 2 * 86_400;
  const day = new Date(startS * 1000).toISOString().slice(0, 10).replaceAll('-', '');
  const span = { traceId: 'ee'.repeat(16), startNs: BigInt(startS) * 1_000_000_000n };
  const writeIt = async (mayBeStored: boolean, counts = new Map<string, number>()): Promise<void> => {
    const setup = new SinkSetup(shards.clients, { config: shards.given, counts });
    const origin = kafkaOrigin(2, 2, { partition: 1, mayBeStored });
    await setup.sink.write(setup.block(origin, [[{ service: 'shop', spans: [span] }]]), never);
  };
  await writeIt(false);
  const whole = {
    ...before,
    otel_traces: before.otel_traces + 1,
    trace_summary: before.trace_summary + 1,
    span_metrics_10s: before.span_metrics_10s + 2,
    span_metrics_1m: before.span_metrics_1m + 2,
    span_metrics_1h: before.span_metrics_1h + 2,
    span_metrics_1d: before.span_metrics_1d + 2,
    ingest_log: before.ingest_log + 2,
  };
  expect(await totalsOf(client)).toEqual(whole);
  // As a killed server may leave it: the tokens are known, the parts and the log are not there.
  const lose = (table: string, which: string): Promise<void> =>
    other.command(`ALTER TABLE shop.${table}${LOCAL} DELETE WHERE ${which}`, { mutations_sync: '1' });
  await lose('trace_summary', `_partition_id = '${day}'`);
  await lose('span_metrics_1m', `_partition_id = '${day}'`);
  await lose('ingest_log', 'FirstOffset = 2');
  expect(await totalsOf(client)).toEqual({
    ...whole,
    trace_summary: before.trace_summary,
    span_metrics_1m: before.span_metrics_1m,
    ingest_log: before.ingest_log,
  });
  const counts = new Map<string, number>();
  await writeIt(true, counts);
  expect(await totalsOf(client)).toEqual(whole);
  expect([...counts].filter(([name, n]) => name.includes('repaired') && n > 0)).toEqual([
    ['spanweir_clickhouse_repaired_parts_total trace_summary', 1],
    ['spanweir_clickhouse_repaired_parts_total span_metrics_1m', 1],
    ['spanweir_clickhouse_repaired_parts_total ingest_log', 1],
  ]);
});

test('blocks are written through the kill of a shard, and each is there once', async () => {
  const [client] = shards.clients;
  const before = await totalsOf(client);
  const writes = [0, 1, 2, 3].map((partition) => write(kafkaOrigin(10, 11, { partition })));
  process.kill(shards.servers[1].pid() as number, 'SIGKILL');
  await Promise.all(writes);
  expect(await totalsOf(client)).toEqual(expectedTotals(before, 'all', 4));
});

test('verify finds everything right on both shards', async () => {
  expect(await findings()).toEqual([]);
});

test('what is stored of a partition is found on every shard that has something of it', async () => {
  const { context, inputs } = new SinkSetup(shards.clients, { config: shards.given });
  const sink = clickHouseExporter.createLane?.(shards.config, context, inputs);
  const found = (await sink?.stored?.(kafkaOrigin(0, 0, { partition: 1 }), 2, never)) ?? [];
  await sink?.stop({ signal: never, remainingMs: () => 1000 });
  expect(found.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([
    [2, 2],
    [10, 11],
  ]);
});

test('edges are derived from the spans of all shards, and are there once', async () => {
  const [client, other] = shards.clients;
  const startNs = BigInt(TODAY_S - 2 * 86_400) * 1_000_000_000n;
  const ends = [
    { service: 'front', spans: [{ kind: 3, spanId: 'c1'.repeat(8) }] },
    { service: 'back', spans: [{ kind: 2, parentSpanId: 'c1'.repeat(8) }] },
  ];
  for (const [partition, { service, spans }] of ends.entries()) {
    const setup = new SinkSetup(shards.clients, { config: shards.given, only: 'spans' });
    const resource = {
      service,
      spans: spans.map((span) => ({ ...span, startNs, traceId: 'ef'.repeat(16) })),
    };
    await setup.sink.write(setup.block(kafkaOrigin(20, 20, { partition }), [[resource]]), never);
  }
  for (const server of [client, other]) {
    const derivation = new EdgeDerivation(server, {
      connector: 'service_graph',
      source: {
        rules: { dimensions: [], databaseNames: [], peerAttributes: [] },
        ttlMs: 15_000,
        everyMs: 60_000,
      },
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      derived: { add: () => undefined },
      due: { set: () => undefined },
    });
    if (server === client) await derivation.round(never);
  }
  const edges = await other.query(
    "SELECT Client, Server, Spans FROM shop.service_graph_edges WHERE Client = 'front'",
  );
  expect(edges).toEqual([{ Client: 'front', Server: 'back', Spans: '1' }]);
});

test('what would be changed is told: of the local tables, on the whole cluster if that is how it is sent', async () => {
  const [client] = shards.clients;
  const onCluster: ClusterLayout = { name: 'pair', onCluster: true, replicated: true };
  const { applied, statements } = await migrate(client, {
    ...migrateOptions,
    spansTtlMs: 30 * 86_400_000,
    cluster: onCluster,
    dryRun: true,
  });
  expect(applied).toEqual([]);
  expect(statements).toEqual([
    'ALTER TABLE `shop`.otel_traces_local ON CLUSTER `pair` MODIFY TTL toDate(Timestamp) + toIntervalSecond(2592000) SETTINGS materialize_ttl_after_modify = 0',
    'ALTER TABLE `shop`.trace_summary_local ON CLUSTER `pair` MODIFY TTL toDate(Start) + toIntervalSecond(2592000) SETTINGS materialize_ttl_after_modify = 0',
  ]);
});

test('decisions and named queries are answered by either shard', async () => {
  const [client, other] = shards.clients;
  const nowMs = Date.now();
  await createSamplingStore(client).reportPollers('[]', 'one', nowMs);
  expect(await createSamplingStore(other).pollers(nowMs, 60_000)).toEqual(['[]']);
  const queries = readQueries();
  for (const server of [client, other]) {
    for (const [name, query] of queries) await runQuery(server, query, SAMPLES[name] ?? {}, SHOP_CONTEXT);
  }
});

test('a database of a cluster is no single server, and the other way round; all shards have to be known', async () => {
  const { main, servers } = shards;
  const start = async (more: Readonly<Record<string, unknown>>): Promise<void> => {
    const exporter = main(more);
    try {
      await exporter.start();
    } finally {
      await exporter.stop();
    }
  };
  await expect(start({ cluster: undefined, endpoint: servers[0].url })).rejects.toThrow(
    'shop.otel_traces is that of a cluster',
  );
  const one = [{ endpoint: servers[0].url }];
  await expect(start({ cluster: { name: 'pair', shards: one } })).rejects.toThrow('has 2 shards');
  await start({ cluster: undefined, endpoint: servers[0].url, database: 'alone' });
  await expect(start({ database: 'alone' })).rejects.toThrow('alone.otel_traces is that of a single server');
});
