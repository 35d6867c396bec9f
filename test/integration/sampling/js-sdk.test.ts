import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import { AlwaysOffSampler, RandomIdGenerator, SamplingDecision } from '@opentelemetry/sdk-trace-node';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { eventually } from '../../extensions/remote-sampling/eventually.ts';
import { startExtension, stopExtensions } from '../../extensions/remote-sampling/running.ts';

const DECISIONS = 20_000;

afterEach(stopExtensions);

const STRATEGIES = {
  default_strategy: { type: 'probabilistic', param: 0.05 },
  service_strategies: [
    {
      service: 'shop',
      type: 'probabilistic',
      param: 0.5,
      operation_strategies: [
        { operation: 'GET /', type: 'probabilistic', param: 0.25 },
        { operation: 'GET /rare', type: 'probabilistic', param: 0.01 },
        { operation: 'GET /never', type: 'probabilistic', param: 0 },
        { operation: 'GET /always', type: 'probabilistic', param: 1 },
      ],
    },
    { service: 'limited', type: 'ratelimiting', param: 5 },
    { service: 'a+b shop', type: 'probabilistic', param: 0.75 },
  ],
};

/** The extension serving STRATEGIES from a file. */
async function serve(): Promise<{ port: number; polls: () => number }> {
  const dir = await mkdtemp(join(tmpdir(), 'spanweir-strategies-'));
  try {
    const path = join(dir, 'strategies.json');
    await writeFile(path, JSON.stringify(STRATEGIES));
    const { http, extension } = await startExtension(
      { file: { path, default_sampling_probability: 0.1 } },
      systemClock,
    );
    const polls = () =>
      extension.pollers().services.reduce((sum, each) => sum + (each.pollers[0]?.polls ?? 0), 0);
    return { port: http[0]?.port() ?? 0, polls };
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** The SDK's own sampler, once it has heard from the server. */
async function polled(serviceName: string, prefix = ''): Promise<JaegerRemoteSampler> {
  const { port, polls } = await serve();
  const sampler = new JaegerRemoteSampler({
    endpoint: `http://127.0.0.1:${port}${prefix}`,
    serviceName,
    poolingInterval: 50,
    initialSampler: new AlwaysOffSampler(),
  });
  await eventually(() => {
    expect(polls()).toBeGreaterThan(0);
    expect(sampler.toString()).not.toContain('sampler=AlwaysOff');
  });
  return sampler;
}

function sampledShare(sampler: JaegerRemoteSampler, operation: string): number {
  const ids = new RandomIdGenerator();
  let sampled = 0;
  for (let i = 0; i < DECISIONS; i++) {
    const traceId = ids.generateTraceId();
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, operation, SpanKind.SERVER, {}, []);
    if (decision === SamplingDecision.RECORD_AND_SAMPLED) sampled += 1;
  }
  return sampled / DECISIONS;
}

function expectShare(share: number, probability: number): void {
  const sigma = Math.sqrt((probability * (1 - probability)) / DECISIONS);
  expect(Math.abs(share - probability)).toBeLessThanOrEqual(4 * sigma);
}

test('the JS SDK samples every operation with its own probability', async () => {
  const sampler = await polled('shop');
  expectShare(sampledShare(sampler, 'GET /'), 0.25);
  expectShare(sampledShare(sampler, 'GET /rare'), 0.01);
  expectShare(sampledShare(sampler, 'GET /never'), 0);
  expectShare(sampledShare(sampler, 'GET /always'), 1);
  expectShare(sampledShare(sampler, 'unknown'), 0.5);
});

test.each([
  ['a service without operations, asked for as in the README of the SDK', 'other', '/api/sampling', 0.05],
  ['a service whose limit is a probability here', 'limited', '', 0.1],
  ['a service whose name the SDK does not encode', 'a+b shop', '', 0.75],
])('the JS SDK takes the strategy of %s', async (_what, service, prefix, probability) => {
  expectShare(sampledShare(await polled(service, prefix), 'any'), probability);
});
