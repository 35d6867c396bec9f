import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import { ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { probabilityInForce } from '../../bench/support/probability-in-force.ts';
import { eventually } from '../http/fakes.ts';

let server: Server;
let reply: unknown;
const timers: NodeJS.Timeout[] = [];

beforeEach(async () => {
  // The sampler's own timer can't be ended by its user.
  const setInterval = globalThis.setInterval;
  vi.spyOn(globalThis, 'setInterval').mockImplementation((...args) => {
    const timer = setInterval(...(args as Parameters<typeof setInterval>));
    timers.push(timer);
    return timer;
  });
  server = createServer((_, response) => response.end(JSON.stringify(reply))).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const timer of timers.splice(0)) clearInterval(timer);
  server.closeAllConnections();
  server.close();
});

function remoteSampler(): JaegerRemoteSampler {
  return new JaegerRemoteSampler({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceName: 'shop',
    poolingInterval: 10,
    initialSampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) }),
  });
}

function strategy(rate: number, operations: Record<string, number>): unknown {
  const perOperationStrategies = Object.entries(operations).map(([operation, samplingRate]) => ({
    operation,
    probabilisticSampling: { samplingRate },
  }));
  return {
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: rate },
    operationSampling: {
      defaultSamplingProbability: rate,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies,
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

describe('the probability in force', () => {
  it('is read out of the real remote sampler, before and after each poll', async () => {
    const sampler = remoteSampler();
    expect(probabilityInForce(sampler, 'GET /')).toBe(1);
    reply = strategy(0.5, {});
    await eventually(() => probabilityInForce(sampler, 'GET /') === 0.5);
    reply = strategy(0.5, { 'GET /': 0.25 });
    await eventually(() => probabilityInForce(sampler, 'GET /') === 0.25);
    expect(probabilityInForce(sampler, 'another')).toBe(0.5);
  });
});
