import { MAX_INDEX, MIN_INDEX, ZERO_INDEX } from '../sketch/exponential.ts';
import type { EventDelta, EventRows, Exemplars, RedDelta, RedRows, SeriesKey } from './red-rows.ts';
import { OWN_KEY, type SeriesTable, seriesKeyOf } from './series-table.ts';

/** 0 for zero durations, then one per exponential bucket: sorts as the indexes do. */
const CODES = MAX_INDEX - MIN_INDEX + 2;

/**
 * Folds the windows of RED rows together for the cumulative series, and remembers which series and resources
 * it has already told of. One per connector and receiver of the deltas.
 */
export class DeltaFolder {
  readonly #series: SeriesTable;
  readonly #eventSeries: SeriesTable | undefined;
  #seriesTold = 0;
  #eventSeriesTold = 0;
  #resourcesTold = 0;
  /** Per series id: row of the delta + `#base` + 1. */
  #rowOf = new Uint32Array(1024);
  #base = 0;
  readonly #counts = new Float64Array(CODES);

  constructor(series: SeriesTable, eventSeries?: SeriesTable) {
    this.#series = series;
    this.#eventSeries = eventSeries;
  }

  /** The columns of the delta are fresh, or taken over from `rows`, which must not be used any more. */
  fold(rows: RedRows): RedDelta {
    // A block mostly lies in one window. Then its rows are one a series, and there is nothing to fold.
    const isOnePerSeries = rows.ownKeys === undefined && isOneWindow(rows);
    const columns = isOnePerSeries ? ownColumns(rows) : this.#folded(rows);
    const { size, resources } = this.#series;
    const firstNewSeries = this.#seriesTold;
    const newSeries = Array.from({ length: size - firstNewSeries }, (_, i) =>
      seriesKeyOf(this.#series, rows, firstNewSeries + i),
    );
    const newResources = resources.slice(this.#resourcesTold);
    this.#seriesTold = size;
    this.#resourcesTold = resources.length;
    const delta = { ...columns, firstNewSeries, newSeries, newResources };
    return rows.events === undefined ? delta : { ...delta, events: this.#events(rows.events) };
  }

  #events({ rows, series, count }: EventRows): EventDelta {
    const table = this.#eventSeries;
    const firstNewSeries = this.#eventSeriesTold;
    const size = table?.size ?? 0;
    const newSeries: SeriesKey[] = [];
    for (let id = firstNewSeries; id < size; id++) newSeries.push((table as SeriesTable).keyOf(id));
    this.#eventSeriesTold = size;
    return { rows, series, count, firstNewSeries, newSeries };
  }

  #folded(rows: RedRows): DeltaColumns {
    const target = this.#targets(rows);
    const folded = target.series.length;
    const calls = new Float64Array(folded);
    const durationSumNs = new Float64Array(folded);
    const durationMaxNs = new Float64Array(folded);
    const width = rows.rows === 0 ? 0 : rows.buckets.length / rows.rows;
    const buckets = new Float64Array(folded * width);
    for (let row = 0; row < rows.rows; row++) {
      const to = target.rowOf[row] as number;
      calls[to] = (calls[to] as number) + (rows.calls[row] as number);
      durationSumNs[to] = (durationSumNs[to] as number) + (rows.durationSumNs[row] as number);
      durationMaxNs[to] = Math.max(durationMaxNs[to] as number, rows.durationMaxNs[row] as number);
      const from = row * width;
      for (let i = 0; i < width; i++) {
        buckets[to * width + i] = (buckets[to * width + i] as number) + (rows.buckets[from + i] as number);
      }
    }
    return {
      rows: folded,
      series: target.series,
      calls,
      durationSumNs,
      durationMaxNs,
      buckets,
      ...this.#foldHistograms(rows, target.rowOf, folded),
      ...(rows.exemplars === undefined ? {} : { exemplars: inRows(rows.exemplars, target.rowOf) }),
    };
  }

  /** Per row, the row it is folded into; per folded row, its series. */
  #targets(rows: RedRows): { series: Uint32Array; rowOf: Uint32Array } {
    const ids = this.#inTable(rows);
    const known = this.#mapFor(this.#series.size);
    const rowOf = new Uint32Array(rows.rows);
    const series = new Uint32Array(rows.rows);
    const base = this.#base;
    let folded = 0;
    for (let row = 0; row < rows.rows; row++) {
      const id = ids[row] as number;
      let to = (known[id] as number) - base - 1;
      if (to < 0) {
        to = folded++;
        series[to] = id;
        known[id] = base + to + 1;
      }
      rowOf[row] = to;
    }
    this.#base += folded;
    return { series: series.slice(0, folded), rowOf };
  }

