import { describe, expect, it } from 'vitest';
import { DecisionHistory } from '../../../src/extensions/overview-page/decisions.ts';
import { createOverview, type OverviewQuery } from '../../../src/extensions/overview-page/overview.ts';
import { slotAt, Traffic } from '../../../src/extensions/overview-page/traffic.ts';
import { decisionOf, deltaOf, type ScriptedSeries } from './scripted.ts';

const all: OverviewQuery = { limit: 100, filter: '', kinds: 'all' };
const START_MS = 1_000_000;

function page(limit = 1000) {
  const traffic = new Traffic(limit);
  const history = new DecisionHistory();
  const overview = createOverview(traffic, history, START_MS);
  const add = (atMs: number, series: readonly ScriptedSeries[], lane = 0, first = 0): void => {
    const { delta, keys } = deltaOf(series, first);
    traffic.add('span_metrics', lane, delta, keys, slotAt(atMs));
  };
  return { traffic, history, overview, add };
}

describe('the overview', () => {
  it('shows rate, error share and percentiles of an operation over the last minute', () => {
    const { overview, add } = page();
    add(START_MS, []);
    add(START_MS + 100_000, [
      { calls: 90, seconds: 0.01 },
      { calls: 10, seconds: 1, statusCode: 2 },
    ]);
    const [row] = overview(all, START_MS + 100_000 + 5000).rows;
    expect(row).toMatchObject({ service: 'shop', operation: 'GET /', kind: 'server', errorShare: 0.1 });
    // 100 calls; eleven whole slots and none of the newest: 55 s.
    expect(row?.rate).toBeCloseTo(100 / 55, 6);
    expect(row?.p50Ms).toBeGreaterThan(9.5);
    expect(row?.p50Ms).toBeLessThan(10.5);
    expect(row?.p95Ms).toBeGreaterThan(950);
    expect(row?.p95Ms).toBeLessThan(1050);
  });

  it('divides by its own age while it is younger than the window', () => {
    const { overview, add } = page();
    add(START_MS + 4000, [{ calls: 100 }]);
    expect(overview(all, START_MS + 10_000).rows[0]?.rate).toBe(10);
  });

  it('lets go of what is older than a minute, and of operations idle for long', () => {
    const { overview, add, traffic } = page();
    add(START_MS, [{ calls: 100 }]);
    expect(overview(all, START_MS + 54_999).rows[0]?.rate).toBeGreaterThan(0);
    const later = overview(all, START_MS + 60_000).rows[0];
    expect([later?.rate, later?.errorShare, later?.p50Ms]).toEqual([0, 0, null]);
    traffic.sweep(slotAt(START_MS + 200_000));
    expect(traffic.size).toBe(1);
    traffic.sweep(slotAt(START_MS + 301_000));
    expect(traffic.size).toBe(0);
    add(START_MS + 302_000, [{ calls: 55 }]);
    expect(overview(all, START_MS + 305_000).rows[0]?.rate).toBe(1);
  });

  it('adds up the same operation from several lanes and statuses', () => {
    const { overview, add } = page();
    add(START_MS, [{ calls: 10 }, { calls: 5, statusCode: 1 }], 0);
    add(START_MS, [{ name: 'other', calls: 1 }, { calls: 15 }], 1, 7);
    const { rows, spansPerSecond } = overview(all, START_MS + 10_000);
    expect(rows.map(({ operation, rate }) => [operation, rate])).toEqual([
      ['GET /', 3],
      ['other', 0.1],
    ]);
    expect(spansPerSecond).toBeCloseTo(3.1);
  });

  it('hides client and internal spans unless asked, but not those with a decision', () => {
    const { overview, add, history } = page();
    add(START_MS, [
      { name: 'server', kind: 2, calls: 1 },
      { name: 'consumer', kind: 5, calls: 1 },
      { name: 'client', kind: 3, calls: 1 },
      { name: 'internal', kind: 1, calls: 1 },
      { name: 'cron', kind: 1, calls: 1 },
    ]);
    history.tick({ decisions: () => [decisionOf({ operation: 'cron' })] });
    const shown = (kinds: 'all' | 'entry'): string[] =>
      overview({ ...all, kinds }, START_MS + 5000)
        .rows.map(({ operation }) => operation)
        .sort();
    expect(shown('entry')).toEqual(['consumer', 'cron', 'server']);
    expect(shown('all')).toEqual(['client', 'consumer', 'cron', 'internal', 'server']);
  });

  it('gives the busiest first, at most as many as asked for, of those that match', () => {
    const { overview, add } = page();
    add(
      START_MS,
      Array.from({ length: 500 }, (_, i) => ({ service: `Svc${i % 5}`, name: `op ${i}`, calls: i + 1 })),
    );
    const table = overview({ ...all, limit: 3, filter: 'svc4' }, START_MS + 5000);
    expect(table.rows.map(({ operation }) => operation)).toEqual(['op 499', 'op 494', 'op 489']);
    expect([table.matching, table.operations, table.services]).toEqual([100, 500, 5]);
  });

  it('keeps no more operations than it may, and totals stay exact', () => {
    const { overview, add } = page(100);
    add(
      START_MS,
      Array.from({ length: 150 }, (_, i) => ({ name: `op ${i}`, calls: 2 })),
    );
    const table = overview(all, START_MS + 10_000);
    expect([table.operations, table.unkeptSpans, table.spansPerSecond]).toEqual([100, 100, 30]);
  });

  it('shows what is served, how it moved, the target, what is sampled and why', () => {
    const { overview, add, history } = page();
    add(START_MS, [{ calls: 10 }]);
    history.tick({ decisions: () => [decisionOf({ probability: 0.5 })] });
    history.tick({ decisions: () => [decisionOf({ probability: 0.25 })] });
    expect(overview(all, START_MS + 5000).rows[0]?.sampling).toEqual({
      probability: 0.25,
      previous: 0.5,
      planned: null,
      history: [0.5, 0.25],
      requestsPerSecond: 16,
      requestsLow: 14,
      requestsHigh: 18,
      target: 1,
      sampledPerSecond: 4,
      conformance: 'follows',
      rule: 'lowered',
      why: 'Lowered 0.5 → 0.25: there are about 16 requests/s (14 to 18), target 1/s.',
    });
  });

  it('shows what is served, and what is planned beside it, where that is only observed', () => {
    const { overview, add, history } = page();
    add(START_MS, [{ calls: 10 }]);
    const planned = decisionOf({ probability: 0.25, previous: 0.5 });
    history.tick({ decisions: () => [planned], mode: () => 'observe' });
    expect(overview(all, START_MS + 5000).rows[0]?.sampling).toMatchObject({
      probability: 0.5,
      previous: 0.5,
      planned: 0.25,
      history: [0.5],
      sampledPerSecond: 8,
      why: 'Only observed, not served: Lowered 0.5 → 0.25: there are about 16 requests/s (14 to 18), target 1/s.',
    });
  });

  it('answers for ten thousand operations in well under a second', () => {
    const { overview, add } = page(20_000);
    add(
      START_MS,
      Array.from({ length: 10_000 }, (_, i) => ({ name: `op ${i}`, calls: i })),
    );
    const before = performance.now();
    expect(overview({ ...all, limit: 200 }, START_MS + 5000).rows).toHaveLength(200);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
