import { expect, inject, test } from 'vitest';
import { clickhouseClient, createDatabase, queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { encodeProto, type TestSpan } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, type RunningEngine, startEngine } from './engine.ts';

const TRACES = 30;
/** Long enough ago to be settled. */
const START_NS = BigInt(Date.now() - 10 * 60_000) * 1_000_000n;

function hex(n: number, bytes: number): string {
  return n.toString(16).padStart(bytes * 2, '0');
}

function message(partition: number, service: string, trace: number, span: TestSpan) {
  const own = { traceId: hex(trace + 1, 16), startNs: START_NS, durationNs: 5_000_000, ...span };
  return { partition, value: encodeProto([{ service, spans: [own] }]) };
}

/** shop calls stock and the orders database in every trace; the two ends lie in different partitions. */
const clients = Array.from({ length: TRACES }, (_, t) =>
  message(0, 'shop', t, { kind: 3, spanId: hex(2 * t + 1, 8) }),
);
const servers = Array.from({ length: TRACES }, (_, t) =>
  message(1, 'stock', t, { kind: 2, spanId: hex(9000 + t, 8), parentSpanId: hex(2 * t + 1, 8) }),
);
const databases = Array.from({ length: TRACES }, (_, t) =>
  message(1, 'stock', t, { kind: 3, spanId: hex(5000 + t, 8), attributes: { 'db.name': 'orders' } }),
);

async function start(dir: string, topic: string, group: string, database: string, prometheus: string) {
  return await startEngine({
    dir,
    config: {
      receivers: {
        kafka: {
          brokers: inject('kafkaBrokers'),
          group_id: group,
          initial_offset: 'earliest',
          session_timeout: '6s',
          heartbeat_interval: '1s',
          traces: { topics: [topic] },
        },
      },
      connectors: { servicegraph: { metrics_flush_interval: '1s' } },
      exporters: {
        clickhouse: { endpoint: inject('clickhouseUrl'), database },
        prometheus: { endpoint: prometheus },
      },
      service: {
        telemetry: { metrics: { address: await freeAddress() } },
        spanweir: { workers: 2 },
        pipelines: {
          traces: { receivers: ['kafka'], exporters: ['clickhouse', 'servicegraph'] },
          metrics: { receivers: ['servicegraph'], exporters: ['clickhouse', 'prometheus'] },
        },
      },
    },
  });
}

async function edgesIn(database: string): Promise<Record<string, number>> {
  const rows = await queryRows<{ edge: string; calls: number }>(
    `SELECT concat(Client, ' -> ', Server, ' ', ConnectionType) AS edge, sum(Calls) AS calls
     FROM ${database}.service_graph_edges GROUP BY edge ORDER BY edge`,
  );
  return Object.fromEntries(rows.map(({ edge, calls }) => [edge, calls]));
}

const ALL = { 'shop -> stock ': TRACES, 'stock -> orders database': TRACES };

test('edges across partitions and lanes are whole in ClickHouse after a kill between their ends, and again from nothing', async () => {
  const dir = tempDirOfTest();
  const [topic, database] = [await createTopic('graph', { partitions: 2 }), await createDatabase()];
  const [group, prometheus] = [uniqueName('graph'), await freeAddress()];
  const launch = (): Promise<RunningEngine> => start(dir, topic, group, database, prometheus);
  const page = async () => await (await fetch(`http://${prometheus}/metrics`)).text();
  const first = await launch();
  await produce(topic, [...clients.slice(0, 20), ...servers.slice(0, 10), ...databases]);
  const shown =
    'traces_service_graph_request_total{client="shop",connection_type="",failed="false",otel_scope_name="traces_service_graph",otel_scope_schema_url="",otel_scope_version="",server="stock"} 10';
  await waitFor('the pairs of two partitions are on the page', async () => (await page()).includes(shown), {
    deadlineMs: 60_000,
  });
  expect(await page()).toContain('traces_service_graph_request_server_seconds_bucket{client="stock"');
  await waitFor('some are derived', async () => (await edgesIn(database))['shop -> stock '] === 10, {
    deadlineMs: 60_000,
  });
  await first.kill();
  await produce(topic, [...clients.slice(20), ...servers.slice(10)]);
  const second = await launch();
  await waitFor(
    'all edges are derived, and nothing stands for what came late',
    async () => JSON.stringify(await edgesIn(database)) === JSON.stringify(ALL),
    { deadlineMs: 60_000 },
  );
  const client = clickhouseClient();
  await client.command({ query: `TRUNCATE TABLE ${database}.service_graph` });
  await client.close();
  await waitFor(
    'the same edges are derived from nothing',
    async () => JSON.stringify(await edgesIn(database)) === JSON.stringify(ALL),
  );
  await queryRows(`SELECT throwIf(count() != ${3 * TRACES}) FROM ${database}.otel_traces`);
  await second.stop(20_000);
}, 240_000);
