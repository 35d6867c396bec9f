/** Who stands at one end of an edge: a service, or what a client calls a database or a peer. */
export interface Party {
  readonly name: string;
  /** Values of the configured dimensions, in their order; '' = none. Empty for what is no service. */
  readonly dimensions: readonly string[];
}

/** Bits of `HalfEdges.flags`. */
export const HALF = {
  /** SERVER or CONSUMER; else CLIENT or PRODUCER. */
  server: 1,
  failed: 2,
  /** PRODUCER or CONSUMER. */
  messaging: 4,
  /** A call of a database, whose name is `peer`: no other half will come. */
  database: 8,
  /** A server side without parent: nobody called it who is traced. */
  root: 16,
} as const;

/** 32-bit words of a key: 4 of the trace id, 2 of the span id. */
export const KEY_WORDS = 6;
/** In `HalfEdges.peer`: the span says nothing of its peer. */
export const NO_PARTY = 0xffffffff;

/**
 * What one block knows of edges between services, one row per side. The two sides of an edge have the same key:
 * the trace id and the client's span id, which is the server's parent id. A consumer that links to several
 * producers has one row per link, under each producer's ids.
 */
export interface HalfEdges {
  readonly rows: number;
  /** rows x KEY_WORDS. */
  readonly keys: Uint32Array;
  /** Ids that the reader gives, for as long as it lives. */
  readonly party: Uint32Array;
  /** Of a client: the party that stands in where no server shows up; of a database call, the database. */
  readonly peer: Uint32Array;
  readonly durationNs: Float64Array;
  /** How many original spans this one stands for. */
  readonly weight: Float64Array;
  readonly flags: Uint8Array;
  /** Parties that were not told of before: their ids go up from `firstNewParty`. */
  readonly firstNewParty: number;
  readonly newParties: readonly Party[];
}
