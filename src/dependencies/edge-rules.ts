/** What of a span decides about edges, apart from its ids, kind and service. */
export interface EdgeRules {
  /** Attributes that become labels of both ends; a resource's comes before a span's. */
  readonly dimensions: readonly string[];
  /** Attributes of a client span, or its resource, that name a database: the first that is there. */
  readonly databaseNames: readonly string[];
  /** Attributes of a client span that name its peer where no server span shows up: the first that is there. */
  readonly peerAttributes: readonly string[];
}

/** The caller of a server without a parent. */
export const NO_CLIENT = 'user';
/** What a client without peer attributes called, if no server tells. */
export const NO_SERVER = 'unknown';

export const CONNECTION_TYPES = ['', 'messaging_system', 'database', 'virtual_node'] as const;

/** What of a connector decides about edges that are derived in a database. */
export interface EdgeSource {
  readonly edges: {
    readonly rules: EdgeRules;
    /** How far apart the two ends of an edge may begin, at least. */
    readonly ttlMs: number;
    /** How often edges are derived. */
    readonly everyMs: number;
  };
}

export function isEdgeSource(thing: unknown): thing is EdgeSource {
  return typeof thing === 'object' && thing !== null && 'edges' in thing;
}
