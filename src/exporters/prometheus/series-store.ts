import { setImmediate } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import type { Exemplars, SeriesKey } from '../../red/red-rows.ts';
import type { SeriesLookup } from '../../red/series-keys.ts';
import { OVERFLOW_WORD } from '../../span/dictionary.ts';
import { BodyIndex } from './body-index.ts';
import { Counts } from './counts.ts';
import type { ExemplarStore } from './exemplar-store.ts';
import { LabelBodies } from './label-bodies.ts';
import { escapeLabels, type Labels, parseLabels, renderLabels, type SeriesLabels } from './labels.ts';
import { type Escaping, isLegacyName } from './names.ts';
import type { HistColumns, NativeHistograms } from './native-histograms.ts';
import { labelPairs } from './proto-labels.ts';
import type { ResourceUse } from './resource-use.ts';

/** Lanes' lives whose ids are remembered; one more begins only when a thread was started again. */
const LIVES = 64;
const UNKNOWN = 0xffffffff;
/** Series are told apart by their labels as they are before any escaping. */
const KEY_ESCAPING: Escaping = 'allow-utf-8';
const PREPARED_AT_ONCE = 1000;

/** How labels are written: as text, or as the pairs of the protobuf exposition. */
export type BodyKind = Escaping | `protobuf ${Escaping}`;

/** Room for series, shared by the connectors of an exporter. */
export interface SeriesRoom {
  readonly limit: number;
  used: number;
  /** Of them, overflow series: they have room of their own beside the limit. */
  overflow: number;
  /** Series that ever were. */
  births: number;
}

/** What a block adds; columns that are left out count nothing. */
export interface SeriesAdds extends Partial<HistColumns> {
  readonly rows: number;
  readonly series: Uint32Array;
  readonly calls: Float64Array;
  readonly durationSumNs?: Float64Array;
  readonly buckets?: Float64Array;
  readonly exemplars?: Exemplars;
}

export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface StoreOptions {
  /** Of the explicit histogram, +Inf included; 1 for a native one, 0 for none. */
  readonly bucketCount: number;
  readonly native?: NativeHistograms | undefined;
  readonly exemplars?: ExemplarStore | undefined;
  /** Where series can expire. */
  readonly resources?: ResourceUse | undefined;
}

/**
 * Cumulative series over all lanes: numbers as columns, labels as bytes. Beyond the limit series are counted
 * in one per service, kind and status; once an eighth of the limit is used for those, too, in one per kind
 * and status. A series that is forgotten leaves its id to another.
 */
export class SeriesStore {
  readonly bucketCount: number;
  readonly native: NativeHistograms | undefined;
  readonly exemplars: ExemplarStore | undefined;
  /** Ids given out; some may be free again. */
  size = 0;
  /** Spans' weight counted in overflow series. Running total. */
  overflowedCalls = 0;
  calls = new Float64Array(1024);
  durationSumNs = new Float64Array(1024);
  /** Not cumulative: size x bucketCount. */
  readonly buckets = new Counts();
  /** Unix ms when a series began; 0 = a free id. */
  createdMs = new Float64Array(1024);
  /** When something was last added, as the monotonic clock has it. */
  updatedMs = new Float64Array(1024);
  /** The how manieth series of the exporter it is, from 1. */
  births = new Float64Array(1024);
  /** Where series can expire: ids of ResourceUse. */
  resourceOf = new Uint32Array(1024);
  readonly #labels: SeriesLabels;
  readonly #room: SeriesRoom;
  readonly #resources: ResourceUse | undefined;
  /** By KEY_ESCAPING; of a free id what was there last. */
  readonly #texts = new LabelBodies();
  readonly #ids = new BodyIndex(this.#texts);
  readonly #free: number[] = [];
  readonly #overflowIds = new Set<number>();
  /** Per lane's life: its series id -> ours. */
  readonly #lanes = new Map<number, Uint32Array>();
  readonly #bodies = new Map<BodyKind, LabelBodies>([[KEY_ESCAPING, this.#texts]]);
  /** No label needs escaping. */
  #isPlain = true;

