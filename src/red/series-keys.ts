import type { SeriesKey } from './red-rows.ts';
import { SlotTable } from './slot-table.ts';

/** Who series are, by id; an array is one, too. */
export interface SeriesLookup {
  /** Above all ids. */
  readonly length: number;
  /** Undefined where nobody is known by the id. */
  at(series: number): SeriesKey | undefined;
}

const STRIDE = 4;
const [RESOURCE, NAME, TRAITS, TAIL] = [0, 1, 2, 3] as const;
/** In `TRAITS`: somebody is known by the id. */
const KNOWN = 1 << 31;
const HAS_EXTRA = 1 << 30;
const NO_DIMENSIONS: readonly (string | null)[] = Object.freeze([]);

/** Keys of many series as columns: 16 bytes each, 4 more for each dimension, and each word once. */
export class SeriesKeys implements SeriesLookup {
  length = 0;
  /** Per id: a resource, a word, kind << 2 | status and what `TAIL` holds; where the tail begins. */
  #columns = new Uint32Array(256 * STRIDE);
  /** Numbers of dimensions, then their words + 1 (0 = null); where there are extra labels those, too. */
  #tails = new Uint32Array(1024);
  #tailsUsed = 1;
  readonly #words: string[] = [];
  readonly #wordIds = new Map<string, number>();
  /** Words of a resource, and the place of these three in `#resources`. */
  readonly #resourceIds = new SlotTable();
  readonly #resources: Pick<SeriesKey, 'service' | 'namespace' | 'instance'>[] = [];

  at(series: number): SeriesKey | undefined {
    if (series >= this.length) return undefined;
    const at = series * STRIDE;
    const traits = this.#columns[at + TRAITS] as number;
    if ((traits & KNOWN) === 0) return undefined;
    const { service, namespace, instance } = this.#resources[
      this.#columns[at + RESOURCE] as number
    ] as SeriesKey;
    const tail = this.#columns[at + TAIL] as number;
    const key = {
      service,
      namespace,
      instance,
      spanName: this.#words[this.#columns[at + NAME] as number] as string,
      kind: (traits >>> 2) & 7,
      statusCode: traits & 3,
      dimensions: tail === 0 ? NO_DIMENSIONS : this.#dimensions(tail),
    };
    return (traits & HAS_EXTRA) === 0 ? key : { ...key, extra: this.#extra(tail) };
  }

  set(series: number, key: SeriesKey): void {
    const at = series * STRIDE;
    if (at >= this.#columns.length) this.#columns = grown(this.#columns, at + STRIDE);
    if (series >= this.length) this.length = series + 1;
    const { kind, statusCode, extra } = key;
    this.#columns[at + RESOURCE] = this.#resourceOf(key);
    this.#columns[at + NAME] = this.#wordOf(key.spanName);
    this.#columns[at + TRAITS] = KNOWN | (extra === undefined ? 0 : HAS_EXTRA) | (kind << 2) | statusCode;
    this.#columns[at + TAIL] = this.#tailOf(key);
  }

  #wordOf(word: string): number {
    let id = this.#wordIds.get(word);
    if (id === undefined) {
      id = this.#words.push(word) - 1;
      this.#wordIds.set(word, id);
    }
    return id;
  }

  #resourceOf({ service, namespace, instance }: SeriesKey): number {
    const words = [this.#wordOf(service), this.#wordOf(namespace), this.#wordOf(instance)] as const;
    const known = this.#resourceIds.find(...words);
    if (known >= 0) return known;
    const id = this.#resources.push({ service, namespace, instance }) - 1;
    this.#resourceIds.put(id, ...words);
    return id;
  }

  #tailOf({ dimensions, extra }: SeriesKey): number {
    if (dimensions.length === 0 && extra === undefined) return 0;
    const tail = this.#tailsUsed;
    const most = tail + 2 + dimensions.length + 2 * (extra?.length ?? 0);
    if (most > this.#tails.length) this.#tails = grown(this.#tails, most);
    let used = tail;
    this.#tails[used++] = dimensions.length;
    for (const value of dimensions) this.#tails[used++] = value === null ? 0 : this.#wordOf(value) + 1;
    if (extra !== undefined) {
      this.#tails[used++] = extra.length;
      for (const [name, value] of extra) {
        this.#tails[used++] = this.#wordOf(name);
        this.#tails[used++] = this.#wordOf(value);
      }
    }
    this.#tailsUsed = used;
    return tail;
  }

  #dimensions(tail: number): (string | null)[] {
    const words = this.#tails.subarray(tail + 1, tail + 1 + (this.#tails[tail] as number));
    return Array.from(words, (word) => (word === 0 ? null : (this.#words[word - 1] as string)));
  }

  #extra(tail: number): (readonly [string, string])[] {
    const at = tail + 1 + (this.#tails[tail] as number);
    return Array.from({ length: this.#tails[at] as number }, (_, i) => [
      this.#words[this.#tails[at + 1 + 2 * i] as number] as string,
      this.#words[this.#tails[at + 2 + 2 * i] as number] as string,
    ]);
  }
}

function grown(column: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(least, column.length * 2));
  larger.set(column);
  return larger;
}
