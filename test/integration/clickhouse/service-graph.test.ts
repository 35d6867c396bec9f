import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { EdgeDerivation } from '../../../src/clickhouse/service-graph/edge-derivation.ts';
import type { EdgeRules } from '../../../src/dependencies/edge-rules.ts';
import { TestGraph } from '../../connectors/service-graph/graph.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import type { TestResource, TestSpan } from '../../support/spans.ts';
import { migratedDatabase, silentLog } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

const MINUTE_S = 60;
/** A whole minute some time ago, so that everything around it is settled. */
const START_S = Math.floor(Date.now() / 60_000) * MINUTE_S - 10 * MINUTE_S;
const RULES: EdgeRules = {
  dimensions: ['region'],
  databaseNames: ['db.name'],
  peerAttributes: ['peer.service', 'db.system'],
};
const CONFIG = {
  dimensions: RULES.dimensions,
  database_name_attributes: RULES.databaseNames,
  virtual_node_peer_attributes: RULES.peerAttributes,
  virtual_node_extra_label: true,
};
const TRACE = '0a'.repeat(16);
const C1 = '00000000000000c1';
const S1 = '00000000000000d1';

let client: ClickHouse;
let setup: SinkSetup;
let offset = 0;
beforeAll(async () => {
  client = await migratedDatabase();
  setup = new SinkSetup(client, { only: 'spans' });
});
afterAll(async () => client.close());
beforeEach(async () => {
  for (const table of ['otel_traces', 'service_graph']) {
    await client.command(`TRUNCATE TABLE ${client.database}.${table}`);
  }
});

async function store(resources: readonly TestResource[]): Promise<void> {
  await setup.sink.write(setup.block(kafkaOrigin(offset, offset), [resources]), never);
  offset++;
}

/** As another process that knows nothing of what was derived before. */
function derivation(counts: number[] = []): EdgeDerivation {
  return new EdgeDerivation(client, {
    connector: 'service_graph',
    source: { rules: RULES, ttlMs: 15_000, everyMs: 60_000 },
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    derived: { add: (n) => void counts.push(n) },
    due: { set: () => undefined },
  });
}

function span(service: string, atS: number, more: TestSpan): TestResource {
  const startNs = BigInt(START_S + atS) * 1_000_000_000n;
  return { service, spans: [{ traceId: TRACE, startNs, ...more }] };
}

/** As TestGraph tells it. */
async function storedEdges() {
  const rows = await client.query<Record<string, string | boolean | number>>(
    `SELECT Client, Server, ConnectionType, Failed, VirtualNode, ClientDims['region'] AS clientRegion,
            ServerDims['region'] AS serverRegion, sum(Calls) AS calls, sum(ClientDurationNs) AS clientNs, sum(ServerDurationNs) AS serverNs
     FROM ${client.database}.service_graph_edges GROUP BY ALL`,
  );
  return rows.map((row) => ({
    labels: {
      client: row.Client,
      server: row.Server,
      connection_type: row.ConnectionType,
      failed: String(row.Failed),
      ...(row.clientRegion === '' ? {} : { client_region: row.clientRegion }),
      ...(row.serverRegion === '' ? {} : { server_region: row.serverRegion }),
      ...(row.VirtualNode === '' ? {} : { virtual_node: row.VirtualNode }),
    },
    calls: row.calls,
    clientNs: row.clientNs,
    serverNs: row.serverNs,
  }));
}

async function shortEdges(): Promise<Record<string, number>> {
  const rows = await client.query<{ edge: string; calls: number }>(
    `SELECT concat(Client, ' -> ', Server, ' ', ConnectionType) AS edge, sum(Calls) AS calls
     FROM ${client.database}.service_graph_edges GROUP BY edge`,
  );
  return Object.fromEntries(rows.map(({ edge, calls }) => [edge, calls]));
}

