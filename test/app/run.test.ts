import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { COMPONENTS } from '../../src/app/components.ts';
import { run } from '../../src/app/run.ts';
import { loadConfig } from '../../src/config/load-config.ts';

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Something on a port that is no database. Resolves with the port. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer(onConnection);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

function storing(port: number) {
  const config = loadConfig(
    {
      configs: [
        `yaml:
receivers: {nop: }
exporters: {clickhouse: {endpoint: "http://127.0.0.1:${port}", start_timeout: 10m, timeout: 10m}}
service:
  telemetry: {logs: {level: error}, metrics: {level: none}}
  spanweir: {shutdown_timeout: 10s}
  pipelines: {traces: {receivers: [nop], exporters: [clickhouse]}}
`,
      ],
      sets: [],
    },
    COMPONENTS,
    { variables: {} },
  );
  if ('problems' in config) throw new Error(config.problems.join('\n'));
  return config;
}

test('a stop ends the wait for a database that refuses connections', async () => {
  const stop = new AbortController();
  const port = await listen((socket) => {
    socket.destroy();
    stop.abort();
  });
  const begun = performance.now();
  expect(await run(storing(port), { stop: stop.signal })).toBe(0);
  expect(performance.now() - begun).toBeLessThan(5000);
});

test('a stop ends the wait for a database that never answers, and its connection', async () => {
  const stop = new AbortController();
  let closed: Promise<void> | undefined;
  const port = await listen((socket) => {
    closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('data', () => stop.abort());
  });
  const begun = performance.now();
  expect(await run(storing(port), { stop: stop.signal })).toBe(0);
  await closed;
  expect(performance.now() - begun).toBeLessThan(5000);
});

test('a stop before the start starts nothing', async () => {
  let connections = 0;
  const port = await listen(() => connections++);
  expect(await run(storing(port), { stop: AbortSignal.abort() })).toBe(0);
  expect(connections).toBe(0);
});
