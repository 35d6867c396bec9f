import type { Block } from '../flow/block.ts';
import type { SinkInputs } from '../flow/lane.ts';
import type { RedRows } from '../red/red-rows.ts';
import { type SeriesTable, seriesKeyOf } from '../red/series-table.ts';
import { NONE, type SpanBatch } from '../span/span-batch.ts';
import { TABLES } from './block-encoder.ts';
import { type DayTotal, dayOfNs, dayOfSeconds } from './ingest-log.ts';

/** What a block puts into one partition of one table: it is there as a whole or not at all. */
export interface BlockPart {
  readonly table: string;
  /** `_partition_id`: YYYYMMDD, YYYYMM, YYYY or "all". */
  readonly partitionId: string;
  /** The youngest day in it, since 1970-01-01 UTC: what the table's TTL counts from. */
  readonly newestDay: number;
  readonly proof: PartProof;
}

/** A row by which the part can be told from those of all other blocks, and what finds it by the table's indexes. */
export type PartProof =
  | {
      readonly kind: 'span';
      /** Start, ns since the epoch, decimal. */
      readonly startNs: string;
      readonly offset: number;
      /** Hex or ''. */
      readonly spanId: string;
      readonly traceId: string;
    }
  /** The marked row has this Ts, and ServiceName where that comes first in the table's order. */
  | { readonly kind: 'window'; readonly windowS: number; readonly service: string | undefined }
  /** The marked row is this trace's. */
  | { readonly kind: 'trace'; readonly traceId: string }
  | { readonly kind: 'log' };

type WindowProof = Extract<PartProof, { kind: 'window' }>;

/** A table and the targets of its views, which one insert fills. */
export interface PartFamily {
  readonly table: string;
  readonly parts: readonly BlockPart[];
}

export const VIEW_TARGETS = {
  traceSummary: 'trace_summary',
  minutes: 'span_metrics_1m',
  hours: 'span_metrics_1h',
  days: 'span_metrics_1d',
} as const;

/** All that a block reaches, by itself or through views. */
export const BLOCK_TABLES: readonly string[] = [...Object.values(TABLES), ...Object.values(VIEW_TARGETS)];

/** Tables with the same spans as the one that blocks' RED rows are written to. */
export const ROLLUPS: readonly string[] = [VIEW_TARGETS.minutes, VIEW_TARGETS.hours, VIEW_TARGETS.days];

/** Where the rows of a Kafka block have to be, the log left out. Takes its time: asked after trouble only. */
export function blockParts(block: Block, inputs: SinkInputs): PartFamily[] {
  const { batch, throughput } = block;
  const families: PartFamily[] = [];
  if (inputs.spans && batch.spans > 0) {
    families.push({ table: TABLES.spans, parts: [...spanParts(batch), ...traceParts(batch)] });
  }
  const windows = new MarkedWindows();
  for (const [id, connector] of inputs.red) {
    const rows = block.red.get(id);
    if (rows !== undefined) windows.pushRows(rows, connector.series);
  }
  if (windows.marked.size > 0) {
    const parts = [
      ...windows.byDay(TABLES.spanMetrics, 1),
      ...windows.byDay(VIEW_TARGETS.minutes, 60),
      ...windows.longer(VIEW_TARGETS.hours, 3600, MONTH_ID),
      ...windows.longer(VIEW_TARGETS.days, 86_400, YEAR_ID),
    ];
    families.push({ table: TABLES.spanMetrics, parts });
  }
  if (inputs.throughput && throughput !== undefined && throughput.length > 0) {
    const seen = new MarkedWindows();
    for (const { windowS } of throughput) seen.push(windowS, undefined);
    families.push({ table: TABLES.throughput, parts: seen.byDay(TABLES.throughput, 1) });
  }
  return families;
}

/** The block's rows in the log. */
export function logParts(totals: readonly DayTotal[]): PartFamily {
  const newestDay = totals.reduce((newest, { day }) => Math.max(newest, day), 0);
  const part: BlockPart = { table: TABLES.ingestLog, partitionId: 'all', newestDay, proof: { kind: 'log' } };
  return { table: TABLES.ingestLog, parts: [part] };
}

