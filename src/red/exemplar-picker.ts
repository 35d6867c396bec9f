import { NONE, type SpanBatch } from '../span/span-batch.ts';
import { restNs, WINDOW_SECONDS, windowsBefore } from '../window/event-window.ts';
import { NO_ROW } from './red-aggregator.ts';
import type { Exemplars, RedRows } from './red-rows.ts';
import type { SeriesRegistry } from './series-registry.ts';
import { OWN_KEY } from './series-table.ts';

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/**
 * The first spans of each row that have a trace id, at most `perRow` of each. Overflow series have none: what
 * is counted there has little in common.
 */
export class ExemplarPicker {
  readonly #perRow: number;
  readonly #series: SeriesRegistry;
  /** Per row, how many it may still have. */
  #left = new Uint32Array(1024);
  #picked = new Uint32Array(1024);

  constructor(perRow: number, series: SeriesRegistry) {
    this.#perRow = perRow;
    this.#series = series;
  }

  /** `rowOfSpan` says where the batch's spans were counted. The columns of the result are fresh. */
  pick(batch: SpanBatch, rows: RedRows, rowOfSpan: Uint32Array): Exemplars {
    const count = this.#choose(batch, rows, rowOfSpan);
    const deltaRow = new Uint32Array(count);
    const traceIds = new Uint8Array(count * TRACE_ID_BYTES);
    const spanIds = new Uint8Array(count * SPAN_ID_BYTES);
    const durationNs = new Float64Array(count);
    const endMs = new Float64Array(count);
    for (let e = 0; e < count; e++) {
      const span = this.#picked[e] as number;
      deltaRow[e] = rowOfSpan[span] as number;
      copyId(batch.arena, batch.traceIdAt[span] as number, traceIds, e * TRACE_ID_BYTES, TRACE_ID_BYTES);
      copyId(batch.arena, batch.spanIdAt[span] as number, spanIds, e * SPAN_ID_BYTES, SPAN_ID_BYTES);
      const duration = batch.durationNs[span] as number;
      const high = batch.startHi[span] as number;
      const inWindowNs = restNs(high) + (batch.startLo[span] as number) + duration;
      durationNs[e] = duration;
      endMs[e] = windowsBefore(high) * WINDOW_SECONDS * 1000 + Math.floor(inWindowNs / 1e6);
    }
    return { rows: count, deltaRow, traceIds, spanIds, durationNs, endMs };
  }

  #choose({ spans, traceIdAt }: SpanBatch, rows: RedRows, rowOfSpan: Uint32Array): number {
    if (this.#left.length < rows.rows) this.#left = new Uint32Array(rows.rows * 2);
    const left = this.#left;
    for (let row = 0; row < rows.rows; row++) {
      left[row] = this.#hasLittleInCommon(rows.series[row] as number) ? 0 : this.#perRow;
    }
    let count = 0;
    for (let span = 0; span < spans; span++) {
      const row = rowOfSpan[span] as number;
      if (row === NO_ROW || left[row] === 0 || traceIdAt[span] === NONE) continue;
      left[row] = (left[row] as number) - 1;
      if (count === this.#picked.length) {
        const larger = new Uint32Array(count * 2);
        larger.set(this.#picked);
        this.#picked = larger;
      }
      this.#picked[count++] = span;
    }
    return count;
  }

  #hasLittleInCommon(series: number): boolean {
    return series >= OWN_KEY || this.#series.isOverflow(series);
  }
}

/** An id that is not there stays all zero. */
function copyId(from: Uint8Array, at: number, to: Uint8Array, toAt: number, length: number): void {
  if (at === NONE) return;
  for (let i = 0; i < length; i++) to[toAt + i] = from[at + i] as number;
}
