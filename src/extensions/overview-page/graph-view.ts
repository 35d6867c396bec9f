import { NO_CLIENT } from '../../dependencies/edge-rules.ts';
import type { EdgeMoment, EdgeTotals } from './edge-history.ts';

export interface EdgeRow {
  readonly client: string;
  readonly server: string;
  readonly connection: string;
  /** Requests per second. */
  readonly rate: number;
  /** 0-1. */
  readonly failedShare: number;
  /** Within their bucket of the histogram; null where nothing was called. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Also null where the client is not known. */
  readonly clientP95Ms: number | null;
  /** Since it was first seen. */
  readonly calls: number;
}

export interface NodeRow {
  readonly name: string;
  /** service; or what stands outside of the traces: user, database, virtual_node. */
  readonly kind: string;
  /** Of the requests that come in. */
  readonly rate: number;
  readonly failedShare: number;
  readonly p95Ms: number | null;
}

export interface GraphView {
  /** False where no service_graph connector is configured. */
  readonly isServed: boolean;
  readonly windowS: number;
  readonly rate: number;
  readonly failedShare: number;
  readonly matching: number;
  /** The busiest. */
  readonly edges: readonly EdgeRow[];
  /** Those at the ends of `edges`. */
  readonly nodes: readonly NodeRow[];
}

export const NO_GRAPH: GraphView = {
  isServed: false,
  windowS: 0,
  rate: 0,
  failedShare: 0,
  matching: 0,
  edges: [],
  nodes: [],
};

interface Flowed {
  readonly total: EdgeTotals;
  readonly calls: number;
  readonly failed: number;
  readonly server: Float64Array;
  readonly client: Float64Array;
}

/** What went along the edges since `before`, a minute ago at most. */
export function graphView(
  now: EdgeMoment,
  before: EdgeMoment | undefined,
  query: { readonly filter: string; readonly limit: number },
): GraphView {
  const seconds = Math.max(1, (now.atMs - (before?.atMs ?? now.atMs)) / 1000);
  const flowed = [...now.edges].map(([key, total]) => since(total, before?.edges.get(key)));
  const { filter, limit } = query;
  const matching = flowed
    .filter(({ total: { client, server } }) =>
      [client, server].some((name) => name.toLowerCase().includes(filter)),
    )
    .sort((a, b) => b.calls - a.calls || b.total.calls - a.total.calls);
  const shown = matching.slice(0, limit);
  const calls = flowed.reduce((sum, each) => sum + each.calls, 0);
  const failed = flowed.reduce((sum, each) => sum + each.failed, 0);
  const quantile = (q: number, buckets: Float64Array) => quantileMs(q, buckets, now.bounds);
  return {
    isServed: true,
    windowS: Math.round(seconds),
    rate: calls / seconds,
    failedShare: share(failed, calls),
    matching: matching.length,
    edges: shown.map((each) => ({
      client: each.total.client,
      server: each.total.server,
      connection: each.total.connection,
      rate: each.calls / seconds,
      failedShare: share(each.failed, each.calls),
      p50Ms: quantile(0.5, each.server),
      p95Ms: quantile(0.95, each.server),
      clientP95Ms: each.total.client === NO_CLIENT ? null : quantile(0.95, each.client),
      calls: each.total.calls,
    })),
    nodes: nodesOf(shown, flowed, now, seconds),
  };
}

function nodesOf(
  shown: readonly Flowed[],
  all: readonly Flowed[],
  { bounds }: EdgeMoment,
  seconds: number,
): NodeRow[] {
  const names = [...new Set(shown.flatMap(({ total }) => [total.client, total.server]))];
  const incoming = new Map<string, Flowed[]>(names.map((name) => [name, []]));
  for (const each of all) incoming.get(each.total.server)?.push(each);
  return names.map((name) => {
    const edges = incoming.get(name) ?? [];
    const calls = edges.reduce((sum, each) => sum + each.calls, 0);
    const failed = edges.reduce((sum, each) => sum + each.failed, 0);
    const buckets = new Float64Array(bounds.length + 1);
    for (const { server } of edges) {
      for (let i = 0; i < buckets.length; i++) buckets[i] = (buckets[i] as number) + (server[i] as number);
    }
    return {
      name,
      kind: kindOf(name, edges),
      rate: calls / seconds,
      failedShare: share(failed, calls),
      p95Ms: quantileMs(0.95, buckets, bounds),
    };
  });
}

function kindOf(name: string, incoming: readonly Flowed[]): string {
  if (name === NO_CLIENT && incoming.length === 0) return 'user';
  // A virtual edge that comes from nobody known says nothing of where it leads to.
  const kinds = new Set(
    incoming.filter(({ total }) => total.client !== NO_CLIENT).map(({ total }) => total.connection),
  );
  const [kind] = kinds.size === 1 ? kinds : [];
  return kind === 'database' || kind === 'virtual_node' ? kind : 'service';
}

/** A series that was forgotten meanwhile has begun again from 0. */
function since(total: EdgeTotals, before: EdgeTotals | undefined): Flowed {
  const base = before !== undefined && before.calls <= total.calls ? before : undefined;
  const less = (now: Float64Array, then: Float64Array | undefined): Float64Array =>
    now.map((count, i) => Math.max(0, count - (then?.[i] ?? 0)));
  return {
    total,
    calls: total.calls - (base?.calls ?? 0),
    failed: Math.max(0, total.failed - (base?.failed ?? 0)),
    server: less(total.serverBuckets, base?.serverBuckets),
    client: less(total.clientBuckets, base?.clientBuckets),
  };
}

/** As Prometheus' histogram_quantile: evenly spread within a bucket, the last bound for all above it. */
export function quantileMs(q: number, buckets: Float64Array, bounds: readonly number[]): number | null {
  const count = buckets.reduce((sum, each) => sum + each, 0);
  if (count <= 0) return null;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const inside = buckets[i] as number;
    if (inside > 0 && below + inside >= q * count) {
      const low = i === 0 ? 0 : (bounds[i - 1] as number);
      return 1000 * (low + ((bounds[i] as number) - low) * ((q * count - below) / inside));
    }
    below += inside;
  }
  return 1000 * (bounds.at(-1) ?? 0);
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
