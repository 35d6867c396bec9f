import { expect, test } from 'vitest';
import { ExemplarPicker } from '../../src/red/exemplar-picker.ts';
import { DeltaFolder } from '../../src/red/fold-windows.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import type { Exemplars } from '../../src/red/red-rows.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto, type TestSpan } from '../support/spans.ts';

const START = 1_700_000_000_000_000_000n;
const id = (n: number, bytes: number) => n.toString(16).padStart(bytes * 2, '0');
const span = (n: number, more: Partial<TestSpan> = {}): TestSpan => ({
  name: 'a',
  traceId: id(n, 16),
  spanId: id(n, 8),
  startNs: START,
  durationNs: n * 1e6,
  ...more,
});

function picked(spans: TestSpan[], perRow: number, seriesLimit = 100) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto([{ service: 's', spans }]), {
    offset: 0,
    timestampMs: Number(START / 1_000_000n),
  });
  const aggregator = new RedAggregator(dictionary, { rowOfSpan: true, seriesLimit });
  const rows = aggregator.aggregate(batch);
  const picker = new ExemplarPicker(perRow, aggregator.series);
  const exemplars = picker.pick(batch, rows, aggregator.rowOfSpan as Uint32Array);
  return { aggregator, rows, exemplars };
}

function listed({ rows, deltaRow, traceIds, spanIds, durationNs, endMs }: Exemplars) {
  return Array.from({ length: rows }, (_, i) => [
    deltaRow[i],
    Number(`0x${Buffer.from(traceIds.subarray(i * 16, i * 16 + 16)).toString('hex')}`),
    Number(`0x${Buffer.from(spanIds.subarray(i * 8, i * 8 + 8)).toString('hex')}`),
    durationNs[i],
    endMs[i],
  ]);
}

const MS = Number(START / 1_000_000n);

test('the first spans of each row that have a trace id', () => {
  const spans = [span(1), span(2, { name: 'b' }), span(3, { traceId: '' }), span(4), span(5), span(6)];
  expect(listed(picked(spans, 2).exemplars)).toEqual([
    [0, 1, 1, 1e6, MS + 1],
    [1, 2, 2, 2e6, MS + 2],
    [0, 4, 4, 4e6, MS + 4],
  ]);
});

test('none at all where none are wanted', () => {
  expect(picked([span(1)], 0).exemplars.rows).toBe(0);
});

test('an overflow series has none', () => {
  expect(listed(picked([span(1), span(2, { name: 'b' })], 5, 1).exemplars).map(([row]) => row)).toEqual([0]);
});

test('folded windows keep their exemplars in the row they went to', () => {
  const spans = [span(1, { name: 'b' }), span(2), span(3, { startNs: START + 60_000_000_000n })];
  const { aggregator, rows, exemplars } = picked(spans, 5);
  const delta = new DeltaFolder(aggregator.series).fold({ ...rows, exemplars });
  expect([...rows.series]).toEqual([0, 1, 1]);
  expect([...delta.series]).toEqual([0, 1]);
  expect([...(delta.exemplars as Exemplars).deltaRow]).toEqual([0, 1, 1]);
});
