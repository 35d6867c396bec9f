import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import {
  AlwaysOffSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { probabilityInForce, TaggingSampler, thresholdOf } from '../../demo/tagging-sampler.ts';
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

const traceId = '0af7651916cd43dd8448eb211c80319c';
function sample(sampler: Sampler, name: string, context = ROOT_CONTEXT) {
  return sampler.shouldSample(context, traceId, name, SpanKind.SERVER, {}, []);
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

describe("the demo's sampler", () => {
  it('reads what is in force out of the real remote sampler, before and after each poll', async () => {
    const sampler = remoteSampler();
    expect(probabilityInForce(sampler, 'GET /')).toBe(1);
    reply = strategy(0.5, {});
    await eventually(() => probabilityInForce(sampler, 'GET /') === 0.5);
    reply = strategy(0.5, { 'GET /': 0.25 });
    await eventually(() => probabilityInForce(sampler, 'GET /') === 0.25);
    expect(probabilityInForce(sampler, 'another')).toBe(0.5);
  });

  it('tags sampled root spans with it', () => {
    const sampler = new TaggingSampler(remoteSampler());
    const result = sample(sampler, 'GET /');
    expect(result.decision).toBe(SamplingDecision.RECORD_AND_SAMPLED);
    expect(result.attributes).toEqual({ 'sampler.type': 'probabilistic', 'sampler.param': 1 });
    expect(result.traceState?.serialize()).toBe('ot=th:0');
  });

  it('tags neither children nor what is not sampled', () => {
    const parent = { traceId, spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED };
    const child = sample(
      new TaggingSampler(remoteSampler()),
      'GET /',
      trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    expect([child.decision, child.attributes]).toEqual([SamplingDecision.RECORD_AND_SAMPLED, undefined]);
    const never = sample(new TaggingSampler(new ParentBasedSampler({ root: new AlwaysOffSampler() })), 'x');
    expect([never.decision, never.attributes]).toEqual([SamplingDecision.NOT_RECORD, undefined]);
  });

  it.each([
    [1, '0'],
    [0.5, '8'],
    [0.25, 'c'],
    [0.1, 'e6666666666668'],
    [0.001, 'ffbe76c8b43958'],
  ])('writes the probability %f as the threshold %s', (probability, expected) => {
    expect(thresholdOf(probability)).toBe(expected);
  });
});
