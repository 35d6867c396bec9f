import { Agent, request } from 'node:http';
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import { Replies } from '../../../src/extensions/remote-sampling/serving/replies.ts';
import { samplingManager } from '../../../src/extensions/remote-sampling/serving/sampling-grpc.ts';
import { createHttpHandler } from '../../../src/extensions/remote-sampling/serving/sampling-http.ts';
import { PollerRegistry } from '../../../src/sampling/pollers/pollers.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { rowOf } from '../../sampling/rows.ts';
import { recording } from './recording.ts';
import { startExtension, stopExtensions } from './running.ts';
import { ask, get } from './served.ts';

afterEach(stopExtensions);

async function start(config: object) {
  const clock = new FakeClock();
  return { clock, ...(await startExtension(config, clock)) };
}

const ADAPTIVE = {
  adaptive: { sampling_store: 'memory', calculation_interval: '5s', calculation_delay: '5s' },
};

const JAEGER = { adaptive: { ...ADAPTIVE.adaptive, algorithm: 'jaeger' } };

const EVERYONE =
  '{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001},' +
  '"operationSampling":{"defaultSamplingProbability":0.001,"defaultLowerBoundTracesPerSecond":0.016666666666666666,' +
  '"perOperationStrategies":[],"defaultUpperBoundTracesPerSecond":0}}';

describe('over HTTP', () => {
  test.each(['/', '/sampling', '/api/sampling', '/api/sampling/sampling', '/any/path'])(
    '%s answers an unknown service with the default',
    async (path) => {
      const { ask } = await start(ADAPTIVE);
      expect(await ask(`${path}?service=unknown`)).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: EVERYONE,
      });
    },
  );

  test('other methods are answered too', async () => {
    const { ask } = await start(ADAPTIVE);
    expect(await ask('/sampling?service=x', 'POST')).toMatchObject({ status: 200, body: EVERYONE });
  });

  test('a request without exactly one service is refused', async () => {
    const { ask, seen } = await start(ADAPTIVE);
    expect(await ask('/sampling')).toMatchObject({
      status: 400,
      body: "'service' parameter must be provided once\n",
    });
    expect(seen.metrics.get('spanweir_sampling_http_errors_total{source="all",status="4xx"}')).toBe(1);
  });

  test('clients of the old agent get no baggage restrictions', async () => {
    const { ask } = await start(ADAPTIVE);
    expect(await ask('/baggageRestrictions?service=x')).toMatchObject({ status: 200, body: '[]' });
  });

  test('a further address answers on the known paths only', async () => {
    const { http } = await start({
      ...ADAPTIVE,
      http: { endpoint: '127.0.0.1:0', extra_endpoints: ['127.0.0.1:0'] },
    });
    const port = http[1]?.port() ?? 0;
    expect((await get(port, '/api/sampling?service=x')).status).toBe(200);
    expect((await get(port, '/api/other?service=x')).status).toBe(404);
  });

  test('a name that form decoding would change is found as it was sent', async () => {
    const rows = [rowOf({ windowS: 1_700_000_000, service: 'a+b', count: 500, probabilities: ['0.001000'] })];
    const { ask, post, clock, extension } = await start(JAEGER);
    post({ kind: 'throughput', rows });
    await clock.advance(15_000);
    expect((await ask('/sampling?service=a+b')).body).toContain('"operation":"op"');
    expect(extension.pollers().services).toMatchObject([
      { service: 'a+b', pollers: [{ polls: 1, transport: 'http', address: '127.0.0.1' }] },
    ]);
  });
});

test("what lanes report is decided on by Jaeger's algorithm and served", async () => {
  const { ask, post, clock, extension } = await start(JAEGER);
  const rows = [
    rowOf({ windowS: 1_700_000_000, operation: 'GET /', count: 500, probabilities: ['0.001000'] }),
  ];
  post({ kind: 'throughput', rows });
  await clock.advance(10_000);
  expect(extension.decisions()).toMatchObject([
    {
      service: 'shop',
      operation: 'GET /',
      previous: 0.001,
      probability: 0.00001,
      rate: 1e7,
      rule: 'lowered',
    },
  ]);
  expect(
    JSON.parse((await ask('/sampling?service=shop')).body).operationSampling.perOperationStrategies,
  ).toEqual([{ operation: 'GET /', probabilisticSampling: { samplingRate: 0.00001 } }]);
});