  constructor(labels: SeriesLabels, room: SeriesRoom, options: StoreOptions) {
    const { bucketCount, native, exemplars, resources } = options;
    this.#labels = labels;
    this.#room = room;
    this.#resources = resources;
    this.bucketCount = bucketCount;
    this.native = native;
    this.exemplars = exemplars;
  }

  /** `keys` says who the lane's series are. */
  apply(lane: number, adds: SeriesAdds, keys: SeriesLookup, now: Moment): void {
    const ids = this.#idsOf(lane, keys.length);
    const { durationSumNs, buckets = NOTHING, histAt } = adds;
    const width = buckets.length === 0 ? 0 : this.bucketCount;
    for (let row = 0; row < adds.rows; row++) {
      const series = adds.series[row] as number;
      let id = ids[series] as number;
      if (id === UNKNOWN) {
        id = this.#idOf(keys.at(series) as SeriesKey, now);
        ids[series] = id;
      }
      const calls = adds.calls[row] as number;
      this.calls[id] = (this.calls[id] as number) + calls;
      this.updatedMs[id] = now.monotonicMs;
      if (durationSumNs !== undefined) {
        this.durationSumNs[id] = (this.durationSumNs[id] as number) + (durationSumNs[row] as number);
      }
      const from = row * width;
      const to = id * width;
      for (let i = 0; i < width; i++) this.buckets.add(to + i, buckets[from + i] as number);
      if (this.native !== undefined && histAt !== undefined) {
        this.native.add(id, row, adds as HistColumns);
        this.buckets.add(id, calls);
      }
      if (this.#overflowIds.size > 0 && this.#overflowIds.has(id)) this.overflowedCalls += calls;
    }
    if (adds.exemplars !== undefined) this.#keepExemplars(adds, adds.exemplars, ids);
  }

  /** The highest birth of series that began before. */
  birthsBefore(wallMs: number): number {
    let highest = 0;
    for (let id = 0; id < this.size; id++) {
      if ((this.createdMs[id] as number) < wallMs) highest = Math.max(highest, this.births[id] as number);
    }
    return highest;
  }

  /** Makes what `bodies` returns, and lets others run in between. */
  async prepare(kind: BodyKind): Promise<void> {
    for (let done = 0; done < this.size; done += PREPARED_AT_ONCE) {
      if (this.#extend(kind, done + PREPARED_AT_ONCE)) await setImmediate();
    }
  }

  /** The bytes of all series' labels; made once per kind. */
  bodies(kind: BodyKind): LabelBodies {
    this.#extend(kind, this.size);
    return this.#bodiesOf(kind);
  }

  /** Series that are counted in these ids from now on are new ones. */
  forget(ids: readonly number[]): void {
    const gone = new Uint8Array(this.size);
    for (const id of ids) {
      gone[id] = 1;
      this.#ids.delete(id);
      if (this.#overflowIds.delete(id)) this.#room.overflow--;
      this.#resources?.leave(this.resourceOf[id] as number);
      this.calls[id] = 0;
      this.durationSumNs[id] = 0;
      this.createdMs[id] = 0;
      this.buckets.clear(id * this.bucketCount, (id + 1) * this.bucketCount);
      this.native?.clear(id);
      this.exemplars?.clear(id);
      this.#free.push(id);
    }
    this.#room.used -= ids.length;
    // There is room again: who was counted in an overflow series may have one of its own.
    for (const id of this.#overflowIds) gone[id] = 1;
    for (const lane of this.#lanes.values()) {
      for (let i = 0; i < lane.length; i++) if (gone[lane[i] as number] === 1) lane[i] = UNKNOWN;
    }
  }

  #keepExemplars({ series }: SeriesAdds, exemplars: Exemplars, ids: Uint32Array): void {
    for (let i = 0; i < exemplars.rows; i++) {
      const id = ids[series[exemplars.deltaRow[i] as number] as number] as number;
      this.exemplars?.put(id, exemplars, i);
    }
  }

  /** Plain names look alike under every escaping but dots. */
  #bodiesOf(kind: BodyKind): LabelBodies {
    const isProto = kind.startsWith('protobuf');
    const plain: BodyKind = isProto ? `protobuf ${KEY_ESCAPING}` : KEY_ESCAPING;
    const kept = this.#isPlain && !kind.endsWith('dots') ? plain : kind;
    const known = this.#bodies.get(kept) ?? new LabelBodies();
    this.#bodies.set(kept, known);
    return known;
  }

  /** True when there was something to do. */
  #extend(kind: BodyKind, size: number): boolean {
    const bodies = this.#bodiesOf(kind);
    const from = bodies.size;
    for (let id = from; id < size && id < this.size; id++) {
      const isFree = this.createdMs[id] === 0;
      bodies.add(isFree ? '' : bodyOf(parseLabels(this.#texts.textOf(id)), kind));
    }
    return bodies.size > from;
  }

  #idsOf(lane: number, series: number): Uint32Array {
    let ids = this.#lanes.get(lane);
    if (ids !== undefined && ids.length >= series) return ids;
    const larger = new Uint32Array(Math.max(1024, series * 2)).fill(UNKNOWN);
    if (ids !== undefined) larger.set(ids);
    ids = larger;
    this.#lanes.set(lane, ids);
    const oldest = this.#lanes.keys().next().value;
    if (this.#lanes.size > LIVES && oldest !== undefined) this.#lanes.delete(oldest);
    return ids;
  }

  #idOf(key: SeriesKey, now: Moment): number {
    const room = this.#room;
    const known = this.#find(key, room.used - room.overflow < room.limit, now);
    if (known !== undefined) return known;
    const { kind, statusCode, service } = key;
    const dimensions = key.dimensions.map(() => null);
    const shared = { namespace: '', instance: '', spanName: OVERFLOW_WORD, kind, statusCode, dimensions };
    const hasRoom = room.overflow < Math.max(1024, room.limit >>> 3);
    const id =
      this.#find({ ...shared, service }, hasRoom, now) ??
      this.#find({ ...shared, service: OVERFLOW_WORD }, true, now);
    assert(id !== undefined, 'the last overflow series always has room');
    if (!this.#overflowIds.has(id)) room.overflow++;
    this.#overflowIds.add(id);
    return id;
  }

  /** The series with these labels; made when it is not there and may be. */
  #find(key: SeriesKey, isAdded: boolean, now: Moment): number | undefined {
    const labels = this.#labels.of(key);
    const body = Buffer.from(renderLabels(labels, KEY_ESCAPING));
    const known = this.#ids.find(body);
    if (known >= 0) return known;
    if (!isAdded) return undefined;
    const id = this.#add(key, labels, body);
    this.createdMs[id] = now.wallMs;
    return id;
  }

  #add(key: SeriesKey, labels: Labels, body: Buffer): number {
    const reused = this.#free.pop();
    const id = reused ?? this.size++;
    if (id === this.calls.length) this.#grow();
    this.#room.used++;
    this.births[id] = ++this.#room.births;
    this.#isPlain &&= labels.every(([name]) => isLegacyName(name));
    if (this.#resources !== undefined) this.resourceOf[id] = this.#resources.enter(key);
    if (reused === undefined) this.#texts.add(body);
    for (const [kind, bodies] of this.#bodies) {
      if (reused !== undefined && id < bodies.size) bodies.replace(id, bodyOf(labels, kind));
    }
    this.#ids.put(id, body);
    return id;
  }

  #grow(): void {
    this.calls = grown(this.calls);
    this.durationSumNs = grown(this.durationSumNs);
    this.createdMs = grown(this.createdMs);
    this.updatedMs = grown(this.updatedMs);
    this.births = grown(this.births);
    const resources = new Uint32Array(this.resourceOf.length * 2);
    resources.set(this.resourceOf);
    this.resourceOf = resources;
  }
}

const NOTHING = new Float64Array(0);

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function bodyOf(labels: Labels, kind: BodyKind): string | Buffer {
  if (!kind.startsWith('protobuf ')) return renderLabels(labels, kind as Escaping);
  return labelPairs(escapeLabels(labels, kind.slice('protobuf '.length) as Escaping));
}
