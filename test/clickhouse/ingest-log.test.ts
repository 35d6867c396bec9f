import { expect, test } from 'vitest';
import { DayTotals, startOnOneDay } from '../../src/clickhouse/ingest-log.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto, type TestSpan } from '../support/spans.ts';

function batchOf(spans: readonly TestSpan[]): SpanBatch {
  const batch = new SpanBatch();
  new OtlpScanner(new Dictionary()).append(batch, encodeProto([{ service: 's', spans }]), {
    offset: 0,
    timestampMs: 0,
  });
  return batch;
}

function totalsOf(spans: readonly TestSpan[]): DayTotals['all'] {
  const batch = batchOf(spans);
  const totals = new DayTotals();
  totals.addSpans('t', batch);
  return totals.all;
}

test('a span belongs to the day that ClickHouse puts it in, to the nanosecond', () => {
  const midnight = 19_675n * 86_400n * 1_000_000_000n;
  const days = totalsOf([{ startNs: midnight - 1n }, { startNs: midnight }, { startNs: midnight - 2n }]);
  expect(days.map(({ day, rows }) => [day, rows])).toEqual([
    [19_674, 2],
    [19_675, 1],
  ]);
});

test('times beyond the calendar are in its last or first day', () => {
  const days = totalsOf([
    { startNs: 2n ** 63n - 1n, endNs: 2n ** 63n - 1n },
    { startNs: 2n ** 64n - 1n, endNs: 2n ** 64n - 1n },
    { startNs: 0n, endNs: 0n },
  ]);
  expect(days.map(({ day, rows }) => [day, rows])).toEqual([
    [65_535, 1],
    [0, 2],
  ]);
});

test('spans are of one day when all of them are, in whatever order they come', () => {
  const midnight = 19_675n * 86_400n * 1_000_000_000n;
  const isOneDay = (...starts: bigint[]): boolean =>
    startOnOneDay(batchOf(starts.map((startNs) => ({ startNs, endNs: startNs }))));
  expect(isOneDay(midnight)).toBe(true);
  expect(isOneDay(midnight + 86_399_999_999_999n, midnight, midnight + 7n)).toBe(true);
  expect(isOneDay(midnight + 7n, midnight + 9n, midnight - 1n)).toBe(false);
  expect(isOneDay(midnight + 7n, midnight + 86_400_000_000_000n, midnight)).toBe(false);
  // In the first day, as ClickHouse has it.
  expect(isOneDay(2n ** 64n - 1n, 0n)).toBe(true);
  expect(isOneDay(2n ** 64n - 1n, midnight)).toBe(false);
  expect(isOneDay()).toBe(false);
});

test('span ids are summed as big-endian numbers; a missing one counts nothing', () => {
  const [total] = totalsOf([{ spanId: '00000001ffffffff' }, { spanId: '0000000000000001' }, { spanId: '' }]);
  expect(total).toMatchObject({ rows: 3, spans: 3, spanIdHi: 1, spanIdLo: 0x1_0000_0000 });
});