describe('without tags', () => {
  // Of 10,000 requests in five seconds an SDK for Go keeps the ten whose variates lie below 0.001.
  const rows = [
    rowOf(
      { windowS: 1_700_000_000, operation: 'GET /', count: 0 },
      { roots: 10, variates: { classes: [80, 90, 100], counts: [5, 3, 2] } },
    ),
  ];
  const answered = (clock: FakeClock) => ({
    kind: 'progress',
    progress: { partitions: [], requestsUntilMs: clock.wallMs() },
  });

  test('what lanes report is decided on and served once it is complete', async () => {
    const { ask, post, clock, extension } = await start(ADAPTIVE);
    post({ kind: 'throughput', rows });
    await clock.advance(10_000);
    expect(extension.decisions()).toMatchObject([{ service: '', operation: '', probability: 0.001 }]);
    for (let i = 0; i < 5; i++) {
      post(answered(clock));
      await clock.advance(5000);
    }
    const decision = extension.decisions().find(({ operation }) => operation === 'GET /');
    expect(decision?.rule).not.toBe('stored');
    expect(decision?.samples).toBeGreaterThan(0);
    const { body } = await ask('/sampling?service=shop');
    expect(body).toContain('"operation":"GET /"');
  });

  test('a request that waits for its answer holds decisions back', async () => {
    const { post, clock, extension } = await start(ADAPTIVE);
    const { progress, kind } = answered(clock);
    post({ kind: 'throughput', rows });
    for (let i = 0; i < 5; i++) {
      post({ kind, progress });
      await clock.advance(5000);
    }
    expect(extension.decisions()).toMatchObject([{ service: '', operation: '' }]);
  });
});

const Client = makeGenericClientConstructor(samplingManager, 'SamplingManager');

function askGrpc(port: number, request: Buffer): Promise<Buffer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise<Buffer>((resolve, reject) => {
    client.GetSamplingStrategy?.(request, (error: ServiceError | null, reply: Buffer) => {
      client.close();
      if (error === null) resolve(reply);
      else reject(error);
    });
  });
}

describe('over gRPC', () => {
  test('a service that is unknown or not named gets the default', async () => {
    const { grpcPort, extension } = await start(ADAPTIVE);
    const bytes = '120909fca9f1d24d62503f221209fca9f1d24d62503f11111111111111913f';
    expect((await askGrpc(grpcPort, Buffer.from('\n\x04shop'))).toString('hex')).toBe(bytes);
    expect((await askGrpc(grpcPort, Buffer.alloc(0))).toString('hex')).toBe(bytes);
    expect(extension.pollers().services).toMatchObject([
      { service: 'shop', pollers: [{ transport: 'grpc', address: '127.0.0.1' }] },
      { service: '' },
    ]);
  });

  test('the reply can be that of Jaeger', async () => {
    const { grpcPort } = await start({ ...ADAPTIVE, reply: 'jaeger' });
    const bytes = '221209fca9f1d24d62503f11111111111111913f';
    expect((await askGrpc(grpcPort, Buffer.from('\n\x04shop'))).toString('hex')).toBe(bytes);
  });
});

test('a store that is none is named', async () => {
  await expect(start({ adaptive: { sampling_store: 'prometheus' } })).rejects.toThrow(
    "storage 'prometheus' does not support sampling store",
  );
});

test('without a file everyone gets the default probability', async () => {
  const { ask, extension, seen } = await start({
    file: { default_sampling_probability: 0.5 },
    reply: 'jaeger',
  });
  expect((await ask('/?service=x')).body).toBe(
    '{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}',
  );
  expect(extension.decisions()).toEqual([]);
  expect(seen.health.status).toBe('ok');
});

describe('a client in a tight loop', () => {
  const POLLS = 600;

  test('is answered, named once in the log, and stands in the list of pollers', async () => {
    const { http, clock, extension, seen } = await start({ file: {} });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const port = http[0]?.port() ?? 0;
    const answers = new Set<number>();
    for (let i = 0; i < POLLS; i++) {
      answers.add(await pollOver(agent, port));
      // A poll every 10 ms.
      await clock.advance(10);
    }
    agent.destroy();
    expect([...answers]).toEqual([200]);
    expect(seen.metrics.get('spanweir_sampling_tight_loops_total{}')).toBe(1);
    expect(seen.logged.filter((line) => line.includes('without a pause'))).toHaveLength(1);
    expect(extension.pollers().services).toMatchObject([
      { service: 'shop', pollers: [{ userAgent: 'node', client: 'JavaScript', pollsPerSecond: 100 }] },
    ]);
  });
});

test('a snapshot that is not known yet is 503 and UNAVAILABLE, so that clients keep what they have', async () => {
  const unknown = () => {
    throw new SpanweirError('UNAVAILABLE', 'no version is known yet');
  };
  const seen = recording();
  const deps = {
    ...seen.context,
    lookup: unknown,
    replies: new Replies({ form: 'compatible', limitFallback: 0 }),
    pollers: new PollerRegistry(),
  };
  expect(await ask(createHttpHandler(deps), '/sampling?service=x')).toMatchObject({
    status: 503,
    body: 'collector error: no version is known yet\n',
  });
});

/** One poll over a connection of the agent; its status. */
function pollOver(agent: Agent, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent, headers: { 'user-agent': 'node' } };
    request({ ...options, path: '/sampling?service=shop' }, (incoming) => {
      incoming.resume();
      incoming.once('end', () => resolve(incoming.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
