import { ATTRIBUTES_OF } from '../span/attributes.ts';
import type { Dictionary } from '../span/dictionary.ts';
import { LinkCursor } from '../span/event-cursors.ts';
import { Interner } from '../span/interner.ts';
import { NONE, type SpanBatch } from '../span/span-batch.ts';
import { EdgeAttributes } from './edge-attributes.ts';
import type { EdgeRules } from './edge-rules.ts';
import { HALF, type HalfEdges, KEY_WORDS, NO_PARTY } from './half-edges.ts';
import { PartyTable } from './party-table.ts';

const KIND = { server: 2, client: 3, producer: 4, consumer: 5 } as const;
const STATUS_ERROR = 2;
/** Links of one consumer that are followed. */
const MOST_LINKS = 1024;

/** What could not be part of an edge, since somebody has set it to 0. */
export interface EdgeTally {
  noService: number;
  noIds: number;
  /** Links beyond the limit. */
  links: number;
}

/** Finds the sides of edges in the spans of a block. Its parties keep their ids as long as it lives. */
export class HalfEdgeReader {
  readonly tally: EdgeTally = { noService: 0, noIds: 0, links: 0 };
  readonly #dictionary: Dictionary;
  readonly #dimensions: number;
  readonly #databases: number;
  readonly #table: PartyTable;
  readonly #attributes: EdgeAttributes;
  readonly #links = new LinkCursor();
  readonly #rows = new RowColumns();
  /** By identity: the service's word, where there are no dimensions its party + 1; 0 = not looked up yet. */
  readonly #service: number[] = [];
  #told = 0;
  /** Of each resource of the batch, the words of all keys but the peers'. */
  #resourceWords = new Uint32Array(64);
  readonly #values: Uint32Array;

  constructor(dictionary: Dictionary, rules: EdgeRules) {
    this.#dictionary = dictionary;
    this.#dimensions = rules.dimensions.length;
    this.#databases = rules.databaseNames.length;
    this.#table = new PartyTable(this.#dimensions);
    const keys = [...rules.dimensions, ...rules.databaseNames, ...rules.peerAttributes];
    this.#attributes = new EdgeAttributes(keys, this.#table);
    this.#values = new Uint32Array(this.#dimensions);
  }

  read(batch: SpanBatch): HalfEdges {
    const rows = this.#rows;
    rows.clear();
    this.#readResources(batch);
    const { kind, resource, resourceIdentity } = batch;
    for (let i = 0; i < batch.spans; i++) {
      const spanKind = kind[i] as number;
      if (spanKind < KIND.server) continue;
      const identity = resourceIdentity[resource[i] as number] as number;
      if (identity === 0 || this.#dictionary.identityService[identity] === Interner.EMPTY) {
        this.tally.noService++;
        continue;
      }
      if (batch.traceIdAt[i] === NONE || batch.spanIdAt[i] === NONE) {
        this.tally.noIds++;
        continue;
      }
      if (spanKind === KIND.client || spanKind === KIND.producer) this.#client(batch, i, identity);
      else this.#server(batch, i, identity);
    }
    const { parties } = this.#table;
    const firstNewParty = this.#told;
    this.#told = parties.length;
    return { ...rows.taken(), firstNewParty, newParties: parties.slice(firstNewParty) };
  }

