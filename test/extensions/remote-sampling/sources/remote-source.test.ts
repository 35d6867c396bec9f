import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { bearerTokenAuthExtension } from '../../../../src/extensions/bearertokenauth/component.ts';
import { bearerTokenAuthConfig } from '../../../../src/extensions/bearertokenauth/config.ts';
import { remoteSamplingConfig } from '../../../../src/extensions/remote-sampling/config.ts';
import type { MainContext } from '../../../../src/flow/host.ts';
import { eventually } from '../eventually.ts';
import { pollGrpc } from '../grpc-client.ts';
import { NO_HURRY, recording } from '../recording.ts';
import { startExtension, stopExtensions } from '../running.ts';

const folders: string[] = [];
afterEach(async () => {
  await stopExtensions();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spanweir-source-'));
  folders.push(folder);
  return folder;
}

const STRATEGIES = {
  default_strategy: { type: 'probabilistic', param: 0.5 },
  service_strategies: [
    {
      service: 'shop',
      type: 'probabilistic',
      param: 0.8,
      operation_strategies: [{ operation: 'GET /', type: 'probabilistic', param: 0.2 }],
    },
    { service: 'limited', type: 'ratelimiting', param: 5 },
  ],
};

async function strategiesFile(strategies: object = STRATEGIES): Promise<string> {
  const path = join(await folderOf(), 'strategies.json');
  await writeFile(path, JSON.stringify(strategies));
  return path;
}

async function upstream(config: object = {}, peers: Readonly<Record<string, unknown>> = {}) {
  const path = await strategiesFile();
  return startExtension({ file: { path, reload_interval: '50ms' }, ...config }, systemClock, peers);
}

const front = (port: number, source: object = {}, remote: object = {}, peers = {}) =>
  startExtension(
    {
      source: {
        remote: { endpoint: `localhost:${port}`, tls: { insecure: true }, timeout: '2s', ...remote },
        ...source,
      },
    },
    systemClock,
    peers,
  );

const fetched = (outcome: string): string => `spanweir_sampling_remote_fetches_total{outcome="${outcome}"}`;

test('the strategies of another server are served, over HTTP and gRPC', async () => {
  const { grpcPort } = await upstream();
  const { ask, grpcPort: ownPort } = await front(grpcPort);
  expect(JSON.parse((await ask('/sampling?service=shop')).body)).toEqual({
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: 0.8 },
    operationSampling: {
      defaultSamplingProbability: 0.8,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies: [{ operation: 'GET /', probabilisticSampling: { samplingRate: 0.2 } }],
      defaultUpperBoundTracesPerSecond: 0,
    },
  });
  expect((await pollGrpc(ownPort, 'unknown')).probabilisticSampling).toEqual({ samplingRate: 0.5 });
});

test('the shape of Jaeger is brought into the one that every client takes, unless it is asked for', async () => {
  const { grpcPort } = await upstream({ reply: 'jaeger' });
  const { grpcPort: compatible } = await front(grpcPort);
  expect(await pollGrpc(compatible, 'limited')).toMatchObject({
    strategyType: 'PROBABILISTIC',
    probabilisticSampling: { samplingRate: 0.001 },
    operationSampling: { perOperationStrategies: [] },
  });
});

test('polls within the reload interval are answered from memory', async () => {
  const { grpcPort, extension } = await upstream();
  const { ask, seen } = await front(grpcPort);
  for (let i = 0; i < 20; i++) await ask('/sampling?service=shop');
  expect(seen.metrics.get(fetched('ok'))).toBe(1);
  expect(extension.pollers().services).toMatchObject([
    { service: 'shop', pollers: [{ client: 'a collector in front', polls: 1 }] },
  ]);
});

test('while the other is away what it said last is served, and what it never said is an error', async () => {
  const { grpcPort, listeners } = await upstream();
  const { ask, seen, grpcPort: ownPort } = await front(grpcPort, { reload_interval: '0s' });
  expect((await ask('/sampling?service=shop')).status).toBe(200);
  await listeners.close(NO_HURRY);
  expect((await ask('/sampling?service=shop')).body).toContain('"samplingRate":0.8');
  expect(seen.metrics.get(fetched('stale'))).toBe(1);
  expect(seen.health.status).toBe('recoverable');
  expect(await ask('/sampling?service=new')).toMatchObject({ status: 503 });
  await expect(pollGrpc(ownPort, 'new')).rejects.toMatchObject({ code: 14 });
});

describe('a changed strategy', () => {
  test('comes through once the answer is older than the reload interval', async () => {
    const path = await strategiesFile();
    const { grpcPort } = await startExtension({ file: { path, reload_interval: '50ms' } }, systemClock);
    const { ask } = await front(grpcPort, { reload_interval: '100ms' });
    expect((await ask('/sampling?service=new')).body).toContain('"samplingRate":0.5');
    await writeFile(path, JSON.stringify({ default_strategy: { type: 'probabilistic', param: 0.25 } }));
    await eventually(async () =>
      expect((await ask('/sampling?service=new')).body).toContain('"samplingRate":0.25'),
    );
  });
});

test('it is asked over TLS, with headers and credentials', async () => {
  const dir = await folderOf();
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', [...request.split(' '), '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  const token = bearerTokenAuthExtension.createMain?.(
    bearerTokenAuthConfig.parse({ token: 'letmein' }),
    recording().context as MainContext,
  );
  const peers = { 'extension:bearertokenauth': token };
  const auth = { authenticator: 'bearertokenauth' };
  const tls = { cert_file: cert, key_file: key, client_ca_file: cert, min_version: '1.3' };
  const { grpcPort } = await upstream({ grpc: { endpoint: '127.0.0.1:0', auth, tls } }, peers);
  const clientTls = { ca_file: cert, cert_file: cert, key_file: key };
  const { ask } = await front(grpcPort, {}, { tls: clientTls, auth }, peers);
  expect((await ask('/sampling?service=shop')).body).toContain('"samplingRate":0.8');
  const { ask: withHeader } = await front(
    grpcPort,
    {},
    {
      tls: clientTls,
      headers: { authorization: 'Bearer letmein' },
    },
  );
  expect((await withHeader('/sampling?service=shop')).status).toBe(200);
  const { ask: withNothing } = await front(grpcPort, {}, { tls: clientTls });
  expect(await withNothing('/sampling?service=shop')).toMatchObject({ status: 503 });
});

test('a source can be a file, as in the collector', async () => {
  const path = await strategiesFile();
  const { ask } = await startExtension({ source: { file: path } }, systemClock);
  expect((await ask('/sampling?service=shop')).body).toContain('"samplingRate":0.8');
});

test.each([
  [{}, "no sources specified, has to be either 'file' or 'remote'"],
  [
    { remote: { endpoint: 'x:1' }, file: 'y' },
    "too many sources specified, has to be either 'file' or 'remote'",
  ],
])('a source of %j is refused in the words of the collector', (source, message) => {
  const { error } = remoteSamplingConfig.safeParse({ source });
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
