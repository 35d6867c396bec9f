import { describe, expect, test } from 'vitest';
import { Dice } from '../../../bench/chaos/dice.ts';
import { readSpans } from '../../../bench/chaos/read-spans.ts';
import { SpanLedger } from '../../../bench/chaos/span-ledger.ts';
import { Workload } from '../../../bench/workload.ts';
import { encodeProto } from '../../support/spans.ts';

const DAY_NS = 86_400_000_000_000n;

function message(ids: readonly string[], startNs = 20_000n * DAY_NS): Buffer {
  const spans = ids.map((spanId, i) => ({
    traceId: 'aa'.repeat(16),
    spanId,
    ...(i > 0 && { parentSpanId: ids[0] as string }),
    name: i === 0 ? 'GET /' : 'SELECT',
    startNs,
    endNs: startNs + 1_500_000n,
    attributes: { 'http.route': '/', retries: 3, ratio: 0.5 },
    status: { code: 2, message: 'no' },
  }));
  return encodeProto([{ service: 'shop', spans }]);
}

describe('the ledger of what was produced', () => {
  test('reads identity, operation, day and duration of every span', () => {
    const ledger = new SpanLedger(2);
    ledger.add(1, 0, message(['00000001ffffffff', '0000000200000003']));
    expect(ledger.spans).toBe(2);
    expect(ledger.idsOf(ledger.record(0))).toEqual(['00000001ffffffff', '0000000200000003']);
    expect(ledger.totals).toEqual([
      { service: 'shop', operation: 'GET /', day: 20_000, spans: 1, roots: 1, durationNs: 1_500_000 },
      { service: 'shop', operation: 'SELECT', day: 20_000, spans: 1, roots: 0, durationNs: 1_500_000 },
    ]);
  });

  test('sums ids as 64-bit numbers that wrap', () => {
    const ledger = new SpanLedger(1);
    ledger.add(0, 0, message(['ffffffffffffffff', '0000000000000005']));
    expect(ledger.sumsOf(ledger.record(0))).toEqual({ ids: 4n, durationNs: 3_000_000 });
  });

  test('keeps days apart', () => {
    const ledger = new SpanLedger(1);
    ledger.add(0, 0, message(['0000000000000001'], 20_000n * DAY_NS - 1n));
    ledger.add(0, 1, message(['0000000000000002'], 20_000n * DAY_NS));
    expect(ledger.totals.map(({ day }) => day)).toEqual([19_999, 20_000]);
  });

  test('takes records only in the order of their offsets, and expects nothing of poison', () => {
    const ledger = new SpanLedger(1);
    ledger.add(0, 0, Buffer.from('no protobuf'), true);
    ledger.add(0, 1, null);
    expect(() => ledger.add(0, 3, message(['0000000000000001']))).toThrow('partition 0: 3 came where 2');
    expect([ledger.spans, ledger.unreadable, ledger.nextOffset(0)]).toEqual([0, 2, 2]);
  });

  test('counts the workload as the workload counts itself, beyond the first size of its arrays', () => {
    const workload = new Workload({ spans: 140_000 });
    const ledger = new SpanLedger(3);
    const next = [0, 0, 0];
    let index = 0;
    for (const value of workload.messages()) {
      const partition = index++ % 3;
      ledger.add(partition, next[partition] as number, value);
      next[partition] = (next[partition] as number) + 1;
    }
    const sum = (list: readonly { spans: number; roots: number; durationNs: number }[]) => [
      list.reduce((n, { spans }) => n + spans, 0),
      list.reduce((n, { roots }) => n + roots, 0),
      list.reduce((n, { durationNs }) => n + durationNs, 0),
    ];
    expect(sum(ledger.totals)).toEqual(sum(workload.ledger.series));
    expect(ledger.records).toBe(1400);
    expect(ledger.record(1399)).toEqual({ partition: 1, offset: 466, firstSpan: 139_900, spans: 100 });
  });

  test('refuses bytes that are no message', () => {
    expect(() => readSpans(Buffer.from([0x0a, 0x7f, 1]), () => {})).toThrow(RangeError);
    expect(() => readSpans(Buffer.from([0xff, 0xff]), () => {})).toThrow(RangeError);
  });
});

describe('dice', () => {
  test('fall the same way from the same seed, and otherwise from another', () => {
    const rolls = (seed: number): number[] => {
      const dice = new Dice(seed);
      return Array.from({ length: 5 }, () => dice.index(1000));
    };
    expect(rolls(7)).toEqual(rolls(7));
    expect(rolls(7)).not.toEqual(rolls(8));
  });

  test('are fair enough', () => {
    const dice = new Dice(3);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) {
      const side = dice.index(4);
      counts[side] = (counts[side] ?? 0) + 1;
    }
    for (const count of counts) expect(count / 10_000).toBeCloseTo(1, 1);
  });
});
