import { describe, expect, it } from 'vitest';
import { createRedView, type RedQuery } from '../../../src/extensions/overview-page/red-view.ts';
import { slotAt, Traffic } from '../../../src/extensions/overview-page/traffic.ts';
import { deltaOf, type ScriptedSeries } from './scripted.ts';

const all: RedQuery = { limit: 100, filter: '', kinds: 'entry' };
const START_MS = 1_000_000;

function view(limit = 1000) {
  const traffic = new Traffic(limit);
  const red = createRedView(traffic, START_MS);
  let first = 0;
  const add = (atMs: number, series: readonly ScriptedSeries[]): void => {
    const { delta, keys } = deltaOf(series, first);
    first += series.length;
    traffic.add('span_metrics', 0, delta, keys, slotAt(atMs));
  };
  return { traffic, red, add };
}

describe('the RED view', () => {
  it('goes from all services over one to an operation of it', () => {
    const { red, add } = view();
    add(START_MS, [
      { service: 'shop', name: 'GET /', calls: 90, seconds: 0.01 },
      { service: 'shop', name: 'GET /', calls: 10, seconds: 1, statusCode: 2 },
      { service: 'shop', name: 'POST /', calls: 50 },
      { service: 'cart', name: 'Get', calls: 50 },
      { service: 'cart', name: 'SELECT', kind: 3, calls: 500 },
    ]);
    const rate = (query: Partial<RedQuery>): number =>
      red({ ...all, ...query }, START_MS + 10_000).figures.rate;
    expect(rate({})).toBe(20);
    expect(rate({ kinds: 'all' })).toBe(70);
    expect(rate({ service: 'shop' })).toBe(15);
    expect(rate({ service: 'cart' })).toBe(5);
    expect(rate({ service: 'cart', kinds: 'all' })).toBe(55);
    expect(rate({ service: 'shop', operation: 'GET /', kind: 'server' })).toBe(10);
    const { figures } = red({ ...all, service: 'shop', operation: 'GET /' }, START_MS + 10_000);
    expect(figures.errorShare).toBe(0.1);
    expect(figures.p50Ms).toBeGreaterThan(9.5);
    expect(figures.p50Ms).toBeLessThan(10.5);
    expect(figures.p99Ms).toBeGreaterThan(950);
    expect(figures.p99Ms).toBeLessThan(1050);
  });

  it('lists the busiest services, with the rate of each slot that is over', () => {
    const { red, add } = view();
    add(START_MS, [
      { service: 'a', calls: 10 },
      { service: 'b', calls: 30 },
      { service: 'c', calls: 20 },
    ]);
    add(START_MS + 5000, [{ service: 'b', calls: 5 }]);
    const { services, matchingServices } = red({ ...all, limit: 2 }, START_MS + 12_000);
    expect(services.map(({ service, rates }) => [service, rates])).toEqual([
      ['b', [6, 1]],
      ['c', [4, 0]],
    ]);
    expect(matchingServices).toBe(3);
    expect(red({ ...all, filter: 'c' }, START_MS + 12_000).services.map(({ service }) => service)).toEqual([
      'c',
    ]);
  });

  it('plots a point for each slot of the last five minutes, and nothing where there was nothing', () => {
    const { red, add } = view();
    add(START_MS, [{ calls: 10, seconds: 0.1 }]);
    add(START_MS + 10_000, [{ calls: 20, seconds: 0.2, statusCode: 2 }]);
    const { plot } = red(all, START_MS + 17_000);
    expect(plot.agesS).toEqual([12, 7, 2]);
    expect(plot.rate).toEqual([2, 0, 4]);
    expect(plot.errorShare).toEqual([0, null, 1]);
    expect(plot.p95Ms[1]).toBeNull();
    expect(plot.p95Ms[2]).toBeGreaterThan(190);
    expect(plot.p95Ms[2]).toBeLessThan(210);
    expect(red(all, START_MS + 600_000).plot.rate).toHaveLength(59);
  });

  it('counts the spans of the last minute by duration, two bars to a doubling', () => {
    const { red, add } = view();
    add(START_MS, [
      { calls: 36, seconds: 0.02 },
      { name: 'slow', calls: 4, seconds: 0.09 },
    ]);
    const { durations } = red(all, START_MS + 5000);
    expect(durations.map(({ upToMs, calls }) => [Math.round(upToMs), calls])).toEqual([
      [22, 36],
      [31, 0],
      [44, 0],
      [63, 0],
      [88, 0],
      [125, 4],
    ]);
    expect(red(all, START_MS + 70_000).durations).toEqual([]);
  });

  it('shows spans that took no time in a first bar, a few doublings away from the others', () => {
    const { red, add } = view();
    add(START_MS, [
      { calls: 3, seconds: 0 },
      { name: 'short', calls: 2, seconds: 1e-9 },
      { name: 'fast', calls: 5, seconds: 0.000_004 },
    ]);
    const { durations } = red(all, START_MS + 5000);
    expect(durations.map(({ calls }) => calls)).toEqual([5, 0, 0, 0, 5]);
    expect(durations[0]?.upToMs).toBeLessThan(0.002);
  });

  it('says that it does not know what is not there', () => {
    const { red } = view();
    const { isKnown, figures, plot } = red({ ...all, service: 'nobody' }, START_MS + 5000);
    expect([isKnown, figures.rate, figures.p50Ms, plot.rate[0] ?? 0]).toEqual([false, 0, null, 0]);
  });

  it('keeps totals exact where services find no room, and forgets those that are idle', () => {
    const { traffic, red, add } = view(100);
    add(
      START_MS,
      Array.from({ length: 150 }, (_, i) => ({ service: `s${i}`, calls: 2 })),
    );
    const { figures, matchingServices } = red(all, START_MS + 10_000);
    expect([figures.rate, matchingServices]).toEqual([30, 100]);
    traffic.sweep(slotAt(START_MS + 301_000));
    expect([...traffic.services]).toEqual([]);
  });
});
