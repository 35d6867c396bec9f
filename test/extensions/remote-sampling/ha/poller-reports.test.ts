import { describe, expect, test } from 'vitest';
import { PollerReports, reportsOf } from '../../../../src/extensions/remote-sampling/ha/poller-reports.ts';
import type { ServicePollers } from '../../../../src/sampling/adaptive/controller.ts';

const ONE: ServicePollers = { instances: 1, slowestIntervalMs: 60_000, hasLowerBound: false };
const GO: ServicePollers = { instances: 3, slowestIntervalMs: undefined, hasLowerBound: true };

function tell(
  reports: PollerReports,
  from: string,
  pollers: Record<string, ServicePollers>,
  atMs: number,
): void {
  for (const each of reportsOf(from, new Map(Object.entries(pollers)))) {
    expect(reports.take(Buffer.from(each), atMs)).toBe(true);
  }
}

describe('who polls other replicas', () => {
  test('is added to who polls here: instances together, the slowest interval, anybody with a lower bound', () => {
    const reports = new PollerReports('a');
    tell(reports, 'b', { shop: ONE, mail: GO }, 1000);
    tell(reports, 'c', { shop: { instances: 2, slowestIntervalMs: 90_000, hasLowerBound: false } }, 1000);
    expect(reports.merged(new Map([['shop', GO]]), 2000)).toEqual(
      new Map([
        ['shop', { instances: 6, slowestIntervalMs: 90_000, hasLowerBound: true }],
        ['mail', GO],
      ]),
    );
  });

  test('is forgotten half a minute after it was told last, each service by itself', () => {
    const reports = new PollerReports('a');
    tell(reports, 'b', { shop: ONE, mail: GO }, 0);
    tell(reports, 'b', { shop: ONE }, 20_000);
    expect([...reports.merged(new Map(), 30_000).keys()]).toEqual(['shop', 'mail']);
    expect([...reports.merged(new Map(), 30_001).keys()]).toEqual(['shop']);
    expect([...reports.merged(new Map(), 50_001).keys()]).toEqual([]);
  });

  test('does not count what this replica has told itself', () => {
    const reports = new PollerReports('a');
    tell(reports, 'a', { shop: ONE }, 0);
    expect(reports.merged(new Map([['shop', ONE]]), 0)).toEqual(new Map([['shop', ONE]]));
  });

  test('comes in several reports when it is much, and in none when it is nothing', () => {
    const many = new Map(Array.from({ length: 4001 }, (_, i) => [`service ${i}`, ONE] as const));
    const told = reportsOf('b', many);
    expect(told).toHaveLength(3);
    const reports = new PollerReports('a');
    for (const each of told) reports.take(Buffer.from(each), 0);
    expect(reports.merged(new Map(), 0)).toEqual(many);
    expect(reportsOf('b', new Map())).toEqual([]);
  });

  test.each([
    '',
    'null',
    '{}',
    '{"from":"b","services":[["shop"]]}',
    '{"from":"b","services":[["shop",0,null,0]]}',
  ])('is not learnt from %j', (text) => {
    const reports = new PollerReports('a');
    expect(reports.take(Buffer.from(text), 0)).toBe(false);
    expect(reports.take(null, 0)).toBe(false);
    expect(reports.merged(new Map(), 0)).toEqual(new Map());
  });
});
