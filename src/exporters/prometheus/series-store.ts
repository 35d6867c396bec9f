import { setImmediate } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import type { RedDelta, SeriesKey } from '../../red/red-rows.ts';
import { OVERFLOW_WORD } from '../../span/dictionary.ts';
import { type Labels, renderLabels, type SeriesLabels } from './labels.ts';
import { type Escaping, isLegacyName } from './names.ts';

/** Lanes' lives whose ids are remembered; one more begins only when a thread was started again. */
const LIVES = 64;
const UNKNOWN = 0xffffffff;
/** Series are told apart by their labels as they are before any escaping. */
const KEY_ESCAPING: Escaping = 'allow-utf-8';
const PREPARED_AT_ONCE = 1000;

/** Room for series, shared by the connectors of an exporter. */
export interface SeriesRoom {
  readonly limit: number;
  used: number;
}

/**
 * The cumulative series of one connector, over all lanes: numbers as columns, labels as bytes. Beyond the
 * limit series are counted in one per service, kind and status; once an eighth of the limit is used for
 * those, too, in one per kind and status.
 */
export class SeriesStore {
  readonly bucketCount: number;
  size = 0;
  /** Spans' weight counted in overflow series. Running total. */
  overflowedCalls = 0;
  calls = new Float64Array(1024);
  durationSumNs = new Float64Array(1024);
  /** Not cumulative: size x bucketCount. */
  buckets: Float64Array;
  readonly #labels: SeriesLabels;
  readonly #room: SeriesRoom;
  readonly #keys: SeriesKey[] = [];
  readonly #ids = new Map<string, number>();
  readonly #overflowIds = new Set<number>();
  /** Per lane's life: its series id -> ours. */
  readonly #lanes = new Map<number, Uint32Array>();
  readonly #bodies = new Map<Escaping, LabelBodies>();
  /** No label needs escaping. */
  #isPlain = true;

  constructor(labels: SeriesLabels, bucketCount: number, room: SeriesRoom) {
    this.#labels = labels;
    this.bucketCount = bucketCount;
    this.#room = room;
    this.buckets = new Float64Array(1024 * bucketCount);
  }

  /** `keys` says who the lane's series are. */
  apply(lane: number, delta: RedDelta, keys: readonly SeriesKey[]): void {
    const ids = this.#idsOf(lane, keys.length);
    const width = this.bucketCount;
    for (let row = 0; row < delta.rows; row++) {
      const series = delta.series[row] as number;
      let id = ids[series] as number;
      if (id === UNKNOWN) {
        id = this.#idOf(keys[series] as SeriesKey);
        ids[series] = id;
      }
      const calls = delta.calls[row] as number;
      this.calls[id] = (this.calls[id] as number) + calls;
      this.durationSumNs[id] = (this.durationSumNs[id] as number) + (delta.durationSumNs[row] as number);
      const from = row * width;
      const to = id * width;
      for (let i = 0; i < width; i++) {
        this.buckets[to + i] = (this.buckets[to + i] as number) + (delta.buckets[from + i] as number);
      }
      if (this.#overflowIds.size > 0 && this.#overflowIds.has(id)) this.overflowedCalls += calls;
    }
  }

  /** Makes what `bodies` returns, and lets others run in between. */
  async prepare(escaping: Escaping): Promise<void> {
    for (let done = 0; done < this.size; done += PREPARED_AT_ONCE) {
      if (this.#extend(escaping, done + PREPARED_AT_ONCE)) await setImmediate();
    }
  }

  /** The bytes of all series' labels; made once per escaping. */
  bodies(escaping: Escaping): LabelBodies {
    this.#extend(escaping, this.size);
    return this.#bodiesOf(escaping);
  }

  /** Plain names look alike under every escaping but dots. */
  #bodiesOf(escaping: Escaping): LabelBodies {
    const kept = this.#isPlain && escaping !== 'dots' ? KEY_ESCAPING : escaping;
    const known = this.#bodies.get(kept) ?? new LabelBodies();
    this.#bodies.set(kept, known);
    return known;
  }

  /** True when there was something to do. */
  #extend(escaping: Escaping, size: number): boolean {
    const bodies = this.#bodiesOf(escaping);
    const from = bodies.size;
    for (let id = from; id < size && id < this.size; id++) {
      bodies.add(renderLabels(this.#labels.of(this.#keys[id] as SeriesKey), escaping));
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

  #idOf(key: SeriesKey): number {
    const { limit, used } = this.#room;
    const known = this.#find(key, used < limit);
    if (known !== undefined) return known;
    const { kind, statusCode, service } = key;
    const dimensions = key.dimensions.map(() => null);
    const shared = { namespace: '', instance: '', spanName: OVERFLOW_WORD, kind, statusCode, dimensions };
    const hasRoom = used < limit + Math.max(1024, limit >>> 3);
    const id =
      this.#find({ ...shared, service }, hasRoom) ?? this.#find({ ...shared, service: OVERFLOW_WORD }, true);
    assert(id !== undefined, 'the last overflow series always has room');
    this.#overflowIds.add(id);
    return id;
  }

  /** The series with these labels; made when it is not there and may be. */
  #find(key: SeriesKey, isAdded: boolean): number | undefined {
    const labels = this.#labels.of(key);
    const body = renderLabels(labels, KEY_ESCAPING);
    const known = this.#ids.get(body);
    return known === undefined && isAdded ? this.#add(key, labels, body) : known;
  }

  #add(key: SeriesKey, labels: Labels, body: string): number {
    const id = this.size++;
    this.#room.used++;
    this.#keys.push(key);
    this.#ids.set(body, id);
    this.#isPlain &&= labels.every(([name]) => isLegacyName(name));
    this.#bodiesOf(KEY_ESCAPING).add(body);
    if (id === this.calls.length) {
      this.calls = grown(this.calls);
      this.durationSumNs = grown(this.durationSumNs);
      this.buckets = grown(this.buckets);
    }
    return id;
  }
}

/** Many label bodies in one buffer. */
export class LabelBodies {
  size = 0;
  bytes = Buffer.allocUnsafeSlow(1 << 16);
  /** Where body i begins; it ends where the next begins. */
  at = new Float64Array(1024);
  /** The longest body so far. */
  longest = 0;

  lengthOf(id: number): number {
    return (this.at[id + 1] as number) - (this.at[id] as number);
  }

  add(body: string): void {
    const length = Buffer.byteLength(body);
    const from = this.at[this.size] as number;
    if (from + length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow((from + length) * 2);
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    this.bytes.write(body, from);
    this.size++;
    if (this.size === this.at.length) this.at = grown(this.at);
    this.at[this.size] = from + length;
    if (length > this.longest) this.longest = length;
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
