import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { eventually } from '../eventually.ts';
import { pollGrpc } from '../grpc-client.ts';
import { startExtension, stopExtensions } from '../running.ts';

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopExtensions();
});

const LIMITED = {
  file: { default_sampling_probability: 0.5 },
  http: {
    endpoint: '127.0.0.1:0',
    max_connections: 2,
    max_header_size: 2048,
    max_url_size: 256,
  },
  grpc: { endpoint: '127.0.0.1:0', max_connections: 1, max_recv_msg_size_mib: 0.001 },
};

const start = async () => {
  const running = await startExtension(LIMITED, systemClock);
  return { ...running, port: running.http[0]?.port() ?? 0 };
};

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
    sockets.push(socket);
  });
}

async function raw(port: number, text: string): Promise<string> {
  const socket = await open(port);
  let answer = '';
  socket.on('data', (data) => {
    answer += String(data);
  });
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

const refused = (reason: string): string => `spanweir_http_refused_total{reason="${reason}"}`;

describe('HTTP', () => {
  test('headers beyond the limit are answered with 431', async () => {
    const { port, seen } = await start();
    const answer = await raw(
      port,
      `GET /sampling?service=x HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(4000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\nConnection: close\r\n/);
    expect(seen.metrics.get(refused('headers'))).toBe(1);
  });

  test('a path and query beyond theirs are answered with 414', async () => {
    const { ask, seen } = await start();
    expect(await ask(`/sampling?service=${'x'.repeat(300)}`)).toMatchObject({
      status: 414,
      body: '414 path and query are longer than 256 bytes\n',
    });
    expect(seen.metrics.get(refused('target'))).toBe(1);
  });

  test('what is not HTTP is answered with 400', async () => {
    const { port, seen } = await start();
    expect(await raw(port, 'EHLO there\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(seen.metrics.get(refused('malformed'))).toBe(1);
  });

  test('connections beyond theirs are closed and counted, and others served as they become free', async () => {
    const { port, ask, seen } = await start();
    const [first] = [await open(port), await open(port)];
    await expect(ask('/sampling?service=x')).rejects.toThrow();
    expect(seen.metrics.get(refused('connections'))).toBe(1);
    first?.destroy();
    await eventually(async () => expect((await ask('/sampling?service=x')).status).toBe(200));
  });
});

describe('gRPC', () => {
  test('a request beyond its size is RESOURCE_EXHAUSTED', async () => {
    const { grpcPort } = await start();
    await expect(pollGrpc(grpcPort, 'x'.repeat(2000))).rejects.toMatchObject({ code: 8 });
  });

  test('connections beyond theirs are closed and counted', async () => {
    const { grpcPort, seen } = await start();
    const held = await open(grpcPort);
    await expect(pollGrpc(grpcPort, 'x')).rejects.toMatchObject({ code: 14 });
    expect(seen.metrics.get('spanweir_grpc_refused_connections_total{}')).toBeGreaterThan(0);
    held.destroy();
    await eventually(async () => {
      expect(await pollGrpc(grpcPort, 'x')).toMatchObject({ strategyType: 'PROBABILISTIC' });
    });
  });
});
