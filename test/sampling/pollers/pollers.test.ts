import { describe, expect, test } from 'vitest';
import type { Poll } from '../../../src/sampling/pollers/poller.ts';
import { PollerRegistry } from '../../../src/sampling/pollers/pollers.ts';
import { heapInUse } from '../../support/heap.ts';

const T0 = 1_700_000_000_000;

function poll(atS: number, change: Partial<Poll> = {}): Poll {
  return {
    service: 'shop',
    address: '10.0.0.1',
    connection: 5000,
    userAgent: 'Go-http-client/1.1',
    transport: 'http',
    sendsContentType: false,
    atMs: T0 + atS * 1000,
    ...change,
  };
}

function every(registry: PollerRegistry, everyS: number, untilS: number, change: Partial<Poll> = {}): void {
  for (let atS = 0; atS <= untilS; atS += everyS) registry.record(poll(atS, change));
}

const at = (atS: number): number => T0 + atS * 1000;

const names = (registry: PollerRegistry): string[] =>
  registry.state(T0).services.map(({ service }) => service);

describe('what a service looks like to the controller', () => {
  test('instances, the slowest of their intervals, and whether one honours the lower bound', () => {
    const registry = new PollerRegistry();
    every(registry, 60, 600);
    every(registry, 120, 600, { address: '10.0.0.2', userAgent: 'okhttp/5.4.0', transport: 'grpc' });
    expect(registry.servicePollers(at(600))).toEqual(
      new Map([['shop', { instances: 2, slowestIntervalMs: 120_000, hasLowerBound: true }]]),
    );
  });

  test('a single poll tells no interval', () => {
    const registry = new PollerRegistry();
    registry.record(poll(0, { userAgent: 'okhttp/5.4.0' }));
    expect(registry.servicePollers(at(1)).get('shop')).toEqual({
      instances: 1,
      slowestIntervalMs: undefined,
      hasLowerBound: false,
    });
  });

  test('who is silent for two and a half intervals is gone', () => {
    const registry = new PollerRegistry();
    every(registry, 60, 600);
    expect(registry.servicePollers(at(749)).has('shop')).toBe(true);
    expect(registry.servicePollers(at(751)).has('shop')).toBe(false);
  });

  test.each([
    ['Go-http-client/1.1', 'http', false, 'Go', true],
    ['okhttp/5.4.0', 'grpc', false, 'Java', false],
    ['node', 'http', false, 'JavaScript', false],
    ['', 'http', true, 'Rust', false],
    ['', 'http', false, 'jaeger-client for Node.js', true],
    ['Tornado/6.5', 'http', false, 'jaeger-client for Python', true],
    ['grpc-go/1.75.0', 'grpc', false, 'a collector in front', true],
    ['spanweir/1.0.0 grpc-node-js/1.14.7', 'grpc', false, 'a collector in front', true],
    ['curl/8.5.0', 'http', false, 'unknown', false],
  ] as const)(
    '%j over %s is known by what it sends',
    (userAgent, transport, sendsContentType, client, bound) => {
      const registry = new PollerRegistry();
      registry.record(poll(0, { userAgent, transport, sendsContentType }));
      expect(registry.state(at(0)).services[0]?.pollers).toMatchObject([
        { client, honoursLowerBound: bound },
      ]);
    },
  );
});

describe('a client that polls in a tight loop', () => {
  const loop = (registry: PollerRegistry, change: (i: number) => Partial<Poll>): string[] =>
    Array.from({ length: 1300 }, (_, i) => registry.record(poll(i / 130, change(i)))).filter(
      (news) => news !== 'none',
    );

  test('is told once, and stands in the list with its rate', () => {
    const registry = new PollerRegistry();
    expect(loop(registry, () => ({ userAgent: 'node' }))).toEqual(['tight_loop']);
    expect(registry.state(at(10)).services[0]?.pollers).toMatchObject([
      { userAgent: 'node', pollsPerSecond: 130, instances: 1 },
    ]);
  });

  test('does not make its service look as if everyone polled that fast', () => {
    const registry = new PollerRegistry();
    loop(registry, () => ({ userAgent: 'node' }));
    expect(registry.servicePollers(at(10)).get('shop')?.slowestIntervalMs).toBe(60_000);
  });

  test('is not seen in thousands of instances behind one address', () => {
    const registry = new PollerRegistry();
    expect(loop(registry, (i) => ({ connection: 1024 + i }))).toEqual([]);
  });
});

describe('room', () => {
  test('a flood of names that come once pushes out none that came back', () => {
    const registry = new PollerRegistry({ maxServices: 3 });
    for (const service of ['a', 'b', 'a', 'b']) registry.record(poll(0, { service }));
    for (let i = 0; i < 50; i++) registry.record(poll(1, { service: `made-up-${i}` }));
    expect(names(registry).filter((name) => !name.startsWith('made-up'))).toEqual(['a', 'b']);
    expect(registry.services).toBe(5);
    expect(registry.evictedServices).toBe(47);
  });

  test('of those that come back the longest silent one goes', () => {
    const registry = new PollerRegistry({ maxServices: 2 });
    for (const [i, service] of ['a', 'a', 'b', 'b', 'a', 'c', 'c'].entries())
      registry.record(poll(i, { service }));
    expect(names(registry)).toEqual(['a', 'c']);
  });

  test('addresses of one service make room for each other, and are counted', () => {
    const registry = new PollerRegistry({ maxPollersPerService: 2 });
    for (let i = 0; i < 5; i++) registry.record(poll(i, { address: `10.0.0.${i}` }));
    expect(registry.state(at(5)).services[0]?.pollers.map(({ address }) => address)).toEqual([
      '10.0.0.3',
      '10.0.0.4',
    ]);
    expect(registry.evictedPollers).toBe(3);
    expect(registry.pollers).toBe(2);
  });

  test('beyond all room a service is known and its poller is not', () => {
    const registry = new PollerRegistry({ maxPollers: 1 });
    registry.record(poll(0));
    registry.record(poll(0, { service: 'other' }));
    expect(registry.pollers).toBe(1);
    expect(registry.evictedPollers).toBe(1);
  });

  test('what is kept of a client does not keep its requests', () => {
    const registry = new PollerRegistry();
    const before = heapInUse();
    for (let i = 0; i < 2000; i++) {
      // As they are cut out of requests with long headers.
      const request = `checkout-service-${i}`.concat(' and so on'.repeat(1000));
      const part = request.slice(0, request.indexOf(' '));
      registry.record(poll(0, { service: part, address: part, userAgent: request }));
      registry.record(poll(60, { service: part, address: part, userAgent: request }));
    }
    expect(heapInUse() - before).toBeLessThan(8_000_000);
    expect(registry.pollers).toBe(2000);
  });

  test('names that nobody would choose are not kept', () => {
    const registry = new PollerRegistry();
    registry.record(poll(0, { service: 'x'.repeat(1000) }));
    expect(registry.services).toBe(0);
  });
});
