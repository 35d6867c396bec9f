import { createRequire } from 'node:module';
import { Client, credentials, type MethodDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, expect, test } from 'vitest';
import { HealthService, reflect } from '../../src/grpc/late-services.ts';
import { FakeInstruments, recordingLog } from '../http/fakes.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

const FAILURES = 'spanweir_grpc_handler_failures_total';
const real = createRequire(import.meta.url);

/** A server of both services, whose libraries are there from the `good`th time on that one is asked for. */
async function start(good: number) {
  let tries = 0;
  const load = (name: string): unknown => {
    tries += 1;
    if (tries < good) throw new Error(`there is no ${name}`);
    return real(name);
  };
  const log = recordingLog();
  const instruments = new FakeInstruments();
  const deps = { log, failures: instruments.counter(FAILURES), load };
  const server = new Server();
  servers.push(server);
  new HealthService([''], deps).addTo(server);
  reflect(server, [], deps);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { client: new Client(`127.0.0.1:${port}`, credentials.createInsecure()), log, instruments };
}

const { Check } = healthService as unknown as { Check: MethodDefinition<object, { status: string }> };

function check(client: Client): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      Check.path,
      Check.requestSerialize,
      Check.responseDeserialize,
      {},
      (error, reply) => resolve(error === null ? String(reply?.status) : `error ${error.code}`),
    );
  });
}

function reflection(client: Client): Promise<number | undefined> {
  const same = (bytes: Buffer): Buffer => bytes;
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const call = client.makeBidiStreamRequest(path, same, same);
  call.on('data', () => {});
  call.end(Buffer.of(0x3a, 0));
  return new Promise((resolve) => {
    call.on('error', ({ code }: { code?: number }) => resolve(code));
    call.on('end', () => resolve(0));
  });
}

test('a library that does not load fails the calls that want it, and is said and counted', async () => {
  const { client, log, instruments } = await start(Number.POSITIVE_INFINITY);
  expect(await check(client)).toBe('error 13');
  expect(await reflection(client)).toBe(2);
  client.close();
  expect(log.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'error: a gRPC service could not be loaded',
    'error: a gRPC service could not be loaded',
  ]);
  expect(log.lines[0]?.fields).toMatchObject({ services: ['grpc.health.v1.Health'] });
  expect(instruments.values.get(`${FAILURES}{}`)).toBe(2);
});

test('it is loaded by the next call where that is possible', async () => {
  const { client, log } = await start(2);
  expect(await check(client)).toBe('error 13');
  expect(await check(client)).toBe('SERVING');
  expect(await reflection(client)).toBe(0);
  client.close();
  expect(log.lines).toHaveLength(1);
});
