import { AttributeCursor } from '../span/attributes.ts';
import { type Dictionary, OVERFLOW_WORD, type ResourceIdentity } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import { templateOf } from '../span/name-template.ts';
import { readIdentity } from '../span/resource-cache.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import type { SeriesKey } from './red-rows.ts';

/** Ids from here on stand for words of one block, that the lane's dictionary had no room for. */
export const LOCAL_ID = 1 << 22;

const NO_IDENTITY: ResourceIdentity = { service: '', namespace: '', instance: '' };

/**
 * The names and identities of a block. What the dictionary turned away is told apart all the same, by ids that last
 * as long as the block: so its rows do not depend on what the lane has seen before.
 */
export class BlockWords {
  readonly #dictionary: Dictionary;
  readonly #cursor = new AttributeCursor();
  readonly #nameIds = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #identityIds = new Map<string, number>();
  readonly #identities: ResourceIdentity[] = [];
  #ofResource = new Uint32Array(256);
  /** Per name id of the dictionary, the id of its template + 1; 0 = not looked at. */
  #templates = new Uint32Array(1024);
  readonly #localTemplates = new Map<number, number>();

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /** The identity of each resource of the batch; valid until the next call, and so is what the ids mean. */
  begin(batch: SpanBatch): Uint32Array {
    if (this.#names.length > 0) {
      this.#nameIds.clear();
      this.#localTemplates.clear();
      this.#names.length = 0;
    }
    if (this.#identities.length > 0) {
      this.#identityIds.clear();
      this.#identities.length = 0;
    }
    const { resources, resourceIdentity } = batch;
    if (this.#ofResource.length < resources) this.#ofResource = new Uint32Array(resources * 2);
    for (let i = 0; i < resources; i++) {
      const identity = resourceIdentity[i] as number;
      const isTurnedAway = this.#dictionary.identities[identity]?.instance === OVERFLOW_WORD;
      this.#ofResource[i] = isTurnedAway ? this.#localIdentity(batch, i, identity) : identity;
    }
    return this.#ofResource;
  }

  /** The id of a span's name that is not in the dictionary. */
  localName({ arena, nameAt, nameLength }: SpanBatch, row: number): number {
    const at = nameAt[row] as number;
    const end = at + (nameLength[row] as number);
    const known = this.#nameIds.get(arena.toString('latin1', at, end));
    return known ?? this.#addName(arena.subarray(at, end));
  }

  /** The id of a name's template: the same for all names that differ in ids only. */
  templateOf(name: number): number {
    const isLocal = name >= LOCAL_ID;
    const known = isLocal ? (this.#localTemplates.get(name) ?? 0) : (this.#templates[name] ?? 0);
    if (known !== 0) return known - 1;
    const text = this.nameOf(name);
    const template = templateOf(text);
    const id = template === text ? name : this.#idOf(template);
    if (isLocal) this.#localTemplates.set(name, id + 1);
    else if (id < LOCAL_ID) this.#remember(name, id);
    return id;
  }

  #remember(name: number, template: number): void {
    if (name >= this.#templates.length) {
      const larger = new Uint32Array(Math.max(this.#templates.length * 2, name + 1));
      larger.set(this.#templates);
      this.#templates = larger;
    }
    this.#templates[name] = template + 1;
  }

  #idOf(text: string): number {
    const bytes = Buffer.from(text);
    const id = this.#dictionary.names.intern(bytes, 0, bytes.length);
    if (id !== Interner.OVERFLOW) return id;
    return this.#nameIds.get(bytes.toString('latin1')) ?? this.#addName(bytes);
  }

  #addName(bytes: Buffer): number {
    const id = LOCAL_ID + this.#names.length;
    this.#nameIds.set(bytes.toString('latin1'), id);
    this.#names.push(bytes.toString('utf8'));
    return id;
  }

  nameOf(id: number): string {
    if (id >= LOCAL_ID) return this.#names[id - LOCAL_ID] ?? '';
    return id === Interner.OVERFLOW ? OVERFLOW_WORD : (this.#dictionary.names.words[id] ?? '');
  }

  identityOf(id: number): ResourceIdentity {
    const identity = id >= LOCAL_ID ? this.#identities[id - LOCAL_ID] : this.#dictionary.identities[id];
    return identity ?? NO_IDENTITY;
  }

  #localIdentity(batch: SpanBatch, resource: number, fallback: number): number {
    const at = batch.resourceAt[resource] as number;
    const end = batch.resourceEnd[resource] as number;
    if (at === end) return fallback;
    const identity = readIdentity(this.#cursor, batch.arena, at, end);
    const { service, namespace, instance } = identity;
    const key = `${service?.length}:${namespace.length}:${service}${namespace}${instance}`;
    const known = this.#identityIds.get(key);
    if (known !== undefined) return known;
    const id = LOCAL_ID + this.#identities.length;
    this.#identityIds.set(key, id);
    this.#identities.push(identity);
    return id;
  }
}

/** What the tuples of a reader stand for. */
export interface TupleValuesOf {
  readonly dimensionsOf: (tuple: number) => readonly (string | null)[];
  readonly extraOf: (tuple: number) => SeriesKey['extra'];
}

/** Says who a series is; one whose tuple is Interner.OVERFLOW is that of all that had no room. */
export function seriesDescriber(words: BlockWords, { dimensionsOf, extraOf }: TupleValuesOf) {
  return (identity: number, nameKindStatus: number, tuple: number): SeriesKey => {
    const { service, namespace, instance } = words.identityOf(identity);
    const kind = (nameKindStatus >>> 2) & 7;
    const statusCode = nameKindStatus & 3;
    const dimensions = dimensionsOf(tuple);
    if (tuple === Interner.OVERFLOW) return overflowKey(service ?? '', kind, statusCode, dimensions.length);
    const spanName = words.nameOf(nameKindStatus >>> 5);
    const key = { service: service ?? '', namespace, instance, spanName, kind, statusCode, dimensions };
    const extra = extraOf(tuple);
    return extra === undefined ? key : { ...key, extra };
  };
}

/** A series of all that had no room, of a service, kind and status. */
export function overflowKey(
  service: string,
  kind: number,
  statusCode: number,
  dimensions: number,
): SeriesKey {
  return {
    service,
    namespace: '',
    instance: '',
    spanName: OVERFLOW_WORD,
    kind,
    statusCode,
    dimensions: Array.from({ length: dimensions }, () => null),
  };
}
