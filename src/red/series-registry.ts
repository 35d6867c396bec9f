import { type Dictionary, OVERFLOW_WORD } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import type { ResourceInfo, SeriesKey } from './red-rows.ts';
import type { SeriesTable } from './series-table.ts';

/** What tells one series from another, as ids: `nameKindStatus` = name id << 5 | kind << 2 | status. */
export interface SeriesIds {
  readonly identity: number;
  readonly nameKindStatus: number;
  readonly tuple: number;
}

export interface SeriesRegistryOptions {
  /** Series that get an id of their own. */
  readonly limit: number;
  /** Dimension values of a tuple id. */
  readonly dimensionsOf: (tuple: number) => readonly (string | null)[];
  /** Its SeriesKey.extra. */
  readonly extraOf?: (tuple: number) => SeriesKey['extra'];
}

const KIND_STATUS = 31;
const STRIDE = 3;

/**
 * The series of one connector in one lane. Beyond the limit a span is counted in a series that keeps service,
 * kind and status, so that totals stay exact; once an eighth of the limit is used for those, too, the service
 * is given up as well.
 */
export class SeriesRegistry implements SeriesTable {
  readonly resources: ResourceInfo[] = [];
  readonly #dictionary: Dictionary;
  readonly #options: SeriesRegistryOptions;
  readonly #keys: SeriesKey[] = [];
  /** Open addressing: id + 1, 0 = free. At most half full. */
  #slots = new Uint32Array(1024);
  #ids = new Uint32Array(512 * STRIDE);
  readonly #overflowByService = new Map<string, number>();

  constructor(dictionary: Dictionary, options: SeriesRegistryOptions) {
    this.#dictionary = dictionary;
    this.#options = options;
  }

  get size(): number {
    return this.#keys.length;
  }

  keyOf(series: number): SeriesKey {
    const key = this.#keys[series];
    if (key === undefined) throw new RangeError(`no series ${series}`);
    return key;
  }

  /** The id of a series; made on first sight, or that of an overflow series when there is no room. */
  idOf(identity: number, nameKindStatus: number, tuple: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashIds(identity, nameKindStatus, tuple) & mask;
    for (;;) {
      const id = (this.#slots[slot] as number) - 1;
      if (id < 0) break;
      const at = id * STRIDE;
      if (this.#ids[at] === identity && this.#ids[at + 1] === nameKindStatus && this.#ids[at + 2] === tuple) {
        return id;
      }
      slot = (slot + 1) & mask;
    }
    if (tuple === Interner.OVERFLOW || this.#ownSeries() >= this.#options.limit) {
      return this.#overflow(identity, nameKindStatus & KIND_STATUS);
    }
    return this.#add({ identity, nameKindStatus, tuple }, slot);
  }

  /** True for ids that stand for series without room of their own. */
  isOverflow(series: number): boolean {
    return this.#ids[series * STRIDE + 2] === Interner.OVERFLOW;
  }

  #ownSeries(): number {
    return this.#keys.length - this.#overflowByService.size;
  }

  #add(ids: SeriesIds, slot: number): number {
    const { identity, nameKindStatus, tuple } = ids;
    const nameId = nameKindStatus >>> 5;
    const { service, namespace, instance } = this.#identity(identity);
    const spanName =
      nameId === Interner.OVERFLOW ? OVERFLOW_WORD : (this.#dictionary.names.words[nameId] ?? '');
    const kind = (nameKindStatus >>> 2) & 7;
    const statusCode = nameKindStatus & 3;
    const dimensions = this.#options.dimensionsOf(tuple);
    const key = { service, namespace, instance, spanName, kind, statusCode, dimensions };
    const extra = this.#options.extraOf?.(tuple);
    const id = this.#push(extra === undefined ? key : { ...key, extra }, ids);
    this.#slots[slot] = id + 1;
    if ((id + 1) * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #identity(identity: number) {
    const { service, namespace, instance } = this.#dictionary.identities[identity] ?? NO_IDENTITY;
    return { service: service ?? '', namespace, instance };
  }

  #overflow(identity: number, kindStatus: number): number {
    const reserve = Math.max(1024, this.#options.limit >>> 3);
    const own = this.#identity(identity).service;
    const isRoom = this.#overflowByService.size < reserve;
    const known = this.#overflowByService.get(`${kindStatus} ${own}`);
    if (known !== undefined) return known;
    const service = isRoom ? own : OVERFLOW_WORD;
    const name = `${kindStatus} ${service}`;
    const shared = this.#overflowByService.get(name);
    if (shared !== undefined) return shared;
    const key: SeriesKey = {
      service,
      namespace: '',
      instance: '',
      spanName: OVERFLOW_WORD,
      kind: kindStatus >>> 2,
      statusCode: kindStatus & 3,
      dimensions: this.#options.dimensionsOf(Interner.OVERFLOW),
    };
    const id = this.#push(key, { identity: 0, nameKindStatus: 0, tuple: Interner.OVERFLOW });
    this.#overflowByService.set(name, id);
    return id;
  }

  #push(key: SeriesKey, ids: SeriesIds): number {
    const id = this.#keys.push(key) - 1;
    const at = id * STRIDE;
    if (at + STRIDE > this.#ids.length) {
      const larger = new Uint32Array(this.#ids.length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[at] = ids.identity;
    this.#ids[at + 1] = ids.nameKindStatus;
    this.#ids[at + 2] = ids.tuple;
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#keys.length; id++) {
      if (this.isOverflow(id)) continue;
      const at = id * STRIDE;
      const hash = hashIds(this.#ids[at] as number, this.#ids[at + 1] as number, this.#ids[at + 2] as number);
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

const NO_IDENTITY = { service: '', namespace: '', instance: '' };

/** Mixes so that the low bits, which pick a slot, depend on every id. */
function hashIds(identity: number, nameKindStatus: number, tuple: number): number {
  let hash =
    Math.imul(identity, 0x9e3779b1) ^ Math.imul(nameKindStatus, 0x85ebca6b) ^ Math.imul(tuple, 0xc2b2ae35);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
