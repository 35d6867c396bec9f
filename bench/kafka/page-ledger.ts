import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger.ts';
import { differences, labelledSeries } from '../support/compare.ts';

const DURATION = 'traces_span_metrics_duration_milliseconds';
const [COUNT, SUM, BUCKET] = [`${DURATION}_count{`, `${DURATION}_sum{`, `${DURATION}_bucket{`].map((text) =>
  Buffer.from(text),
) as [Buffer, Buffer, Buffer];
const NEW_LINE = 10;
const SPACE = 32;

/** What a page of metrics says of all series; read in passing, since a page of a million series has gigabytes. */
export interface PageTotals {
  readonly counts: ReadonlyMap<string, number>;
  readonly spans: number;
  readonly durationMs: number;
  /** Sum of all cumulative buckets. */
  readonly buckets: number;
}

export async function readPage(url: string): Promise<PageTotals> {
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const reader = new PageReader();
  for await (const chunk of response.body) reader.add(chunk as Uint8Array);
  return reader.totals;
}

/** Takes the text of a page in pieces, cut anywhere. */
export class PageReader {
  readonly totals = { counts: new Map<string, number>(), spans: 0, durationMs: 0, buckets: 0 };
  #rest: Buffer = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(NEW_LINE); to >= 0; to = bytes.indexOf(NEW_LINE, from)) {
      this.#line(bytes, from, to);
      from = to + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(from));
  }

  #line(bytes: Buffer, from: number, to: number): void {
    const { totals } = this;
    if (startsWith(bytes, from, BUCKET)) {
      totals.buckets += valueBefore(bytes, to);
    } else if (startsWith(bytes, from, COUNT)) {
      const value = valueBefore(bytes, to);
      totals.spans += value;
      const series = labelledSeries(bytes.toString('utf8', from, to));
      totals.counts.set(series, (totals.counts.get(series) ?? 0) + value);
    } else if (startsWith(bytes, from, SUM)) {
      totals.durationMs += valueBefore(bytes, to);
    }
  }
}

function startsWith(bytes: Buffer, at: number, text: Buffer): boolean {
  return bytes.compare(text, 0, text.length, at, Math.min(bytes.length, at + text.length)) === 0;
}

/** The number behind the last space of the line that ends at `to`. */
function valueBefore(bytes: Buffer, to: number): number {
  let at = to;
  let value = 0;
  for (let scale = 1; bytes[at - 1] !== SPACE; scale *= 10) {
    const digit = (bytes[--at] as number) - 48;
    if (digit < 0 || digit > 9) return Number(bytes.toString('latin1', bytes.lastIndexOf(SPACE, to) + 1, to));
    value += digit * scale;
  }
  return value;
}

/**
 * What differs between a page and a ledger that was counted `times` over: each series' count, all buckets
 * exactly, and the sum of durations to 1e-9. [] when nothing does.
 */
export function pageDifferences(page: PageTotals, ledger: Ledger, times: number): string[] {
  const found = differences(ledger, page.counts, times);
  const buckets = times * cumulativeBuckets(ledger);
  if (page.buckets !== buckets) found.push(`buckets add up to ${page.buckets} instead of ${buckets}`);
  const durationMs = (times * ledger.series.reduce((sum, series) => sum + series.durationNs, 0)) / 1e6;
  if (Math.abs(page.durationMs / durationMs - 1) > 1e-9)
    found.push(`durations add up to ${page.durationMs} ms instead of ${durationMs}`);
  return found;
}

function cumulativeBuckets(ledger: Ledger): number {
  let sum = 0;
  for (const { buckets } of ledger.series) {
    for (let i = 0; i < buckets.length; i++) sum += (buckets[i] as number) * (buckets.length - i);
  }
  return sum;
}

/** Eight hex digits of what was counted, by series: equal work has equal digits. */
export function checksum(page: PageTotals): string {
  const hash = createHash('sha256');
  for (const series of [...page.counts.keys()].sort()) hash.update(`${series} ${page.counts.get(series)}\n`);
  return hash.update(String(page.buckets)).digest('hex').slice(0, 8);
}
