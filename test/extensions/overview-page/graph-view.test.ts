import { describe, expect, it } from 'vitest';
import { EdgeHistory, readEdges } from '../../../src/extensions/overview-page/edge-history.ts';
import { graphView, quantileMs } from '../../../src/extensions/overview-page/graph-view.ts';
import type { PlainFamily } from '../../../src/flow/plain-families.ts';

interface ScriptedEdge {
  readonly client: string;
  readonly server: string;
  readonly connection?: string;
  readonly failed?: boolean;
  readonly calls: number;
  /** Of bounds 0.1 s, 1 s and above. */
  readonly buckets?: readonly number[];
}

/** As a service_graph connector shows them. */
function familiesOf(edges: readonly ScriptedEdge[]): PlainFamily[] {
  const points = edges.map(({ client, server, connection = '', failed = false, calls, buckets }) => ({
    labels: [
      ['client', client],
      ['server', server],
      ['connection_type', connection],
      ['failed', String(failed)],
    ] as const,
    failed,
    value: calls,
    buckets: buckets ?? [calls, 0, 0],
    sum: 0,
    count: calls,
    createdMs: 0,
  }));
  const scope = 'traces_service_graph';
  const histogram = { kind: 'histogram', unit: 's', help: '', scope, bounds: [0.1, 1], points } as const;
  return [
    { kind: 'counter', name: `${scope}_request_total`, help: '', scope, points },
    {
      kind: 'counter',
      name: `${scope}_request_failed_total`,
      help: '',
      scope,
      points: points.filter(({ failed }) => failed),
    },
    { ...histogram, name: `${scope}_request_server` },
    { ...histogram, name: `${scope}_request_client` },
  ];
}

const query = { filter: '', limit: 100 };
const shop: readonly ScriptedEdge[] = [
  { client: 'user', server: 'frontend', connection: 'virtual_node', calls: 10 },
  { client: 'frontend', server: 'cart', calls: 90 },
  { client: 'frontend', server: 'cart', failed: true, calls: 10, buckets: [0, 10, 0] },
  { client: 'cart', server: 'carts', connection: 'database', calls: 50 },
];

describe('the service graph view', () => {
  it('tells rate, failures and durations of each edge over the last minute', () => {
    const before = readEdges(familiesOf([{ client: 'frontend', server: 'cart', calls: 40 }]), 1000);
    const { edges, windowS, rate } = graphView(readEdges(familiesOf(shop), 11_000), before, query);
    expect(windowS).toBe(10);
    expect(rate).toBe(12);
    expect(edges[0]).toEqual({
      client: 'frontend',
      server: 'cart',
      connection: '',
      rate: 6,
      failedShare: 10 / 60,
      // The 30th of 50 in the bucket up to 100 ms; the 7th of 10 in the one up to 1 s.
      p50Ms: 60,
      p95Ms: expect.closeTo(730, 6),
      clientP95Ms: expect.closeTo(730, 6),
      calls: 100,
    });
  });

  it('does not say how long a client that is not known waited', () => {
    const { edges } = graphView(readEdges(familiesOf(shop), 10_000), readEdges([], 0), query);
    const ofUser = edges.find(({ client }) => client === 'user');
    expect([ofUser?.p95Ms, ofUser?.clientP95Ms]).toEqual([95, null]);
  });

  it('tells what comes in at each node, and which are no services', () => {
    const { nodes } = graphView(readEdges(familiesOf(shop), 10_000), readEdges([], 0), query);
    expect(nodes.map(({ name, kind, rate, failedShare }) => [name, kind, rate, failedShare])).toEqual([
      ['frontend', 'service', 1, 0],
      ['cart', 'service', 10, 0.1],
      ['carts', 'database', 5, 0],
      ['user', 'user', 0, 0],
    ]);
  });

  it('filters by either end and shows the busiest, with what comes in from everywhere', () => {
    const moment = readEdges(familiesOf(shop), 10_000);
    const view = graphView(moment, readEdges([], 0), { filter: 'front', limit: 1 });
    expect([view.matching, view.edges.length]).toEqual([2, 1]);
    expect(view.nodes.map(({ name, rate }) => [name, rate])).toEqual([
      ['frontend', 1],
      ['cart', 10],
    ]);
  });

  it('takes a series that began again as new', () => {
    const edge = (calls: number) =>
      readEdges(familiesOf([{ client: 'a', server: 'b', calls }]), calls * 1000);
    expect(graphView(edge(10), edge(50), query).edges[0]?.rate).toBe(10);
  });

  it('keeps a minute of readings, and the busiest two thousand edges of each', () => {
    const history = new EdgeHistory();
    expect(history.minuteAgo).toBeUndefined();
    for (let i = 0; i < 20; i++) history.tick(readEdges([], i));
    expect(history.minuteAgo?.atMs).toBe(8);
    const many = Array.from({ length: 2500 }, (_, i) => ({ client: `c${i}`, server: 's', calls: i }));
    const { edges } = readEdges(familiesOf(many), 0);
    expect([edges.size, Math.min(...[...edges.values()].map(({ calls }) => calls))]).toEqual([2000, 500]);
  });

  it('reads quantiles as Prometheus does', () => {
    expect(quantileMs(0.5, Float64Array.of(0, 0, 0), [0.1, 1])).toBeNull();
    expect(quantileMs(0.5, Float64Array.of(0, 4, 0), [0.1, 1])).toBeCloseTo(550, 9);
    expect(quantileMs(0.99, Float64Array.of(0, 1, 9), [0.1, 1])).toBe(1000);
  });
});