function spanParts(batch: SpanBatch): BlockPart[] {
  const parts = new Map<number, BlockPart>();
  for (let i = 0; i < batch.spans; i++) {
    const day = dayOfSpan(batch, i);
    if (parts.has(day)) continue;
    const proof: PartProof = {
      kind: 'span',
      startNs: startOf(batch, i),
      offset: batch.recordOffset[batch.record[i] as number] as number,
      spanId: hexOf(batch, batch.spanIdAt[i] as number, 8),
      traceId: hexOf(batch, batch.traceIdAt[i] as number, 16),
    };
    parts.set(day, { table: TABLES.spans, partitionId: dayId(day), newestDay: day, proof });
  }
  return [...parts.values()];
}

/** A trace's summary lies in the day of its first span in the block. */
function traceParts(batch: SpanBatch): BlockPart[] {
  const dayOf = new Map<string, number>();
  let days = 0;
  let lastDay = -1;
  for (let i = 0; i < batch.spans; i++) {
    const day = dayOfSpan(batch, i);
    if (day !== lastDay) days++;
    lastDay = day;
  }
  for (let i = 0; i < batch.spans; i++) {
    const at = batch.traceIdAt[i] as number;
    if (at === NONE) continue;
    const traceId = hexOf(batch, at, 16);
    dayOf.set(traceId, Math.min(dayOf.get(traceId) ?? Number.POSITIVE_INFINITY, dayOfSpan(batch, i)));
    // Of a block of one day only the first has the marker.
    if (days === 1) break;
  }
  const parts = new Map<number, BlockPart>();
  for (const [traceId, day] of dayOf) {
    if (parts.has(day)) continue;
    const proof: PartProof = { kind: 'trace', traceId };
    parts.set(day, { table: VIEW_TARGETS.traceSummary, partitionId: dayId(day), newestDay: day, proof });
  }
  return [...parts.values()];
}

/** The rows of a block that have the marker: the first of each day, as SeenColumn has it. */
class MarkedWindows {
  /** By day. */
  readonly marked = new Map<number, Omit<WindowProof, 'kind'>>();

  push(windowS: number, service: string | undefined): void {
    const day = dayOfSeconds(windowS);
    if (!this.marked.has(day)) this.marked.set(day, { windowS, service });
  }

  pushRows(red: RedRows, table: SeriesTable): void {
    const { rows, series, windowS } = red;
    let lastDay = -1;
    for (let i = 0; i < rows; i++) {
      const day = dayOfSeconds(windowS[i] as number);
      if (day === lastDay) continue;
      lastDay = day;
      this.push(windowS[i] as number, seriesKeyOf(table, red, series[i] as number).service);
    }
  }

  byDay(table: string, stepS: number): BlockPart[] {
    return [...this.marked].map(([day, mark]) => ({
      table,
      partitionId: dayId(day),
      newestDay: day,
      proof: windowProof(mark, stepS),
    }));
  }

  /** Partitions whose ids are the first `idLength` characters of a day's. */
  longer(table: string, stepS: number, idLength: number): BlockPart[] {
    const parts = new Map<string, BlockPart>();
    for (const [day, mark] of this.marked) {
      const partitionId = dayId(day).slice(0, idLength);
      const known = parts.get(partitionId) ?? {
        table,
        partitionId,
        newestDay: day,
        proof: windowProof(mark, stepS),
      };
      parts.set(partitionId, { ...known, newestDay: Math.max(known.newestDay, day) });
    }
    return [...parts.values()];
  }
}

function windowProof({ service, windowS }: Omit<WindowProof, 'kind'>, stepS: number): WindowProof {
  return { kind: 'window', windowS: windowS - (windowS % stepS), service };
}

/** Of YYYYMMDD. */
const MONTH_ID = 6;
const YEAR_ID = 4;

function dayId(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
}

function dayOfSpan({ startHi, startLo }: SpanBatch, row: number): number {
  return dayOfNs(startLo[row] as number, startHi[row] as number);
}

function startOf({ startHi, startLo }: SpanBatch, row: number): string {
  const ns = (BigInt(startHi[row] as number) << 32n) | BigInt(startLo[row] as number);
  return String(BigInt.asIntN(64, ns));
}

function hexOf({ arena }: SpanBatch, at: number, length: number): string {
  return at === NONE ? '' : arena.subarray(at, at + length).toString('hex');
}
