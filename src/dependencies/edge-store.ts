import { HALF, type HalfEdges, KEY_WORDS, NO_PARTY } from './half-edges.ts';
import { GONE, HalfRing, type NewHalf } from './half-ring.ts';

/** Index into CONNECTION_TYPES. */
export const CONNECTION = { plain: 0, messaging: 1, database: 2, virtual: 3 } as const;
/** Which end of an edge is made up. */
export const VIRTUAL = { none: 0, client: 1, server: 2 } as const;

/** An end that nobody told of: `user` or `unknown`. */
export const NOBODY = NO_PARTY;

/** One request between two parties. The same object each time: read it, do not keep it. */
export interface Edge {
  /** Ids as in the half edges that were added, or NOBODY. */
  client: number;
  server: number;
  connection: number;
  virtual: number;
  failed: boolean;
  clientNs: number;
  serverNs: number;
  weight: number;
}

export interface EdgeStoreOptions {
  /** How long a half waits for its other half. */
  readonly ttlMs: number;
  /** Halves that wait at the same time; more are dropped. */
  readonly maxItems: number;
  /** 32 bits that whoever makes trace ids can't know. */
  readonly seed: number;
}

/** Running totals. */
export interface EdgeStoreTally {
  /** Edges that were made, virtual ones included, and halves that were given up. */
  edges: number;
  /** Halves that did not find their other half in time, whether or not a virtual node took its place. */
  expired: number;
  /** Halves for which there was no room. */
  dropped: number;
}

/** In `#state`. */
const WAITING = 1;
/** A client that has found servers and stays for more of them. */
const MATCHED = 2;

/**
 * Pairs half edges by their key, whatever order they come in: every server side that has a client side is one edge,
 * so a client is kept for the whole ttl even when it has found a server. A client that has found none by then
 * is an edge to a virtual node; a server whose client has not come is given up.
 *
 * Halves lie in a ring in the order in which they came, which is the order in which they expire; a hash table over
 * the ring finds them. No object per half.
 */
