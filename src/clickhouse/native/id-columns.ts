import type { SpanBatch } from '../../span/span-batch.ts';
import { hexColumnBytes, writeHexRows } from './hex.ts';
import type { NativeBuffer } from './native-buffer.ts';

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** TraceId, SpanId and ParentSpanId: room is made for all of them, then rows are written into all three. */
export class IdColumns {
  #traceTo = 0;
  #spanTo = 0;
  #parentTo = 0;

  begin({ parentIdAt, spanIdAt, spans, traceIdAt }: SpanBatch, out: NativeBuffer): void {
    this.#traceTo = beginColumn(out, 'TraceId', hexColumnBytes(traceIdAt, spans, TRACE_ID_BYTES));
    this.#spanTo = beginColumn(out, 'SpanId', hexColumnBytes(spanIdAt, spans, SPAN_ID_BYTES));
    this.#parentTo = beginColumn(out, 'ParentSpanId', hexColumnBytes(parentIdAt, spans, SPAN_ID_BYTES));
  }

  /** The next rows: those from `from` up to `end`. */
  write(
    { parentIdAt, spanIdAt, traceIdAt, view }: SpanBatch,
    out: NativeBuffer,
    from: number,
    end: number,
  ): void {
    const rows = { from, end };
    const trace = { at: traceIdAt, length: TRACE_ID_BYTES };
    const span = { at: spanIdAt, length: SPAN_ID_BYTES };
    const parent = { at: parentIdAt, length: SPAN_ID_BYTES };
    this.#traceTo = writeHexRows({ view: out.view, to: this.#traceTo }, view, trace, rows);
    this.#spanTo = writeHexRows({ view: out.view, to: this.#spanTo }, view, span, rows);
    this.#parentTo = writeHexRows({ view: out.view, to: this.#parentTo }, view, parent, rows);
  }
}

/** Returns where its first row goes. */
function beginColumn(out: NativeBuffer, name: string, bytes: number): number {
  out.column(name, 'String');
  out.reserve(bytes);
  const at = out.length;
  out.length += bytes;
  return at;
}
