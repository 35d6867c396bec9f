import { expect, test } from 'vitest';
import { TestGraph } from '../../connectors/service-graph/graph.ts';
import type { TestResource, TestSpan } from '../../support/spans.ts';
import { type Json, known, type Runner } from '../adaptive-sampling/section.ts';

const KINDS = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 };
const TRACE = 'ab'.repeat(16);
const LONG_ENOUGH_MS = 60_000;

function resourceOf(span: Json): TestResource {
  return {
    service: span['service.name'],
    spans: [
      {
        traceId: span.trace_id,
        spanId: span.span_id,
        parentSpanId: span.parent,
        kind: known<number>(KINDS, span.kind),
        durationNs: span.duration_ns,
        attributes: span.attributes ?? {},
      },
    ],
  };
}

/** Cases that the file puts into words. */
const IN_WORDS: Readonly<Record<string, readonly TestResource[]>> = {
  'CLIENT span with db.name=orders, no server span': [
    { service: '<svc>', spans: [{ kind: 3, attributes: { 'db.name': 'orders' } }] },
  ],
  "PRODUCER+CONSUMER (consumer's parent = producer)": pair({ kind: 4 }, { kind: 5 }),
  'SERVER span with non-empty parent whose client never arrives': [
    { service: 'b', spans: [{ traceId: TRACE, kind: 2, parentSpanId: '00000000000000bb' }] },
  ],
  'CLIENT span, no peer attributes, server never arrives': [
    { service: 'a', spans: [{ traceId: TRACE, kind: 3 }] },
  ],
  'end < start': pair({ kind: 3 }, { kind: 2, startNs: 2_000_000n, endNs: 1_000_000n }),
};

function pair(client: TestSpan, server: TestSpan): TestResource[] {
  const spanId = '00000000000000c1';
  return [
    { service: 'a', spans: [{ traceId: TRACE, spanId, ...client }] },
    {
      service: 'b',
      spans: [{ traceId: TRACE, spanId: '00000000000000c2', parentSpanId: spanId, ...server }],
    },
  ];
}

function histogramOf(graph: TestGraph, name: string): Record<string, unknown> {
  const family = graph.family(name);
  const [point] = family.points;
  if (family.kind !== 'histogram' || point === undefined || !('buckets' in point)) throw new Error(name);
  const buckets = Array.from(point.buckets);
  return { count: point.count, sum: point.sum, buckets, first_bucket: buckets[0] };
}

async function checkCase(each: Json): Promise<void> {
  const { latency_histogram_buckets: buckets, ...config } = each.config;
  const graph = new TestGraph(
    buckets === 'default' ? config : { ...config, latency_histogram_buckets: buckets },
  );
  await graph.start();
  for (const span of each.input) graph.ingest([resourceOf(span)]);
  if (each.after === 'store.ttl elapsed') await graph.pass(LONG_ENOUGH_MS);
  const { want } = each;
  const labels = Object.fromEntries(
    Object.entries(want.labels).map(([name, value]) => [name, String(value)]),
  );
  expect(graph.edges()).toEqual([{ labels, calls: want.request_total }]);
  for (const [name, metric] of [
    ['server_seconds', 'request_server'],
    ['client_seconds', 'request_client'],
  ] as const) {
    const wanted = want[name] ?? want[`${name}_by_source`];
    expect(histogramOf(graph, metric)).toMatchObject(wanted);
  }
}

async function checkWords(each: Json): Promise<void> {
  const graph = new TestGraph();
  await graph.start();
  graph.ingest(known<readonly TestResource[]>(IN_WORDS, each.case));
  const atOnce = graph.edges();
  await graph.pass(LONG_ENOUGH_MS);
  const { want } = each;
  if (each.case === 'end < start') {
    expect(each.wanted_here).toBe('0 s + quality counter');
    expect(histogramOf(graph, 'request_server')).toMatchObject({ count: 1, sum: 0 });
    return;
  }
  if (typeof want === 'string') {
    expect(want).toBe('expired edge counter +1, NO request counted');
    expect(graph.edges()).toEqual([]);
    expect(graph.counters.get('spanweir_service_graph_expired_edges_total')).toBe(1);
    return;
  }
  const { request_total: calls = 1, when, ...labels } = want;
  expect(graph.edges()).toMatchObject([{ labels, calls }]);
  if (when === 'immediately') expect(atOnce).toEqual(graph.edges());
}

const serviceGraph: Runner = (section) => {
  for (const each of section) {
    test(each.case ?? each.origin, () => (each.input === undefined ? checkWords(each) : checkCase(each)));
  }
};

export const serviceGraphSections: Readonly<Record<string, Runner>> = { servicegraph: serviceGraph };
