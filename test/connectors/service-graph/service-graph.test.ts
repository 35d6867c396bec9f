import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serviceGraphConfig } from '../../../src/connectors/service-graph/config.ts';
import type { TestResource, TestSpan } from '../../support/spans.ts';
import { shortly, TestGraph } from './graph.ts';

const TRACE = '11'.repeat(16);
const OTHER_TRACE = '22'.repeat(16);
const C1 = '00000000000000c1';
const C2 = '00000000000000c2';
const S1 = '00000000000000d1';
const S2 = '00000000000000d2';
const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5];
const LONG_ENOUGH_MS = 60_000;

function of(service: string, span: TestSpan): TestResource {
  return { service, spans: [{ traceId: TRACE, ...span }] };
}

const client = of('shop', { spanId: C1, kind: CLIENT });
const server = of('stock', { spanId: S1, parentSpanId: C1, kind: SERVER });

test('a client and a server in blocks of two lanes are one edge, whichever comes first', async () => {
  for (const blocks of [
    [client, server],
    [server, client],
  ]) {
    const graph = new TestGraph({}, 2);
    await graph.start();
    blocks.forEach((block, lane) => {
      graph.ingest([block], lane);
    });
    await graph.pass(LONG_ENOUGH_MS);
    expect(shortly(graph.edges())).toEqual({ 'shop -> stock': 1 });
    expect(graph.counters.get('spanweir_service_graph_expired_edges_total')).toBe(0);
    expect(graph.counters.get('spanweir_service_graph_total_edges_total')).toBe(1);
  }
});

test('a lane that goes on is not forgotten, however many others end', async () => {
  const graph = new TestGraph({}, 80);
  await graph.start();
  for (let lane = 1; lane < 80; lane++) {
    graph.ingest([client, server]);
    graph.ingest([of(`s${lane}`, { kind: CLIENT, spanId: C2 })], lane);
  }
  await graph.pass(LONG_ENOUGH_MS);
  graph.ingest([{ service: 'shop', spans: [{ traceId: OTHER_TRACE, spanId: C1, kind: CLIENT }] }]);
  graph.ingest([{ service: 'stock', spans: [{ traceId: OTHER_TRACE, parentSpanId: C1, kind: SERVER }] }]);
  expect(shortly(graph.edges())['shop -> stock']).toBe(80);
});

test('every server that a client span has called is an edge of its own', async () => {
  const graph = new TestGraph();
  await graph.start();
  graph.ingest([server, client]);
  graph.ingest([of('cache', { spanId: S2, parentSpanId: C1, kind: SERVER })]);
  await graph.pass(LONG_ENOUGH_MS);
  expect(shortly(graph.edges())).toEqual({ 'shop -> stock': 1, 'shop -> cache': 1 });
});

test('a failure at either end makes the edge a failed one, and only those are in request_failed_total', async () => {
  const graph = new TestGraph();
  await graph.start();
  graph.ingest([client, of('stock', { spanId: S1, parentSpanId: C1, kind: SERVER, status: { code: 2 } })]);
  graph.ingest([of('shop', { spanId: C2, kind: CLIENT }), of('stock', { parentSpanId: C2, kind: SERVER })]);
  expect(shortly(graph.edges())).toEqual({ 'shop -> stock': 1, 'shop -> stock !': 1 });
  expect(graph.family('request_failed_total').points).toHaveLength(1);
});

test('an edge stands for as many requests as the end that knows how it was sampled', async () => {
  const graph = new TestGraph();
  await graph.start();
  graph.ingest([of('shop', { spanId: C1, kind: CLIENT, traceState: 'ot=th:c' })]);
  graph.ingest([server]);
  expect(shortly(graph.edges())).toEqual({ 'shop -> stock': 4 });
});

test('a consumer with links is an edge from each producer, also in other traces, and no edge from its parent', async () => {
  const graph = new TestGraph();
  await graph.start();
  const links = [
    { traceId: TRACE, spanId: C1 },
    { traceId: OTHER_TRACE, spanId: C2 },
  ];
  graph.ingest([of('worker', { spanId: S1, parentSpanId: S2, kind: CONSUMER, links })]);
  graph.ingest([of('shop', { spanId: C1, kind: PRODUCER })]);
  graph.ingest([{ service: 'mail', spans: [{ traceId: OTHER_TRACE, spanId: C2, kind: PRODUCER }] }]);
  await graph.pass(LONG_ENOUGH_MS);
  expect(shortly(graph.edges())).toEqual({
    'shop -> worker messaging_system': 1,
    'mail -> worker messaging_system': 1,
  });
});

test('what nobody answered is an edge to the peer that the client names, and only after the ttl', async () => {
  const graph = new TestGraph({ store: { ttl: '5s' }, virtual_node_extra_label: true });
  await graph.start();
  graph.ingest([of('shop', { spanId: C1, kind: CLIENT, attributes: { 'peer.service': 'bank' } })]);
  await graph.pass(4_000);
  expect(graph.edges()).toEqual([]);
  await graph.pass(3_000);
  expect(graph.edges()).toEqual([
    {
      labels: {
        client: 'shop',
        server: 'bank',
        connection_type: 'virtual_node',
        failed: 'false',
        virtual_node: 'server',
      },
      calls: 1,
    },
  ]);
});