  /** The series of the rows; those that the table has no room for are counted in its overflow series. */
  #inTable({ ownKeys, series }: RedRows): Uint32Array {
    if (ownKeys === undefined) return series;
    return series.map((id) =>
      id < OWN_KEY ? id : this.#series.overflowOf(ownKeys[id - OWN_KEY] as SeriesKey),
    );
  }

  #mapFor(size: number): Uint32Array {
    if (this.#rowOf.length < size || this.#base > 0x7fff_ffff) {
      this.#rowOf = new Uint32Array(Math.max(size * 2, this.#rowOf.length));
      this.#base = 0;
    }
    return this.#rowOf;
  }

  #foldHistograms(rows: RedRows, rowOf: Uint32Array, folded: number) {
    const histAt = new Uint32Array(folded + 1);
    if (rows.histEntries === 0) {
      return { histAt, histIndex: new Int16Array(0), histCount: new Float64Array(0) };
    }
    const members = membersOf(rowOf, folded);
    const histIndex = new Int16Array(rows.histEntries);
    const histCount = new Float64Array(rows.histEntries);
    let out = 0;
    for (let to = 0; to < folded; to++) {
      let lowest = CODES;
      let highest = -1;
      for (let m = members.at[to] as number; m < (members.at[to + 1] as number); m++) {
        const row = members.rows[m] as number;
        for (let e = rows.histAt[row] as number; e < (rows.histAt[row + 1] as number); e++) {
          const index = rows.histIndex[e] as number;
          const code = index === ZERO_INDEX ? 0 : index - MIN_INDEX + 1;
          this.#counts[code] = (this.#counts[code] as number) + (rows.histCount[e] as number);
          if (code < lowest) lowest = code;
          if (code > highest) highest = code;
        }
      }
      for (let code = lowest; code <= highest; code++) {
        const count = this.#counts[code] as number;
        if (count === 0) continue;
        this.#counts[code] = 0;
        histIndex[out] = code === 0 ? ZERO_INDEX : code + MIN_INDEX - 1;
        histCount[out++] = count;
      }
      histAt[to + 1] = out;
    }
    return { histAt, histIndex: histIndex.slice(0, out), histCount: histCount.slice(0, out) };
  }
}

type DeltaColumns = Omit<RedDelta, 'firstNewSeries' | 'newSeries' | 'newResources' | 'events'>;

function inRows(exemplars: Exemplars, rowOf: Uint32Array): Exemplars {
  return { ...exemplars, deltaRow: exemplars.deltaRow.map((row) => rowOf[row] as number) };
}

function isOneWindow({ rows, windowS }: RedRows): boolean {
  for (let row = 1; row < rows; row++) if (windowS[row] !== windowS[0]) return false;
  return true;
}

function ownColumns(from: RedRows): DeltaColumns {
  const { rows, series, calls, durationSumNs, durationMaxNs, buckets, histAt, histIndex, histCount } = from;
  const columns = {
    rows,
    series,
    calls,
    durationSumNs,
    durationMaxNs,
    buckets,
    histAt,
    histIndex,
    histCount,
  };
  return from.exemplars === undefined ? columns : { ...columns, exemplars: from.exemplars };
}

/** Rows grouped by the folded row that they belong to. */
function membersOf(rowOf: Uint32Array, folded: number): { at: Uint32Array; rows: Uint32Array } {
  const at = new Uint32Array(folded + 1);
  for (const to of rowOf) at[to + 1] = (at[to + 1] as number) + 1;
  for (let to = 1; to <= folded; to++) at[to] = (at[to] as number) + (at[to - 1] as number);
  const next = at.slice();
  const rows = new Uint32Array(rowOf.length);
  for (let row = 0; row < rowOf.length; row++) {
    const to = rowOf[row] as number;
    const place = next[to] as number;
    rows[place] = row;
    next[to] = place + 1;
  }
  return { at, rows };
}