export class EdgeStore {
  readonly tally: EdgeStoreTally = { edges: 0, expired: 0, dropped: 0 };
  readonly #options: EdgeStoreOptions;
  readonly #onEdge: (edge: Edge) => void;
  readonly #edge: Edge = {
    client: 0,
    server: 0,
    connection: 0,
    virtual: 0,
    failed: false,
    clientNs: 0,
    serverNs: 0,
    weight: 0,
  };
  readonly #rows: HalfRing;

  constructor(options: EdgeStoreOptions, onEdge: (edge: Edge) => void) {
    this.#options = options;
    this.#onEdge = onEdge;
    this.#rows = new HalfRing(options.seed);
  }

  /** Halves that are kept, with those that are gone and not yet cleared away. */
  get size(): number {
    return this.#rows.used;
  }

  /** `partyOf` turns the parties of the halves into ids that are used for edges. */
  add(halves: HalfEdges, partyOf: Uint32Array, nowMs: number): void {
    for (let i = 0; i < halves.rows; i++) {
      const flags = halves.flags[i] as number;
      const party = partyOf[halves.party[i] as number] as number;
      const told = halves.peer[i] as number;
      const peer = told === NO_PARTY ? NO_PARTY : (partyOf[told] as number);
      if ((flags & HALF.database) !== 0) this.#database(halves, i, party, peer);
      else if ((flags & HALF.root) !== 0) this.#root(halves, i, party);
      else if ((flags & HALF.server) !== 0) this.#server(halves, i, party, nowMs);
      else this.#client(halves, i, { party, peer, nowMs });
    }
  }

  /** Gives up what has waited long enough. */
  expire(nowMs: number): void {
    const { ttlMs } = this.#options;
    const rows = this.#rows;
    while (rows.used > 0) {
      const at = rows.first;
      if (rows.state[at] !== GONE && nowMs - (rows.bornMs[at] as number) < ttlMs) return;
      this.#evict(at);
      rows.shift();
    }
  }

  #database(halves: HalfEdges, i: number, client: number, server: number): void {
    const edge = this.#edge;
    edge.client = client;
    edge.server = server;
    edge.clientNs = halves.durationNs[i] as number;
    edge.serverNs = edge.clientNs;
    this.#emit(halves, i, CONNECTION.database, VIRTUAL.none);
  }

  #root(halves: HalfEdges, i: number, server: number): void {
    const edge = this.#edge;
    edge.client = NOBODY;
    edge.server = server;
    edge.clientNs = 0;
    edge.serverNs = halves.durationNs[i] as number;
    this.#emit(halves, i, CONNECTION.virtual, VIRTUAL.client);
  }

  #emit(halves: HalfEdges, i: number, connection: number, virtual: number): void {
    const edge = this.#edge;
    edge.connection = connection;
    edge.virtual = virtual;
    edge.failed = ((halves.flags[i] as number) & HALF.failed) !== 0;
    edge.weight = halves.weight[i] as number;
    this.tally.edges++;
    this.#onEdge(edge);
  }

  #server(halves: HalfEdges, i: number, party: number, nowMs: number): void {
    const rows = this.#rows;
    const client = rows.find(halves.keys, i * KEY_WORDS, 0);
    if (client < 0) {
      this.#push(halves, i, { party, peer: NO_PARTY, nowMs });
      return;
    }
    rows.state[client] = MATCHED;
    const edge = this.#edge;
    edge.server = party;
    edge.serverNs = halves.durationNs[i] as number;
    this.#pair(client, halves.flags[i] as number, halves.weight[i] as number);
  }

  #client(halves: HalfEdges, i: number, half: NewHalf): void {
    const rows = this.#rows;
    // The same span once more, from a sender that repeats itself, or an id that is used twice: the first one counts.
    if (rows.find(halves.keys, i * KEY_WORDS, 0) >= 0) return;
    const client = this.#push(halves, i, half);
    if (client < 0) return;
    for (;;) {
      const server = rows.find(halves.keys, i * KEY_WORDS, HALF.server);
      if (server < 0) return;
      rows.unlink(server);
      rows.state[server] = GONE;
      rows.state[client] = MATCHED;
      this.#edge.server = rows.party[server] as number;
      this.#edge.serverNs = rows.durationNs[server] as number;
      this.#pair(client, rows.flags[server] as number, rows.weight[server] as number);
    }
  }

  /** `edge` has the server's party and duration already. */
  #pair(client: number, serverFlags: number, serverWeight: number): void {
    const rows = this.#rows;
    const edge = this.#edge;
    const flags = serverFlags | (rows.flags[client] as number);
    edge.client = rows.party[client] as number;
    edge.clientNs = rows.durationNs[client] as number;
    edge.connection = (flags & HALF.messaging) === 0 ? CONNECTION.plain : CONNECTION.messaging;
    edge.virtual = VIRTUAL.none;
    edge.failed = (flags & HALF.failed) !== 0;
    // A span that says nothing of its sampling has weight 1.
    edge.weight = Math.max(serverWeight, rows.weight[client] as number);
    this.tally.edges++;
    this.#onEdge(edge);
  }

  #evict(at: number): void {
    const rows = this.#rows;
    const state = rows.state[at];
    if (state === GONE) return;
    rows.unlink(at);
    rows.state[at] = GONE;
    if (state === MATCHED) return;
    this.tally.expired++;
    if (((rows.flags[at] as number) & HALF.server) !== 0) {
      this.tally.edges++;
      return;
    }
    const edge = this.#edge;
    edge.client = rows.party[at] as number;
    edge.server = rows.peer[at] as number;
    edge.clientNs = rows.durationNs[at] as number;
    edge.serverNs = 0;
    edge.connection = CONNECTION.virtual;
    edge.virtual = VIRTUAL.server;
    edge.failed = ((rows.flags[at] as number) & HALF.failed) !== 0;
    edge.weight = rows.weight[at] as number;
    this.tally.edges++;
    this.#onEdge(edge);
  }

  /** The half's place in the ring; -1 when there is no room. */
  #push(halves: HalfEdges, i: number, half: NewHalf): number {
    const rows = this.#rows;
    if (rows.used >= this.#options.maxItems) {
      this.expire(half.nowMs);
      if (rows.used >= this.#options.maxItems) {
        this.tally.dropped++;
        return -1;
      }
    }
    const at = rows.push(halves, i, half);
    rows.state[at] = WAITING;
    return at;
  }
}