/** Numbers that look drawn and are always the same. */
function drawn(): (below: number) => number {
  let state = 12_345;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

test('the database finds the same edges in 2,000 spans as the engine does, in blocks of any cut', async () => {
  const draw = drawn();
  const resources = Array.from({ length: 2000 }, (_, i): TestResource => {
    const trace = i % 100;
    const id = (n: number) => (n + 1).toString(16).padStart(16, '0');
    const traceId = (t: number) => (t + 1).toString(16).padStart(32, '0');
    const hasParent = draw(4) > 0;
    const kind = draw(5) + 1;
    return {
      attributes: { 'service.name': `s${draw(6)}`, ...(draw(5) === 0 ? { region: `r${draw(2)}` } : {}) },
      spans: [
        {
          traceId: traceId(trace),
          spanId: id(Math.floor(i / 100)),
          ...(hasParent ? { parentSpanId: id(draw(20)) } : {}),
          startNs: BigInt(START_S) * 1_000_000_000n + BigInt(draw(100)) * 1_000_000_000n,
          durationNs: draw(5) === 0 ? 0 : draw(1e9),
          kind,
          traceState: draw(10) === 0 ? 'ot=th:8' : '',
          status: { code: draw(10) === 0 ? 2 : 0 },
          links:
            kind === 5 && draw(2) === 0
              ? [
                  { traceId: traceId(draw(100)), spanId: id(draw(20)) },
                  { traceId: traceId(trace), spanId: id(draw(20)) },
                ]
              : [],
          attributes: {
            ...(draw(6) === 0 ? { 'db.name': `base${draw(2)}` } : {}),
            ...(draw(4) === 0 ? { 'peer.service': 'bank' } : {}),
            ...(draw(3) === 0 ? { region: 'eu' } : {}),
          },
        },
      ],
    };
  });
  const graph = new TestGraph(CONFIG);
  await graph.start();
  graph.ingest(resources);
  await graph.pass(60_000);
  for (let at = 0; at < resources.length; at += 500) await store(resources.slice(at, at + 500));
  await derivation().round(never);
  const sums = (name: string) =>
    new Map(
      graph.family(name).points.map((point) => {
        return [JSON.stringify(Object.fromEntries(point.labels)), 'sum' in point ? point.sum : Number.NaN];
      }),
    );
  const [clientS, serverS] = [sums('request_client'), sums('request_server')];
  const found = (await storedEdges()).sort((a, b) =>
    JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1,
  );
  expect(found.map(({ labels, calls }) => ({ labels, calls }))).toEqual(graph.edges());
  expect(found.length).toBeGreaterThan(100);
  for (const { labels, clientNs, serverNs } of found) {
    const key = JSON.stringify(labels);
    expect([key, Number(clientNs) / 1e9]).toEqual([key, expect.closeTo(clientS.get(key) ?? -1, 6)]);
    expect([key, Number(serverNs) / 1e9]).toEqual([key, expect.closeTo(serverS.get(key) ?? -1, 6)]);
  }
}, 60_000);

test('an edge belongs to the minute of its server, and its client may have begun in the one before', async () => {
  await store([span('shop', 59, { spanId: C1, kind: 3 })]);
  await store([span('stock', 61, { spanId: S1, parentSpanId: C1, kind: 2 })]);
  await derivation().round(never);
  const rows = await client.query<{ at: string; Client: string; Server: string }>(
    `SELECT toUnixTimestamp(Ts) - ${START_S} AS at, Client, Server FROM ${client.database}.service_graph_edges`,
  );
  expect(rows).toEqual([{ at: expect.anything(), Client: 'shop', Server: 'stock' }]);
  expect(Number(rows[0]?.at)).toBe(MINUTE_S);
});

test('a span that comes late takes the place of the virtual node that stood for it', async () => {
  await store([span('shop', 0, { spanId: C1, kind: 3 })]);
  await derivation().round(never);
  expect(await shortEdges()).toEqual({ 'shop -> unknown virtual_node': 1 });
  await store([span('stock', 62, { spanId: S1, parentSpanId: C1, kind: 2 })]);
  await derivation().round(never);
  expect(await shortEdges()).toEqual({ 'shop -> stock ': 1 });
});

test('what was derived is not derived again, and derived by two at once it counts once', async () => {
  await store([
    span('shop', 0, { spanId: C1, kind: 3 }),
    span('stock', 0, { spanId: S1, parentSpanId: C1, kind: 2 }),
  ]);
  await Promise.all([derivation().round(never), derivation().round(never)]);
  expect(await shortEdges()).toEqual({ 'shop -> stock ': 1 });
  const counts: number[] = [];
  await derivation(counts).round(never);
  expect(counts).toEqual([]);
});

test('spans of days ago are found by their number alone', async () => {
  const longAgoS = -3 * 86_400;
  await store([
    span('shop', longAgoS, { spanId: C1, kind: 3 }),
    span('stock', longAgoS, { spanId: S1, parentSpanId: C1, kind: 2 }),
  ]);
  await derivation().round(never);
  expect(await shortEdges()).toEqual({ 'shop -> stock ': 1 });
});

test('histograms give quantiles with the function that RED metrics have', async () => {
  const pair = (i: number): TestResource[] => {
    const spanId = (i + 1).toString(16).padStart(16, 'c');
    return [
      span('shop', 1, { spanId, kind: 3, durationNs: 2_000_000 }),
      span('stock', 1, {
        spanId: spanId.replace('c', 'd'),
        parentSpanId: spanId,
        kind: 2,
        durationNs: 1_000_000,
      }),
    ];
  };
  await store(Array.from({ length: 50 }, (_, i) => pair(i)).flat());
  await derivation().round(never);
  const [row] = await client.query<{ c: number; s: number }>(
    `SELECT exphist_quantile(0.5, sumMap(ClientHist)) AS c, exphist_quantile(0.5, sumMap(ServerHist)) AS s
     FROM ${client.database}.service_graph_edges WHERE ConnectionType = ''`,
  );
  expect(row?.c).toBeGreaterThan(0.0019);
  expect(row?.c).toBeLessThan(0.0021);
  expect(row?.s).toBeGreaterThan(0.00095);
  expect(row?.s).toBeLessThan(0.00105);
});
