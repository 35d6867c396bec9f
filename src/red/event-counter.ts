import type { Dictionary } from '../span/dictionary.ts';
import { EventCursor } from '../span/event-cursors.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import { BlockRows, NUMBERS } from './block-rows.ts';
import { DimensionReader, type DimensionSpec } from './dimension-reader.ts';
import type { EventRows, SeriesKey } from './red-rows.ts';
import { SeriesRegistry } from './series-registry.ts';

export interface EventCounterOptions extends DimensionSpec {
  readonly seriesLimit: number;
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
  readonly #rows: BlockRows;
  readonly #cursor = new EventCursor();
  readonly #mask: number;

  constructor(dictionary: Dictionary, options: EventCounterOptions) {
    const reader = new DimensionReader(options, options.seriesLimit);
    this.#reader = reader;
    this.#mask = options.mask;
    this.series = new SeriesRegistry(dictionary, {
      limit: options.seriesLimit,
      dimensionsOf: (tuple) => options.shown(reader.valuesOf(tuple)),
      extraOf: (tuple) => reader.extraOf(tuple),
    });
    this.#rows = new BlockRows(this.series, 0);
  }

  /** The columns of the result are fresh. */
  count(batch: SpanBatch): EventRows {
    const rows = this.#rows;
    const cursor = this.#cursor;
    const { spans, arena, resource, resourceIdentity, nameId, kind, statusCode, eventsAt, eventsEnd } = batch;
    rows.clear();
    this.#reader.begin(batch);
    for (let i = 0; i < spans; i++) {
      const at = eventsAt[i] as number;
      const end = eventsEnd[i] as number;
      const identity = resourceIdentity[resource[i] as number] as number;
      if (at === end || identity === 0) continue;
      const ids = ((nameId[i] as number) << 5) | ((kind[i] as number) << 2) | (statusCode[i] as number);
      cursor.reset(arena, at, end);
      while (cursor.next()) {
        const tuple = this.#reader.tupleOfEvent(i, cursor.messageAt, cursor.messageEnd);
        const row = rows.rowOf(identity, (ids & this.#mask) >>> 0, tuple, 0);
        const count = row * NUMBERS + COUNT;
        rows.numbers[count] = (rows.numbers[count] as number) + (batch.weight[i] as number);
      }
    }
    const count = new Float64Array(rows.rows);
    for (let row = 0; row < rows.rows; row++) count[row] = rows.numbers[row * NUMBERS + COUNT] as number;
    return { rows: rows.rows, series: rows.series.slice(0, rows.rows), count };
  }
}
