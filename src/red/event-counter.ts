import type { Dictionary } from '../span/dictionary.ts';
import { EventCursor } from '../span/event-cursors.ts';
import { Interner } from '../span/interner.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import { BlockRows, NUMBERS, ROW_KEY } from './block-rows.ts';
import { BlockWords, seriesDescriber } from './block-words.ts';
import { DimensionReader, type DimensionSpec } from './dimension-reader.ts';
import type { EventRows, SeriesKey } from './red-rows.ts';
import { NO_SERIES, SeriesRegistry } from './series-registry.ts';

export interface EventCounterOptions extends DimensionSpec {
  readonly seriesLimit: number;
  /** By which idle series make room; without it none does. */
  readonly monotonicMs?: () => number;
  /** Ids in span names are replaced. */
  readonly templates?: boolean;
  /** Which bits of name id << 5 | kind << 2 | status count, as the aggregator of the spans has it. */
  readonly mask: number;
  /** What a series shows of the values read, which are as `dimensions` and the rest of the spec has them. */
  readonly shown: (values: readonly (string | null)[]) => SeriesKey['dimensions'];
}

/** Which of BlockRows' numbers is the weighted count. */
const COUNT = 1;

/** Counts span events per series of its own: what spans are told apart by, and attributes of the events. */
export class EventCounter {
  readonly series: SeriesRegistry;
  readonly #reader: DimensionReader;
  readonly #rows = new BlockRows(0);
  readonly #words: BlockWords;
  readonly #describe: ReturnType<typeof seriesDescriber>;
  readonly #cursor = new EventCursor();
  readonly #mask: number;
  readonly #templates: boolean;
  readonly #monotonicMs: () => number;

  constructor(dictionary: Dictionary, options: EventCounterOptions) {
    const reader = new DimensionReader(options, options.seriesLimit);
    this.#reader = reader;
    this.#mask = options.mask;
    this.#templates = options.templates === true;
    this.#monotonicMs = options.monotonicMs ?? (() => 0);
    this.#words = new BlockWords(dictionary);
    this.#describe = seriesDescriber(this.#words, {
      dimensionsOf: (tuple) => options.shown(reader.valuesOf(tuple)),
      extraOf: (tuple) => reader.extraOf(tuple),
    });
    this.series = new SeriesRegistry({ limit: options.seriesLimit, describe: this.#describe });
  }

  /** The columns of the result are fresh. */
  count(batch: SpanBatch): EventRows {
    const rows = this.#rows;
    const cursor = this.#cursor;
    const { spans, arena, resource, nameId, kind, statusCode, eventsAt, eventsEnd } = batch;
    rows.clear();
    this.series.at(this.#monotonicMs());
    this.#reader.begin(batch);
    const identityOf = this.#words.begin(batch);
    for (let i = 0; i < spans; i++) {
      const at = eventsAt[i] as number;
      const end = eventsEnd[i] as number;
      const identity = identityOf[resource[i] as number] as number;
      if (at === end || identity === 0) continue;
      let name = nameId[i] as number;
      if (name === Interner.OVERFLOW) name = this.#words.localName(batch, i);
      if (this.#templates) name = this.#words.templateOf(name);
      const ids = (name << 5) | ((kind[i] as number) << 2) | (statusCode[i] as number);
      cursor.reset(arena, at, end);
      while (cursor.next()) {
        const tuple = this.#reader.tupleOfEvent(i, cursor.messageAt, cursor.messageEnd);
        const row = rows.rowOf(identity, (ids & this.#mask) >>> 0, tuple, 0);
        const count = row * NUMBERS + COUNT;
        rows.numbers[count] = (rows.numbers[count] as number) + (batch.weight[i] as number);
      }
    }
    return this.#emit();
  }

  #emit(): EventRows {
    const { keys, numbers, rows } = this.#rows;
    const count = new Float64Array(rows);
    const series = new Uint32Array(rows);
    /** Series without room meet in one row. */
    const rowOfOverflow = new Map<number, number>();
    let shown = 0;
    for (let row = 0; row < rows; row++) {
      const at = row * ROW_KEY;
      const [identity, ids, tuple] = [keys[at] as number, keys[at + 1] as number, keys[at + 2] as number];
      const own = this.series.idOf(identity, ids, tuple);
      const id = own === NO_SERIES ? this.series.overflowOf(this.#describe(identity, ids, tuple)) : own;
      const to = rowOfOverflow.get(id) ?? shown++;
      if (this.series.isOverflow(id)) rowOfOverflow.set(id, to);
      series[to] = id;
      count[to] = (count[to] as number) + (numbers[row * NUMBERS + COUNT] as number);
    }
    return { rows: shown, series: series.slice(0, shown), count: count.slice(0, shown) };
  }
}
