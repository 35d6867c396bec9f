import type { PlainFamily, PlainLabels } from '../../flow/plain-families.ts';
import { SLOTS } from './operation-window.ts';

/** What one edge has come to since it was first seen. */
export interface EdgeTotals {
  readonly client: string;
  readonly server: string;
  /** '' = a request; or messaging_system, database, virtual_node. */
  readonly connection: string;
  calls: number;
  failed: number;
  /** Per bound, and one above all; not cumulative. */
  readonly serverBuckets: Float64Array;
  readonly clientBuckets: Float64Array;
}

export interface EdgeMoment {
  readonly atMs: number;
  /** Of the buckets, seconds. */
  readonly bounds: readonly number[];
  readonly edges: ReadonlyMap<string, EdgeTotals>;
}

const PREFIX = 'traces_service_graph_request';
/** The busiest are kept. */
const MOST_EDGES = 2000;

/** The edges in families of a service_graph connector; series that differ in anything else are summed. */
export function readEdges(families: readonly PlainFamily[], atMs: number): EdgeMoment {
  const all = new Map<string, EdgeTotals>();
  const bounds = families.find((family) => family.kind === 'histogram')?.bounds ?? [];
  const edgeOf = (labels: PlainLabels): EdgeTotals => {
    const { client = '', server = '', connection_type: connection = '' } = Object.fromEntries(labels);
    const key = `${client}\u0000${server}\u0000${connection}`;
    const edge = all.get(key) ?? {
      client,
      server,
      connection,
      calls: 0,
      failed: 0,
      serverBuckets: new Float64Array(bounds.length + 1),
      clientBuckets: new Float64Array(bounds.length + 1),
    };
    all.set(key, edge);
    return edge;
  };
  for (const family of families) {
    if (family.kind === 'counter') {
      if (!family.name.startsWith(PREFIX)) continue;
      const isFailed = family.name === `${PREFIX}_failed_total`;
      for (const { labels, value } of family.points) {
        if (isFailed) edgeOf(labels).failed += value;
        else edgeOf(labels).calls += value;
      }
    } else {
      const side = family.name === `${PREFIX}_server` ? 'serverBuckets' : 'clientBuckets';
      for (const { labels, buckets } of family.points) addTo(edgeOf(labels)[side], buckets);
    }
  }
  return { atMs, bounds, edges: busiest(all) };
}

function busiest(all: Map<string, EdgeTotals>): ReadonlyMap<string, EdgeTotals> {
  if (all.size <= MOST_EDGES) return all;
  return new Map([...all].sort(([, a], [, b]) => b.calls - a.calls).slice(0, MOST_EDGES));
}

function addTo(sum: Float64Array, buckets: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (buckets[i] ?? 0);
}

/** The edges of the last minute, one reading a slot. */
export class EdgeHistory {
  readonly #moments: EdgeMoment[] = [];

  tick(moment: EdgeMoment): void {
    this.#moments.push(moment);
    if (this.#moments.length > SLOTS) this.#moments.shift();
  }

  /** About a minute ago, or the oldest there is. */
  get minuteAgo(): EdgeMoment | undefined {
    return this.#moments[0];
  }
}
