import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { systemClock } from '../../../src/base/clock.ts';
import type { Deadline } from '../../../src/base/component.ts';
import { EmbeddedClickHouse } from '../../../src/clickhouse/embedded.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { migratedDatabase, silentLog } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

function deadline(ms: number): Deadline {
  const signal = AbortSignal.timeout(ms);
  return { signal, remainingMs: () => (signal.aborted ? 0 : ms) };
}

interface Running {
  readonly server: EmbeddedClickHouse;
  readonly url: string;
  readonly health: string[];
  readonly restarts: () => number;
}

function create(settings: { directory: string; httpPort: number; nativePort: number }): Running {
  const health: string[] = [];
  let restarts = 0;
  const server = new EmbeddedClickHouse(
    { ...settings, host: '127.0.0.1', maxServerMemoryBytes: 1 << 30 },
    {
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      health: { report: (status) => void health.push(status) },
      restarts: {
        add: (n) => {
          restarts += n;
        },
      },
      options: { directory: 'e.directory', endpoint: 'e.endpoint', nativeEndpoint: 'e.native_endpoint' },
      platform: `${process.platform}-${process.arch}`,
    },
  );
  onTestFinished(() => server.stop(deadline(10_000)));
  return { server, url: `http://127.0.0.1:${settings.httpPort}`, health, restarts: () => restarts };
}

async function freshSettings(directory = join(tempDirOfTest(), 'data')) {
  return { directory, httpPort: await freePort(), nativePort: await freePort() };
}

async function ask(url: string, query: string): Promise<string> {
  const reply = await fetch(url, { method: 'POST', body: query, headers: { connection: 'close' } });
  return (await reply.text()).trim();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the embedded ClickHouse', () => {
  test('is a real server, whose data a second start finds', async () => {
    const settings = await freshSettings();
    const first = create(settings);
    await first.server.start();
    await ask(first.url, 'CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x');
    await ask(first.url, 'INSERT INTO t VALUES (7)');
    const { pid } = first.server;
    await first.server.stop(deadline(10_000));
    expect(isAlive(pid as number)).toBe(false);
    expect(first.health).toEqual(['starting', 'ok', 'stopping', 'stopped']);
    const second = create(settings);
    await second.server.start();
    expect(await ask(second.url, 'SELECT x FROM t')).toBe('7');
    expect(
      await ask(
        second.url,
        "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\\\_log'",
      ),
    ).toBe('0');
  });

  test('names the option of a port that is taken', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const http = create({ ...(await freshSettings()), httpPort: port });
    await expect(http.server.start()).rejects.toMatchObject({
      code: 'START',
      message: expect.stringMatching(`127.0.0.1:${port} .*e\\.endpoint`),
    });
    const native = create({ ...(await freshSettings()), nativePort: port });
    await expect(native.server.start()).rejects.toMatchObject({
      code: 'START',
      message: expect.stringMatching(`127.0.0.1:${port} .*e\\.native_endpoint`),
    });
  });

  test('does not share a data folder', async () => {
    const settings = await freshSettings();
    await create(settings).server.start();
    const other = create(await freshSettings(settings.directory));
    await expect(other.server.start()).rejects.toMatchObject({
      code: 'START',
      message: `e.directory: another ClickHouse is already running in ${settings.directory}`,
    });
  });

  test('ends when the process that started it is killed', async () => {
    const settings = await freshSettings();
    const script = `
      import { EmbeddedClickHouse } from ${JSON.stringify(new URL('../../../src/clickhouse/embedded.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../../../src/base/clock.ts', import.meta.url).href)};
      const quiet = () => {};
      const server = new EmbeddedClickHouse(${JSON.stringify({ ...settings, host: '127.0.0.1', maxServerMemoryBytes: 1 << 30 })}, {
        clock: systemClock, random: Math.random, log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
        health: { report: quiet }, restarts: { add: quiet }, options: {}, platform: process.platform + '-' + process.arch,
      });
      server.start().then(() => process.stdout.write(String(server.pid)));
    `;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const engine = Number(String(said));
    expect(isAlive(engine)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor('the end of the engine', () => !isAlive(engine), { deadlineMs: 15_000 });
  });
});

test('kill -9 of the server loses and doubles nothing that was acknowledged', async () => {
  const { server, url, health, restarts } = create(await freshSettings());
  await server.start();
  const client = await migratedDatabase(url);
  const config = { retry_on_failure: { initial_interval: '20ms', max_interval: '200ms' } };
  const setup = new SinkSetup(client, { config, only: 'spans' });
  const SPANS = 500;
  const blocks = 60;
  const kills = [10, 30, 50];
  for (let i = 0; i < blocks; i++) {
    const spans = Array.from({ length: SPANS }, (_, n) => ({
      spanId: (i * SPANS + n + 1).toString(16).padStart(16, '0'),
      name: `block ${i}`,
    }));
    const written = setup.sink.write(setup.block(kafkaOrigin(i, i), [[{ service: 'shop', spans }]]), never);
    if (kills.includes(i)) {
      // Somewhere in the middle of it.
      await systemClock.sleep(i / 10);
      process.kill(server.pid as number, 'SIGKILL');
    }
    await written;
  }
  const [row] = await client.query(
    `SELECT count() AS spans, uniqExact(SpanId) AS different FROM ${client.database}.otel_traces`,
  );
  expect(row).toEqual({ spans: String(blocks * SPANS), different: String(blocks * SPANS) });
  expect(restarts()).toBe(kills.length);
  await waitFor('health', () => health.at(-1) === 'ok');
  expect(health).toContain('recoverable');
  await client.close();
});
