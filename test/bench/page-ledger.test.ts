import { expect, test } from 'vitest';
import { PageReader, pageDifferences } from '../../bench/kafka/page-ledger.ts';
import type { Ledger } from '../../bench/ledger.ts';

const labels = (operation: string): string =>
  `service_name="cart",span_kind="SPAN_KIND_SERVER",span_name="${operation}",status_code="STATUS_CODE_UNSET"`;
const D = 'traces_span_metrics_duration_milliseconds';
const PAGE = `# TYPE ${D} histogram
traces_span_metrics_calls_total{${labels('GET /')}} 3
${D}_bucket{${labels('GET /')},le="2"} 1
${D}_bucket{${labels('GET /')},le="+Inf"} 3
${D}_sum{${labels('GET /')}} 1.25e+01
${D}_count{${labels('GET /')}} 3
${D}_bucket{${labels('PUT /')},le="2"} 0
${D}_bucket{${labels('PUT /')},le="+Inf"} 10
${D}_sum{${labels('PUT /')}} 70
${D}_count{${labels('PUT /')}} 10
`;

function ledgerOf(spans: number, buckets: number[]): Ledger {
  const made = { service: 'cart', kind: 2, status: 0, roots: 0 };
  return {
    messages: 1,
    spans: spans + 10,
    bytes: 1,
    series: [
      { ...made, operation: 'GET /', spans, durationNs: 12_500_000, buckets: Uint32Array.from(buckets) },
      {
        ...made,
        operation: 'PUT /',
        spans: 10,
        durationNs: 70_000_000,
        buckets: Uint32Array.from([0, 10]),
      },
    ],
  };
}

test.each([1, 7, 4096])('a page is read in pieces of %i bytes', (size) => {
  const reader = new PageReader();
  const bytes = Buffer.from(PAGE);
  for (let at = 0; at < bytes.length; at += size) reader.add(bytes.subarray(at, at + size));
  expect(reader.totals).toEqual({
    counts: new Map([
      ['cart|GET /|SPAN_KIND_SERVER|STATUS_CODE_UNSET', 3],
      ['cart|PUT /|SPAN_KIND_SERVER|STATUS_CODE_UNSET', 10],
    ]),
    spans: 13,
    durationMs: 82.5,
    buckets: 14,
  });
});

test('a page is right when every series, the buckets and the durations are', () => {
  const reader = new PageReader();
  reader.add(Buffer.from(PAGE));
  expect(pageDifferences(reader.totals, ledgerOf(3, [1, 2]), 1)).toEqual([]);
  expect(pageDifferences(reader.totals, ledgerOf(3, [2, 1]), 1)).toEqual([
    'buckets add up to 14 instead of 15',
  ]);
  expect(pageDifferences(reader.totals, ledgerOf(4, [2, 2]), 1)).toEqual([
    'cart|GET /|SPAN_KIND_SERVER|STATUS_CODE_UNSET: 4 sent, 3 counted',
    'buckets add up to 14 instead of 16',
  ]);
  expect(pageDifferences(reader.totals, ledgerOf(3, [1, 2]), 2)).toHaveLength(4);
});
