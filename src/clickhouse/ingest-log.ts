import type { BlockOrigin, KafkaOrigin } from '../flow/block.ts';
import type { RedRows } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/roots/throughput-rows.ts';
import { NONE, type SpanBatch } from '../span/span-batch.ts';
import { WordColumn } from './native/columns.ts';
import type { NativeBuffer } from './native/native-buffer.ts';

/** What a block put into one table for one day. */
export interface DayTotal {
  readonly target: string;
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  rows: number;
  spans: number;
  /** Sum of the span ids as big-endian numbers, in halves that may have outgrown 32 bits. */
  spanIdLo: number;
  spanIdHi: number;
}

/** Totals by table and day; the order is that of first mention. */
export class DayTotals {
  readonly all: DayTotal[] = [];

  /** Spans [from, end) of the batch. */
  addSpans(target: string, batch: SpanBatch, from = 0, end = batch.spans): void {
    const { spanIdAt, startHi, startLo, view: ids } = batch;
    let total: DayTotal | undefined;
    for (let i = from; i < end; i++) {
      const day = dayOfNs(startLo[i] as number, startHi[i] as number);
      if (total === undefined || total.day !== day) total = this.#of(target, day);
      total.rows++;
      total.spans++;
      const at = spanIdAt[i] as number;
      if (at === NONE) continue;
      total.spanIdHi += ids.getUint32(at);
      total.spanIdLo += ids.getUint32(at + 4);
    }
  }

  addRed(target: string, red: RedRows): void {
    for (let i = 0; i < red.rows; i++) {
      const total = this.#of(target, dayOfSeconds(red.windowS[i] as number));
      total.rows++;
      total.spans += red.spans[i] as number;
    }
  }

  addThroughput(target: string, rows: ThroughputRows): void {
    for (const row of rows) {
      const total = this.#of(target, dayOfSeconds(row.windowS));
      total.rows++;
      total.spans += row.sampled.roots;
    }
  }

  /** What is said of a block that has no rows at all: the day is its first record's. */
  addNothing({ firstTimestampMs }: KafkaOrigin): void {
    this.#of('', dayOfSeconds(firstTimestampMs / 1000));
  }

  #of(target: string, day: number): DayTotal {
    const { all } = this;
    // Nearly always the last one that was asked for.
    for (let i = all.length - 1; i >= 0; i--) {
      const total = all[i] as DayTotal;
      if (total.day === day && total.target === target) return total;
    }
    const fresh: DayTotal = { target, day, rows: 0, spans: 0, spanIdLo: 0, spanIdHi: 0 };
    all.push(fresh);
    return fresh;
  }
}

/** Whether all spans start on the same day; of no spans that is not so. */
export function startOnOneDay({ spans, startHi, startLo }: SpanBatch): boolean {
  if (spans === 0) return false;
  let [lowest, highest] = [0, 0];
  for (let i = 1; i < spans; i++) {
    if (isBefore(i, lowest)) lowest = i;
    else if (isBefore(highest, i)) highest = i;
  }
  return dayOf(lowest) === dayOf(highest);

  function isBefore(a: number, b: number): boolean {
    // As signed numbers, for those beyond 2^63 are in the first day.
    const [hi, than] = [(startHi[a] as number) | 0, (startHi[b] as number) | 0];
    return hi < than || (hi === than && (startLo[a] as number) < (startLo[b] as number));
  }

  function dayOf(row: number): number {
    return dayOfNs(startLo[row] as number, startHi[row] as number);
  }
}

/** As ClickHouse's Date has it: what lies outside is the nearest day inside. */
const LAST_DAY = 0xffff;
const DAY_S = 86_400;

/** A day is 2^14 * 5,273,437,500 ns, so both divisions are exact. */
export function dayOfNs(lo: number, hi: number): number {
  if (hi >= 0x8000_0000) return 0;
  return Math.min(LAST_DAY, Math.floor((hi * 2 ** 18 + (lo >>> 14)) / 5_273_437_500));
}

export function dayOfSeconds(seconds: number): number {
  return Math.max(0, Math.min(LAST_DAY, Math.floor(seconds / DAY_S)));
}

/** What is said of spans that came in a request. */
const REQUEST = {
  partition: 0,
  firstOffset: 0,
  lastOffset: 0,
  revision: 0,
  firstTimestampMs: 0,
  lastTimestampMs: 0,
  records: 0,
  quarantined: 0,
};

/** Appends a Native block for ingest_log to `out`. */
export function encodeIngestLog(totals: readonly DayTotal[], origin: BlockOrigin, out: NativeBuffer): void {
  const rows = totals.length;
  const from = origin.kind === 'kafka' ? origin : REQUEST;
  const source = origin.kind === 'kafka' ? `${origin.clusterId}/${origin.topic}` : '';
  const sources = new WordColumn();
  const targets = new WordColumn();
  for (const { target } of totals) {
    sources.pushText(source);
    targets.pushText(target);
  }
  out.block(14, rows);
  sources.write(out, 'Source');
  out.column('Partition', 'UInt32');
  out.numbers(new Uint32Array(rows).fill(from.partition));
  writeSame(out, 'FirstOffset', from.firstOffset, rows);
  writeSame(out, 'LastOffset', from.lastOffset, rows);
  out.column('Revision', 'UInt32');
  out.numbers(new Uint32Array(rows).fill(from.revision));
  targets.write(out, 'Target');
  out.column('Day', 'Date');
  out.numbers(Uint16Array.from(totals, ({ day }) => day));
  out.column('Rows', 'UInt64');
  for (const total of totals) out.uint64(total.rows);
  out.column('Spans', 'UInt64');
  for (const total of totals) out.uint64(total.spans);
  out.column('SpanIdSum', 'UInt64');
  for (const total of totals) {
    const carry = Math.floor(total.spanIdLo / 2 ** 32);
    out.numbers(new Uint32Array([total.spanIdLo >>> 0, (total.spanIdHi + carry) >>> 0]));
  }
  writeSame(out, 'FirstTimestamp', Math.max(0, from.firstTimestampMs), rows, 'DateTime64(3)');
  writeSame(out, 'LastTimestamp', Math.max(0, from.lastTimestampMs), rows, 'DateTime64(3)');
  writeSame(out, 'Records', from.records, rows);
  writeSame(out, 'Quarantined', from.quarantined, rows);
}

function writeSame(out: NativeBuffer, name: string, value: number, rows: number, type = 'UInt64'): void {
  out.column(name, type);
  for (let i = 0; i < rows; i++) out.uint64(value);
}