test('a database is named by its attribute of the span or the resource, and waits for nobody', async () => {
  const graph = new TestGraph({ database_name_attributes: ['db.name', 'db.namespace'] });
  await graph.start();
  graph.ingest([of('shop', { spanId: C1, kind: CLIENT, attributes: { 'db.namespace': 'orders' } })]);
  graph.ingest([
    {
      attributes: { 'service.name': 'stock', 'db.name': 'things' },
      spans: [{ traceId: TRACE, spanId: C2, kind: CLIENT }],
    },
  ]);
  expect(shortly(graph.edges())).toEqual({ 'shop -> orders database': 1, 'stock -> things database': 1 });
});

test('dimensions are labels of the end that they are of, a resource before a span', async () => {
  const graph = new TestGraph({ dimensions: ['region', 'code'] });
  await graph.start();
  graph.ingest([
    {
      attributes: { 'service.name': 'shop', region: 'eu' },
      spans: [{ traceId: TRACE, spanId: C1, kind: CLIENT, attributes: { region: 'us', code: 7 } }],
    },
    server,
  ]);
  expect(graph.edges().map(({ labels }) => labels)).toEqual([
    {
      client: 'shop',
      server: 'stock',
      connection_type: '',
      failed: 'false',
      client_region: 'eu',
      client_code: '7',
    },
  ]);
});

test('what there is no room for is dropped and counted; room comes back with the ttl', async () => {
  const graph = new TestGraph({ store: { max_items: 1, ttl: '1s' } });
  await graph.start();
  graph.ingest([client, of('shop', { spanId: C2, kind: CLIENT })]);
  expect(graph.counters.get('spanweir_service_graph_dropped_spans_total')).toBe(1);
  await graph.pass(2_000);
  graph.ingest([of('shop', { spanId: C2, kind: CLIENT }), of('stock', { parentSpanId: C2, kind: SERVER })]);
  expect(shortly(graph.edges())).toMatchObject({ 'shop -> stock': 1 });
});

test('spans without a service or ids are counted by reason', async () => {
  const graph = new TestGraph();
  graph.ingest([{ spans: [{ traceId: TRACE, spanId: C1, kind: CLIENT }] }]);
  graph.ingest([{ service: 'a', spans: [{ traceId: '00'.repeat(16), spanId: C1, kind: CLIENT }] }]);
  expect(graph.counters.get('spanweir_service_graph_skipped_spans_total:no_service')).toBe(1);
  expect(graph.counters.get('spanweir_service_graph_skipped_spans_total:no_ids')).toBe(1);
});

test('a series that nothing is added to for 15 minutes is forgotten', async () => {
  const graph = new TestGraph({ cache_loop: '1m' });
  await graph.start();
  graph.ingest([client, server]);
  await graph.pass(14 * 60_000);
  expect(graph.edges()).toHaveLength(1);
  await graph.pass(2 * 60_000);
  expect(graph.edges()).toEqual([]);
});

const SERVICES = ['a', 'b', 'c'];
const spanOf = fc.record({
  service: fc.nat(2),
  trace: fc.nat(1),
  span: fc.nat(7),
  parent: fc.option(fc.nat(7)),
  kind: fc.integer({ min: 1, max: 5 }),
  failed: fc.boolean(),
  database: fc.boolean(),
});

test('edges are the same however a trace is split over blocks, lanes and time, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(spanOf, { maxLength: 24, selector: ({ trace, span }) => trace * 8 + span }),
      fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
      fc.array(fc.nat(1), { minLength: 24, maxLength: 24 }),
      async (spans, order, cuts) => {
        const id = (n: number) => `0000000000000${100 + n}`;
        const resources = spans.map(({ service, trace, span, parent, kind, failed, database }) => ({
          service: SERVICES[service] as string,
          spans: [
            {
              traceId: trace === 0 ? TRACE : OTHER_TRACE,
              spanId: id(span),
              ...(parent === null ? {} : { parentSpanId: id(parent) }),
              kind,
              status: { code: failed ? 2 : 0 },
              attributes: database ? { 'db.name': 'base' } : {},
            },
          ],
        }));
        const whole = new TestGraph();
        await whole.start();
        whole.ingest(resources);
        await whole.pass(LONG_ENOUGH_MS);
        const split = new TestGraph({}, 2);
        await split.start();
        const shuffled = resources
          .map((resource, i) => ({ resource, rank: order[i] as number }))
          .sort((a, b) => a.rank - b.rank);
        for (const [i, { resource }] of shuffled.entries()) {
          split.ingest([resource], cuts[i]);
          await split.pass(cuts[i] === 0 ? 0 : 400);
        }
        await split.pass(LONG_ENOUGH_MS);
        expect(shortly(split.edges())).toEqual(shortly(whole.edges()));
      },
    ),
    { numRuns: 150 },
  );
});

test('what is not built is a plain error', () => {
  expect(() => serviceGraphConfig.parse({ exponential_histogram_max_size: 160 })).toThrow(/not supported/);
});
