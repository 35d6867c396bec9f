import { gzipSync } from 'node:zlib';
import type { SeriesTotals } from '../ledger.ts';
import { seriesName } from '../support/compare.ts';
import { Workload } from '../workload.ts';

export const SPANS_PER_REQUEST = 512;
/** A workload's messages hold whole traces of ten, or one span each. */
const IN_WHOLE_TRACES = 510;

/** One ExportTraceServiceRequest, to be sent as often as one likes. */
export interface RequestBody {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
  /** Spans by series (see seriesName). */
  readonly series: ReadonlyMap<string, number>;
}

/** Different requests of 512 spans each. Repeated fields add up, so messages one after the other are one message. */
export function makeRequests(count: number, startNs: bigint): RequestBody[] {
  return Array.from({ length: count }, (_, i) => {
    const series = new Map<string, number>();
    const parts = [
      messagesOf(new Workload({ ...WHOLE, seed: 2 * i + 1, startNs }), series),
      messagesOf(new Workload({ ...REST, seed: 2 * i + 2, startNs }), series),
    ];
    const plain = Buffer.concat(parts);
    return { plain, gzipped: gzipSync(plain, { level: 1 }), series };
  });
}

const WHOLE = { spans: IN_WHOLE_TRACES, spansPerMessage: IN_WHOLE_TRACES };
const REST = { spans: SPANS_PER_REQUEST - IN_WHOLE_TRACES, spansPerMessage: 1 };

function messagesOf(workload: Workload, series: Map<string, number>): Buffer {
  const bytes = Buffer.concat([...workload.messages()]);
  for (const totals of workload.ledger.series) count(series, totals);
  return bytes;
}

function count(series: Map<string, number>, totals: SeriesTotals): void {
  if (totals.spans === 0) return;
  const name = seriesName(totals);
  series.set(name, (series.get(name) ?? 0) + totals.spans);
}

/** What must have been counted when request i was taken `taken[i]` times. */
export function expectedSeries(
  requests: readonly RequestBody[],
  taken: readonly number[],
): ReadonlyMap<string, number> {
  const expected = new Map<string, number>();
  for (const [i, { series }] of requests.entries()) {
    const times = taken[i] ?? 0;
    if (times === 0) continue;
    for (const [name, spans] of series) expected.set(name, (expected.get(name) ?? 0) + spans * times);
  }
  return expected;
}

/** How many series differ, and one of them as an example. */
export function differingSeries(
  expected: ReadonlyMap<string, number>,
  counted: ReadonlyMap<string, number>,
): { readonly count: number; readonly example: string } {
  let count = 0;
  let example = '';
  for (const name of new Set([...expected.keys(), ...counted.keys()])) {
    const [want = 0, seen = 0] = [expected.get(name), counted.get(name)];
    if (want === seen) continue;
    count++;
    example = `${name}: ${want} taken, ${seen} counted`;
  }
  return { count, example };
}
