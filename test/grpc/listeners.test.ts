import { createServer } from 'node:net';
import { Client, credentials, loadPackageDefinition, Metadata, type ServiceDefinition } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createGrpcListeners, type GrpcListeners } from '../../src/grpc/listeners.ts';
import { eventually, FakeInstruments, recordingLog, within } from '../http/fakes.ts';

const open: GrpcListeners[] = [];
const instruments = new FakeInstruments();

function listeners(): GrpcListeners {
  const made = createGrpcListeners({ log: recordingLog(), clock: systemClock, instruments });
  open.push(made);
  return made;
}

afterEach(async () => {
  const deadline = within(2000);
  for (const made of open.splice(0)) await made.close(deadline);
  deadline.end();
});

const same = (bytes: Buffer): Buffer => bytes;
function definition(name: string): ServiceDefinition {
  return {
    Call: {
      path: `/${name}/Call`,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
}

function call(port: number, name: string, client = clientTo(port)): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      `/${name}/Call`,
      same,
      same,
      Buffer.from('x'),
      new Metadata(),
      {},
      (error, reply) => {
        resolve(error === null ? String(reply) : `${error.code} ${error.details}`);
        client.close();
      },
    );
  });
}

function clientTo(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure());
}

type Unary = (call: unknown, callback: (error: null, reply: Buffer) => void) => void;
const answering =
  (text: string): Unary =>
  (_, callback) =>
    callback(null, Buffer.from(text));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface HealthClient {
  check(request: object, done: (error: Error | null, reply: { status: string }) => void): void;
  watch(request: object): AsyncIterable<{ status: string }> & { on(event: string, f: () => void): void };
  close(): void;
}

function healthClient(port: number): HealthClient {
  const definitions = { 'grpc.health.v1.Health': healthService };
  const loaded = loadPackageDefinition(definitions as never) as never as {
    grpc: { health: { v1: { Health: new (...args: unknown[]) => HealthClient } } };
  };
  return new loaded.grpc.health.v1.Health(`127.0.0.1:${port}`, credentials.createInsecure());
}

describe('gRPC listeners', () => {
  it('serve two components on one address, with health for each service', async () => {
    const port = await freePort();
    const made = listeners();
    made.grpc({ host: 'localhost', port }, 'a.endpoint').service(definition('t.A'), { Call: answering('A') });
    made.grpc({ host: '127.0.0.1', port }, 'b.endpoint').service(definition('t.B'), { Call: answering('B') });
    await made.open();
    expect([await call(port, 't.A'), await call(port, 't.B')]).toEqual(['A', 'B']);
    expect(await call(port, 't.C')).toMatch(/^12 /);
    const client = healthClient(port);
    const status = await new Promise((resolve) => {
      client.check({ service: 't.A' }, (_, reply) => resolve(reply.status));
    });
    expect(status).toBe('SERVING');
    client.close();
  });

  it('refuse one service wanted by two components', () => {
    const made = listeners();
    const address = { host: 'localhost', port: 14250 };
    made.grpc(address, 'a.endpoint').service(definition('t.A'), { Call: answering('A') });
    expect(() =>
      made.grpc(address, 'b.endpoint').service(definition('t.A'), { Call: answering('A') }),
    ).toThrow('b.endpoint and a.endpoint both want t.A on localhost:14250');
  });

  it('name host, port and option of a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const made = listeners();
    made.grpc({ host: 'localhost', port }, 'receivers.otlp.protocols.grpc.endpoint');
    await expect(made.open()).rejects.toMatchObject({
      code: 'START',
      message: `localhost:${port} is already taken by another program; choose another port (set by receivers.otlp.protocols.grpc.endpoint)`,
    });
    taken.close();
  });

  it('answer INTERNAL and count when a handler throws, now or later', async () => {
    const made = listeners();
    const services = made.grpc({ host: 'localhost', port: 0 }, 'x.endpoint');
    const now: Unary = () => {
      throw new Error('secret detail');
    };
    const later = (async (_call: unknown, _callback: unknown) => {
      await Promise.resolve();
      throw new Error('secret detail');
    }) as unknown as Unary;
    services.service(definition('t.Now'), { Call: now });
    services.service(definition('t.Later'), { Call: later });
    await made.open();
    const before = instruments.values.get('spanweir_grpc_handler_failures_total{}') ?? 0;
    expect(await call(services.port(), 't.Now')).toBe('13 internal error');
    expect(await call(services.port(), 't.Later')).toBe('13 internal error');
    expect(instruments.values.get('spanweir_grpc_handler_failures_total{}')).toBe(before + 2);
  });

  it('finish the call in hand when closing, in spite of a client that watches health', async () => {
    const made = listeners();
    const services = made.grpc({ host: 'localhost', port: 0 }, 'x.endpoint');
    let finish: (() => void) | undefined;
    const slow: Unary = (_, callback) => {
      finish = () => callback(null, Buffer.from('done'));
    };
    services.service(definition('t.Slow'), { Call: slow });
    await made.open();
    const health = healthClient(services.port());
    const watch = health.watch({ service: '' });
    watch.on('error', () => undefined);
    watch.on('data', () => undefined);
    const answer = call(services.port(), 't.Slow');
    await eventually(() => finish !== undefined);
    const deadline = within(10_000);
    const closed = made.close(deadline);
    expect(await call(services.port(), 't.Slow')).toMatch(/^14 /);
    finish?.();
    expect(await answer).toBe('done');
    await closed;
    expect(deadline.signal.aborted).toBe(false);
    deadline.end();
    health.close();
  });

  it('cut a call that does not end by the deadline', async () => {
    const made = listeners();
    const services = made.grpc({ host: 'localhost', port: 0 }, 'x.endpoint');
    let begun = false;
    services.service(definition('t.Never'), {
      Call: ((_call: unknown, _callback: unknown) => {
        begun = true;
      }) as Unary,
    });
    await made.open();
    const answer = call(services.port(), 't.Never');
    await eventually(() => begun);
    await made.close(within(50));
    expect(await answer).toMatch(/^(1|14) /);
  });
});
