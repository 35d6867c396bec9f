import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hookRequestQueue } from '../../src/kafka/request-queue.ts';

const load = createRequire(import.meta.url);
const path = load.resolve('kafkajs/src/network/requestQueue/index.js');

interface Queue {
  readonly pending: readonly unknown[];
  push(request: { entry: object; expectResponse: boolean; sendRequest(): void }): void;
  maybeThrottle(milliseconds: number): void;
  checkPendingRequests(): void;
  destroy(): void;
}

/** A queue of a class of its own, so that other tests see kafkajs as it is. */
function queueOf(sent: number[]): { queue: Queue; readonly send: (correlationId: number) => void } {
  delete load.cache[path];
  const RequestQueue = load(path) as new (options: object) => Queue;
  delete load.cache[path];
  hookRequestQueue(RequestQueue as unknown as Parameters<typeof hookRequestQueue>[0]);
  const logger = { namespace: () => logger, debug: () => {}, warn: () => {}, error: () => {} };
  const queue = new RequestQueue({ requestTimeout: 1000, clientId: 'c', broker: 'b', logger });
  const send = (correlationId: number): void =>
    queue.push({
      entry: { correlationId, resolve: () => {}, reject: () => {} },
      expectResponse: false,
      sendRequest: () => sent.push(correlationId),
    });
  return { queue, send };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('a connection where nothing waits has no timer', () => {
  const sent: number[] = [];
  const { queue, send } = queueOf(sent);
  send(1);
  queue.checkPendingRequests();
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that a broker throttles is sent when that is over, and the timer ends with it', () => {
  const sent: number[] = [];
  const { queue, send } = queueOf(sent);
  queue.maybeThrottle(500);
  send(1);
  vi.advanceTimersByTime(499);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});
