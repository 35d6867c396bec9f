import { type Block, insertToken } from '../flow/block.ts';
import type { SinkInputs } from '../flow/lane.ts';
import type { Dictionary } from '../span/dictionary.ts';
import { type DayTotal, DayTotals, encodeIngestLog, startOnOneDay } from './ingest-log.ts';
import { NativeBuffer } from './native/native-buffer.ts';
import { RedEncoder, type RedPart } from './native/red-encoder.ts';
import { SpanEncoder } from './native/span-encoder.ts';
import { encodeThroughput } from './native/throughput-encoder.ts';

export const TABLES = {
  spans: 'otel_traces',
  spanMetrics: 'span_metrics_10s',
  throughput: 'sampling_throughput',
  ingestLog: 'ingest_log',
} as const;

/** One insert: the bytes belong to the buffers that were given to `encode`. */
export interface EncodedInsert {
  readonly table: string;
  readonly token: string;
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** What a block becomes: data, in any order, and then the log of it. */
export interface EncodedBlock {
  readonly data: readonly EncodedInsert[];
  /** Undefined when there is no data, and no range of records to be accounted for. */
  readonly log: EncodedInsert | undefined;
  /** What the log says. */
  readonly totals: readonly DayTotal[];
}

/** The buffers of one block on its way. */
export class BlockBuffers {
  readonly spans = new NativeBuffer();
  readonly spanMetrics = new NativeBuffer();
  readonly throughput = new NativeBuffer(4096);
  readonly ingestLog = new NativeBuffer(4096);
}

/** Turns blocks into inserts, synchronously: rows are a function of the block and its origin alone. */
export class BlockEncoder {
  readonly #inputs: SinkInputs;
  readonly #spans: SpanEncoder;
  readonly #red = new RedEncoder();

  constructor(dictionary: Dictionary, inputs: SinkInputs) {
    this.#inputs = inputs;
    this.#spans = new SpanEncoder(dictionary);
  }

  encode(block: Block, buffers: BlockBuffers): EncodedBlock {
    const { origin } = block;
    const kafka = origin.kind === 'kafka' ? origin : undefined;
    const totals = new DayTotals();
    const data: EncodedInsert[] = [];
    const add = (table: string, buffer: NativeBuffer, rows: number): void => {
      data.push({ table, token: insertToken(table, origin), bytes: buffer.written(), rows });
    };
    if (this.#inputs.spans && block.batch.spans > 0) {
      buffers.spans.reset();
      const { batch } = block;
      const isOneDay = startOnOneDay(batch);
      this.#spans.encode(batch, kafka, isOneDay, buffers.spans, (from, end) =>
        totals.addSpans(TABLES.spans, batch, from, end),
      );
      add(TABLES.spans, buffers.spans, block.batch.spans);
    }
    const parts = this.#redParts(block);
    if (parts.length > 0) {
      buffers.spanMetrics.reset();
      this.#red.encode(parts, kafka, buffers.spanMetrics);
      for (const { rows } of parts) totals.addRed(TABLES.spanMetrics, rows);
      const rows = parts.reduce((sum, part) => sum + part.rows.rows, 0);
      add(TABLES.spanMetrics, buffers.spanMetrics, rows);
    }
    if (this.#inputs.throughput && block.throughput !== undefined && block.throughput.length > 0) {
      buffers.throughput.reset();
      encodeThroughput(block.throughput, kafka, buffers.throughput);
      totals.addThroughput(TABLES.throughput, block.throughput);
      add(TABLES.throughput, buffers.throughput, block.throughput.length);
    }
    if (data.length === 0 && kafka !== undefined) totals.addNothing(kafka);
    if (totals.all.length === 0) return { data, log: undefined, totals: totals.all };
    buffers.ingestLog.reset();
    encodeIngestLog(totals.all, origin, buffers.ingestLog);
    const log = {
      table: TABLES.ingestLog,
      token: insertToken(TABLES.ingestLog, origin),
      bytes: buffers.ingestLog.written(),
      rows: totals.all.length,
    };
    return { data, log, totals: totals.all };
  }

  #redParts(block: Block): RedPart[] {
    const parts: RedPart[] = [];
    for (const [id, connector] of this.#inputs.red) {
      const rows = block.red.get(id);
      if (rows === undefined || rows.rows === 0) continue;
      parts.push({ connector: id, series: connector.series, dimensions: connector.dimensions, rows });
    }
    return parts;
  }
}
