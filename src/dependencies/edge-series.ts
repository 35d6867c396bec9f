import { OVERFLOW_WORD } from '../span/dictionary.ts';
import { CONNECTION_TYPES, NO_CLIENT, NO_SERVER } from './edge-rules.ts';
import { type Edge, NOBODY } from './edge-store.ts';
import type { Party } from './half-edges.ts';

/** The cumulative numbers of one kind of request between two parties. */
export interface EdgeSeries {
  readonly client: Party;
  readonly server: Party;
  /** One of CONNECTION_TYPES. */
  readonly connection: string;
  readonly failed: boolean;
  /** Which end is made up: '', 'client' or 'server'. */
  readonly virtual: string;
  /** Requests that those seen stand for. */
  calls: number;
  clientSumNs: number;
  serverSumNs: number;
  /** Per bound, and one for what lies above all of them; not cumulative. */
  readonly clientBuckets: Float64Array;
  readonly serverBuckets: Float64Array;
  /** By the caller's clocks: when it began, Unix ms, and when it was last added to, monotonic. */
  readonly createdMs: number;
  updatedMs: number;
}

export interface EdgeMoment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface EdgeSeriesOptions {
  /** Upper bounds of the histograms, ascending, ns. */
  readonly boundsNs: readonly number[];
  /** Series with parties of their own; more are counted in one per connection type and outcome. */
  readonly limit: number;
}

const NONE: Party = { name: '', dimensions: [] };
const USER: Party = { name: NO_CLIENT, dimensions: [] };
const UNKNOWN: Party = { name: NO_SERVER, dimensions: [] };
const OTHERS: Party = { name: OVERFLOW_WORD, dimensions: [] };
const SIDES = ['', 'client', 'server'] as const;

/** Ids of parties that are remembered, NOBODY's included. */
const PARTY_IDS = 2 ** 20;
/** The id of OTHERS, which a lane that has no room for a party tells of as well. */
const OTHERS_ID = 0;

interface Birth {
  readonly key: number;
  readonly outcome: number;
  readonly now: EdgeMoment;
}

/** Adds edges up, per client, server, connection type and outcome. */
export class EdgeSeriesTable {
  /** Weight that was counted in series of parties without a name of their own. Running total. */
  overflowed = 0;
  readonly #options: EdgeSeriesOptions;
  readonly #series = new Map<number, EdgeSeries>();
  readonly #parties: Party[] = [OTHERS];
  readonly #partyIds = new Map([[keyOf(OTHERS), OTHERS_ID]]);

  constructor(options: EdgeSeriesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#series.size;
  }

  all(): IterableIterator<EdgeSeries> {
    return this.#series.values();
  }

  /** The id of a party for edges. */
  partyId(party: Party): number {
    const key = keyOf(party);
    const known = this.#partyIds.get(key);
    if (known !== undefined) return known;
    if (this.#parties.length >= PARTY_IDS - 2) return OTHERS_ID;
    const id = this.#parties.push(party) - 1;
    this.#partyIds.set(key, id);
    return id;
  }

  add(edge: Edge, now: EdgeMoment): void {
    const { client, server, connection, virtual, failed, weight } = edge;
    const outcome = (connection * 3 + virtual) * 2 + (failed ? 1 : 0);
    const key = seriesKeyOf(idOf(client), idOf(server), outcome);
    const series = this.#series.get(key) ?? this.#fresh(edge, { key, outcome, now });
    if (series.client === OTHERS || series.server === OTHERS) this.overflowed += weight;
    series.calls += weight;
    series.clientSumNs += edge.clientNs * weight;
    series.serverSumNs += edge.serverNs * weight;
    this.#count(series.clientBuckets, edge.clientNs, weight);
    this.#count(series.serverBuckets, edge.serverNs, weight);
    series.updatedMs = now.monotonicMs;
  }

  /** Forgets what has not been added to for so long. */
  forget(idleMs: number, nowMs: number): void {
    for (const [key, { updatedMs }] of this.#series)
      if (nowMs - updatedMs >= idleMs) this.#series.delete(key);
  }

  #fresh(edge: Edge, { key, outcome, now }: Birth): EdgeSeries {
    if (this.#series.size < this.#options.limit) return this.#add(edge, key, now);
    const shared = seriesKeyOf(OTHERS_ID, OTHERS_ID, outcome);
    return (
      this.#series.get(shared) ?? this.#add({ ...edge, client: OTHERS_ID, server: OTHERS_ID }, shared, now)
    );
  }

  #add({ client, server, connection, virtual, failed }: Edge, key: number, now: EdgeMoment): EdgeSeries {
    const party = (id: number, nobody: Party): Party =>
      id === NOBODY ? nobody : (this.#parties[id] ?? NONE);
    const buckets = this.#options.boundsNs.length + 1;
    const series: EdgeSeries = {
      client: party(client, USER),
      server: party(server, UNKNOWN),
      connection: CONNECTION_TYPES[connection] ?? '',
      failed,
      virtual: SIDES[virtual] ?? '',
      calls: 0,
      clientSumNs: 0,
      serverSumNs: 0,
      clientBuckets: new Float64Array(buckets),
      serverBuckets: new Float64Array(buckets),
      createdMs: now.wallMs,
      updatedMs: now.monotonicMs,
    };
    this.#series.set(key, series);
    return series;
  }

  #count(buckets: Float64Array, durationNs: number, weight: number): void {
    const { boundsNs } = this.#options;
    let at = 0;
    while (at < boundsNs.length && durationNs > (boundsNs[at] as number)) at++;
    buckets[at] = (buckets[at] as number) + weight;
  }
}

function keyOf({ name, dimensions }: Party): string {
  return JSON.stringify([name, ...dimensions]);
}

function seriesKeyOf(client: number, server: number, outcome: number): number {
  return (client * PARTY_IDS + server) * 32 + outcome;
}

function idOf(party: number): number {
  return party === NOBODY ? PARTY_IDS - 2 : party;
}
