import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { eventually } from '../eventually.ts';
import { startExtension, stopExtensions } from '../running.ts';

const dir = mkdtempSync(join(tmpdir(), 'spanweir-polls-'));
const path = join(dir, 'strategies.json');
writeFileSync(
  path,
  JSON.stringify({
    default_strategy: { type: 'probabilistic', param: 0.25 },
    service_strategies: [
      {
        service: 'caf\u00e9',
        type: 'probabilistic',
        param: 0.5,
        operation_strategies: [{ operation: 'GET /\u03c0', type: 'probabilistic', param: 0.75 }],
      },
    ],
  }),
);
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopExtensions();
});
afterAll(() => rmSync(dir, { recursive: true }));

const CAFE =
  '{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5},"operationSampling":' +
  '{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":' +
  '[{"operation":"GET /\u03c0","probabilisticSampling":{"samplingRate":0.75}}],"defaultUpperBoundTracesPerSecond":0}}';

/** What comes back over one connection, request after request. */
async function talk(port: number, requests: readonly string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let bytes = Buffer.alloc(0);
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
  });
  await once(socket, 'connect');
  const replies: string[] = [];
  for (const request of requests) {
    bytes = Buffer.alloc(0);
    socket.write(request);
    await eventually(async () => expect(isWhole(bytes)).toBe(true));
    replies.push(bytes.toString().replace(/^Date: .*$/m, 'Date: then'));
  }
  return replies;
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(bytes.toString('latin1', 0, end))?.[1];
  return end > 0 && bytes.length === end + 4 + Number(length);
}

const pollOf = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost:5778\r\nUser-Agent: Go-http-client/1.1\r\n${headers}\r\n`;

const start = async () => {
  const running = await startExtension({ file: { path } }, systemClock);
  return { ...running, port: running.http[0]?.port() ?? 0 };
};

test('a poll is answered as node:http answers it, in bytes of UTF-8, also where nobody is named', async () => {
  const { port } = await start();
  for (const target of ['/sampling?service=caf%C3%A9', '/?service=nobody', '/api/sampling?service=a&b=c']) {
    const [ready] = await talk(port, [pollOf(target)]);
    const [plain] = await talk(port, [pollOf(target, 'X-Odd: 1\r\n')]);
    expect(ready).toBe(plain);
    expect(ready).toContain('\r\nKeep-Alive: timeout=75\r\n\r\n{"strategyType":"PROBABILISTIC"');
  }
  const [cafe] = await talk(port, [pollOf('/sampling?service=caf%C3%A9')]);
  expect(cafe?.split('\r\n\r\n')[1]).toBe(CAFE);
});

test('each poll is counted, and known as that of its client', async () => {
  const { port, seen, extension } = await start();
  const target = '/sampling?service=shop';
  await talk(port, [pollOf(target), pollOf(target), pollOf(target, 'X-Odd: 1\r\n'), pollOf(target)]);
  await talk(port, [pollOf(target, 'X-Forwarded-For: 10.1.2.3, 10.0.0.1\r\n')]);
  expect(seen.metrics.get('spanweir_sampling_polls_total{result="ok",transport="http"}')).toBe(5);
  expect(extension.pollers().services).toMatchObject([
    {
      service: 'shop',
      pollers: [
        { address: '127.0.0.1', userAgent: 'Go-http-client/1.1', transport: 'http', polls: 4, instances: 1 },
        { address: '10.1.2.3', userAgent: 'Go-http-client/1.1', transport: 'http', polls: 1 },
      ],
    },
  ]);
});

test('what can not be answered is refused and counted once, and the connection goes on', async () => {
  const { port, seen } = await start();
  const [refused, answered] = await talk(port, [pollOf('/sampling'), pollOf('/sampling?service=shop')]);
  expect(refused).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(seen.metrics.get('spanweir_sampling_polls_total{result="error",transport="http"}')).toBe(1);
  expect(seen.metrics.get('spanweir_sampling_polls_total{result="ok",transport="http"}')).toBe(1);
});