  #client(batch: SpanBatch, i: number, identity: number): void {
    const { arena, attributesAt, attributesEnd } = batch;
    const attributes = this.#attributes;
    const databasesEnd = this.#dimensions + this.#databases;
    const from = attributesAt[i] as number;
    attributes.read(arena, from, attributesEnd[i] as number, ATTRIBUTES_OF.span);
    const database = this.#database(batch, i);
    const name = database || attributes.first(databasesEnd, attributes.words.length);
    const row = this.#rows.push(batch, i, this.#party(batch, i, identity));
    this.#rows.peer[row] = name === Interner.EMPTY ? NO_PARTY : this.#table.other(name);
    let flags = this.#rows.flags[row] as number;
    if (database !== Interner.EMPTY) flags |= HALF.database;
    if (batch.kind[i] === KIND.producer) flags |= HALF.messaging;
    this.#rows.flags[row] = flags;
    this.#rows.setKey(row, arena, batch.traceIdAt[i] as number, batch.spanIdAt[i] as number);
  }

  #server(batch: SpanBatch, i: number, identity: number): void {
    const { arena } = batch;
    if (this.#dimensions > 0) {
      const end = batch.attributesEnd[i] as number;
      this.#attributes.read(arena, batch.attributesAt[i] as number, end, ATTRIBUTES_OF.span);
    }
    const party = this.#party(batch, i, identity);
    const isConsumer = batch.kind[i] === KIND.consumer;
    const kind = HALF.server | (isConsumer ? HALF.messaging : 0);
    if (isConsumer && this.#followLinks(batch, i, party)) return;
    const row = this.#rows.push(batch, i, party);
    const parentAt = batch.parentIdAt[i] as number;
    const isRoot = parentAt === NONE;
    this.#rows.flags[row] = (this.#rows.flags[row] as number) | kind | (isRoot ? HALF.root : 0);
    const spanAt = isRoot ? (batch.spanIdAt[i] as number) : parentAt;
    this.#rows.setKey(row, arena, batch.traceIdAt[i] as number, spanAt);
  }

  /** False for a consumer without links: it is its parent's like any other. */
  #followLinks(batch: SpanBatch, i: number, party: number): boolean {
    const end = batch.linksEnd[i] as number;
    if (end === 0) return false;
    const links = this.#links;
    links.reset(batch.arena, batch.linksAt[i] as number, end);
    let followed = 0;
    while (links.next()) {
      if (links.traceIdAt === NONE || links.spanIdAt === NONE) continue;
      if (followed++ === MOST_LINKS) {
        this.tally.links++;
        break;
      }
      const row = this.#rows.push(batch, i, party);
      this.#rows.flags[row] = (this.#rows.flags[row] as number) | HALF.server | HALF.messaging;
      this.#rows.setKey(row, batch.arena, links.traceIdAt, links.spanIdAt);
    }
    return followed > 0;
  }

  /** The resource's attribute comes before the span's, as in the collector. */
  #valueOf(batch: SpanBatch, i: number, key: number): number {
    const at = (batch.resource[i] as number) * this.#resourceKeys;
    return (this.#resourceWords[at + key] as number) || (this.#attributes.words[key] as number);
  }

  #database(batch: SpanBatch, i: number): number {
    const end = this.#dimensions + this.#databases;
    for (let key = this.#dimensions; key < end; key++) {
      const word = this.#valueOf(batch, i, key);
      if (word !== Interner.EMPTY) return word;
    }
    return Interner.EMPTY;
  }

  #party(batch: SpanBatch, i: number, identity: number): number {
    let known = this.#service[identity] ?? 0;
    if (known === 0) {
      const word = this.#table.wordOf(this.#dictionary.identities[identity]?.service ?? '');
      known = 1 + (this.#dimensions === 0 ? this.#table.service(word, this.#values) : word);
      this.#service[identity] = known;
    }
    if (this.#dimensions === 0) return known - 1;
    for (let d = 0; d < this.#dimensions; d++) this.#values[d] = this.#valueOf(batch, i, d);
    return this.#table.service(known - 1, this.#values);
  }

  get #resourceKeys(): number {
    return this.#dimensions + this.#databases;
  }

  #readResources(batch: SpanBatch): void {
    const width = this.#resourceKeys;
    if (width === 0) return;
    const needed = batch.resources * width;
    if (this.#resourceWords.length < needed) this.#resourceWords = new Uint32Array(needed * 2);
    const { words } = this.#attributes;
    for (let r = 0; r < batch.resources; r++) {
      const end = batch.resourceEnd[r] as number;
      this.#attributes.read(batch.arena, batch.resourceAt[r] as number, end, ATTRIBUTES_OF.resource);
      for (let key = 0; key < width; key++) this.#resourceWords[r * width + key] = words[key] as number;
    }
  }
}

/** Columns that grow; what is taken is a copy of its own. */
class RowColumns {
  rows = 0;
  keys = new Uint32Array(1024 * KEY_WORDS);
  party = new Uint32Array(1024);
  peer = new Uint32Array(1024);
  durationNs = new Float64Array(1024);
  weight = new Float64Array(1024);
  flags = new Uint8Array(1024);

  clear(): void {
    this.rows = 0;
  }

  push(batch: SpanBatch, i: number, party: number): number {
    if (this.rows === this.party.length) this.#grow();
    const row = this.rows++;
    this.party[row] = party;
    this.peer[row] = NO_PARTY;
    this.durationNs[row] = batch.durationNs[i] as number;
    this.weight[row] = batch.weight[i] as number;
    this.flags[row] = batch.statusCode[i] === STATUS_ERROR ? HALF.failed : 0;
    return row;
  }

  setKey(row: number, arena: Buffer, traceAt: number, spanAt: number): void {
    const { keys } = this;
    const to = row * KEY_WORDS;
    keys[to] = arena.readUInt32LE(traceAt);
    keys[to + 1] = arena.readUInt32LE(traceAt + 4);
    keys[to + 2] = arena.readUInt32LE(traceAt + 8);
    keys[to + 3] = arena.readUInt32LE(traceAt + 12);
    keys[to + 4] = arena.readUInt32LE(spanAt);
    keys[to + 5] = arena.readUInt32LE(spanAt + 4);
  }

  taken(): Omit<HalfEdges, 'firstNewParty' | 'newParties'> {
    const { rows } = this;
    return {
      rows,
      keys: this.keys.slice(0, rows * KEY_WORDS),
      party: this.party.slice(0, rows),
      peer: this.peer.slice(0, rows),
      durationNs: this.durationNs.slice(0, rows),
      weight: this.weight.slice(0, rows),
      flags: this.flags.slice(0, rows),
    };
  }

  #grow(): void {
    const size = this.party.length * 2;
    const larger = <T extends Uint32Array | Float64Array | Uint8Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.keys = larger(new Uint32Array(size * KEY_WORDS), this.keys);
    this.party = larger(new Uint32Array(size), this.party);
    this.peer = larger(new Uint32Array(size), this.peer);
    this.durationNs = larger(new Float64Array(size), this.durationNs);
    this.weight = larger(new Float64Array(size), this.weight);
    this.flags = larger(new Uint8Array(size), this.flags);
  }
}
