import { OVERFLOW_WORD } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import { LOCAL_ID, overflowKey } from './block-words.ts';
import type { ResourceInfo, SeriesKey } from './red-rows.ts';
import type { SeriesTable } from './series-table.ts';
import { SlotTable } from './slot-table.ts';

export interface SeriesRegistryOptions {
  /** Series that get an id of their own, and those of one service among them. */
  readonly limit: number;
  readonly perService?: number;
  /** A series that was not seen for so long gives its place to another when places are wanted, s. */
  readonly idleS?: number;
  /** Who a series is, by ids: `nameKindStatus` = name id << 5 | kind << 2 | status. */
  readonly describe: (identity: number, nameKindStatus: number, tuple: number) => SeriesKey;
}

/** There is no room for the series. */
export const NO_SERIES = 0xffffffff;
const DEFAULT_IDLE_S = 300;
const SWEEP_S = 30;
const FORGOTTEN = overflowKey(OVERFLOW_WORD, 0, 0, 0);

/**
 * The series of one connector in one lane, for those who count on: beyond the limits they find a span in a series
 * that keeps service, kind and status, so that totals stay exact; once an eighth of the limit is used for those, too,
 * the service is given up as well. Series that are seen keep their places, those that are not make room.
 *
 * Ids are never given to another series.
 */
export class SeriesRegistry implements SeriesTable {
  readonly resources: ResourceInfo[] = [];
  readonly #options: SeriesRegistryOptions;
  #keys: (SeriesKey | undefined)[] = [];
  /** Of series whose ids are the lane's. */
  readonly #slots = new SlotTable();
  /** Of series with a word that the dictionary had no room for, by their content. */
  readonly #byContent = new Map<string, number>();
  readonly #ofService = new Map<string, number>();
  readonly #overflow = new Map<string, number>();
  readonly #overflowIds = new Set<number>();
  /** Per id: when it was seen last, s; 0 = it was given up. */
  #seenS = new Uint32Array(1024);
  #live = 0;
  #nowS = 1;
  #sweptS = 0;
  /** Given up in the last sweep: who counts on may not have been told of them yet. */
  #givenUp: number[] = [];

  constructor(options: SeriesRegistryOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** By id. Who holds on to this sees what is added, and keeps what is there now, though the registry gives it up. */
  get keys(): readonly (SeriesKey | undefined)[] {
    return this.#keys;
  }

  keyOf(series: number): SeriesKey {
    if (series >= this.#keys.length) throw new RangeError(`no series ${series}`);
    return this.#keys[series] ?? FORGOTTEN;
  }

  /** Time goes by, from wherever it began. */
  at(nowMs: number): void {
    this.#nowS = Math.max(this.#nowS, Math.floor(nowMs / 1000));
  }

  /** The id of a series, made on first sight; NO_SERIES when there is no room. */
  idOf(identity: number, nameKindStatus: number, tuple: number): number {
    if (tuple === Interner.OVERFLOW) return this.#ownOverflow(identity, nameKindStatus, tuple);
    if (identity >= LOCAL_ID || nameKindStatus >>> 5 >= LOCAL_ID || tuple >= LOCAL_ID) {
      return this.#local(identity, nameKindStatus, tuple);
    }
    const known = this.#slots.find(identity, nameKindStatus, tuple);
    if (known >= 0) return this.#seen(known);
    const key = this.#options.describe(identity, nameKindStatus, tuple);
    if (!this.#hasRoom(key.service)) return NO_SERIES;
    const id = this.#push(key);
    this.#slots.put(id, identity, nameKindStatus, tuple);
    return id;
  }

  /** True for ids that stand for series without room of their own. */
  isOverflow(series: number): boolean {
    return series === NO_SERIES || this.#overflowIds.has(series);
  }

  /** Where a series is counted that has no id. */
  overflowOf({ service, kind, statusCode, dimensions }: SeriesKey): number {
    const { limit } = this.#options;
    const known = this.#overflow.get(`${kind} ${statusCode} ${service}`);
    if (known !== undefined) return known;
    const isRoom = this.#overflow.size < Math.max(1024, limit >>> 3);
    const shown = isRoom ? service : OVERFLOW_WORD;
    const name = `${kind} ${statusCode} ${shown}`;
    const shared = this.#overflow.get(name);
    if (shared !== undefined) return shared;
    const id = this.#keys.push(overflowKey(shown, kind, statusCode, dimensions.length)) - 1;
    this.#overflow.set(name, id);
    this.#overflowIds.add(id);
    return id;
  }

  /** Where the overflow series had to give up the service, it is not the one that is meant. */
  #ownOverflow(identity: number, nameKindStatus: number, tuple: number): number {
    const key = this.#options.describe(identity, nameKindStatus, tuple);
    const id = this.overflowOf(key);
    return this.keyOf(id).service === key.service ? id : NO_SERIES;
  }

  #local(identity: number, nameKindStatus: number, tuple: number): number {
    const key = this.#options.describe(identity, nameKindStatus, tuple);
    const content = JSON.stringify(key);
    const known = this.#byContent.get(content);
    if (known !== undefined) return this.#seen(known);
    if (!this.#hasRoom(key.service)) return NO_SERIES;
    const id = this.#push(key);
    this.#byContent.set(content, id);
    return id;
  }

  #seen(id: number): number {
    this.#seenS[id] = this.#nowS;
    return id;
  }

  #push(key: SeriesKey): number {
    const id = this.#keys.push(key) - 1;
    if (id >= this.#seenS.length) {
      const larger = new Uint32Array(Math.max(this.#seenS.length * 2, id + 1));
      larger.set(this.#seenS);
      this.#seenS = larger;
    }
    this.#seenS[id] = this.#nowS;
    this.#ofService.set(key.service, (this.#ofService.get(key.service) ?? 0) + 1);
    this.#live++;
    return id;
  }

  #hasRoom(service: string): boolean {
    if (this.#isRoom(service)) return true;
    if (this.#nowS - this.#sweptS < SWEEP_S) return false;
    this.#sweep();
    return this.#isRoom(service);
  }

  #isRoom(service: string): boolean {
    const { limit, perService = limit } = this.#options;
    return this.#live < limit && (this.#ofService.get(service) ?? 0) < perService;
  }

  #sweep(): void {
    this.#sweptS = this.#nowS;
    if (this.#givenUp.length > 0) {
      this.#keys = this.#keys.slice();
      for (const id of this.#givenUp) this.#keys[id] = undefined;
      this.#givenUp = [];
    }
    const oldestS = this.#nowS - (this.#options.idleS ?? DEFAULT_IDLE_S);
    for (let id = 0; id < this.#keys.length; id++) {
      const seenS = this.#seenS[id] ?? 0;
      if (seenS === 0 || seenS >= oldestS) continue;
      const { service } = this.keyOf(id);
      this.#seenS[id] = 0;
      this.#givenUp.push(id);
      this.#ofService.set(service, (this.#ofService.get(service) as number) - 1);
      this.#live--;
    }
    if (this.#givenUp.length === 0) return;
    this.#slots.keep((id) => this.#seenS[id] !== 0);
    for (const [content, id] of this.#byContent) if (this.#seenS[id] === 0) this.#byContent.delete(content);
  }
}
