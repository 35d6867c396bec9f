import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { COMPONENTS } from '../../../src/app/components.ts';
import { run } from '../../../src/app/run.ts';
import { readMigrations } from '../../../src/clickhouse/migrations.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { encodeProto } from '../../support/spans.ts';
import { waitFor } from '../../support/wait.ts';

// Threads are loaded from source here, each anew.
vi.setConfig({ testTimeout: 60_000 });

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  delete process.env.SPANWEIR_TEST_FAULT;
  for (const end of ends.splice(0).reverse()) await end();
});

/** Takes the place of a ClickHouse whose inserts can be made to hang or to fail. */
class FakeDatabase {
  inserts: 'taken' | 'held' | 'refused' = 'taken';
  held = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    ends.push(async () => {
      this.#server.closeAllConnections();
      await new Promise((resolve) => this.#server.close(resolve));
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isInsert = request.url?.includes('INSERT') === true;
    let query = '';
    for await (const chunk of request) if (!isInsert) query += String(chunk);
    if (!isInsert) response.end(answerTo(query));
    else if (this.inserts === 'taken') response.end();
    else if (this.inserts === 'held') this.held++;
    else response.writeHead(404).end('Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)');
  }
}

/** As of a database that has the schema of this release. */
function answerTo(query: string): string {
  if (query.includes("name = 'schema_migrations'")) return '{"n":"1"}\n';
  if (!query.includes('.schema_migrations')) return '';
  return readMigrations({ database: 'default', spansTtlMs: 0 })
    .map(({ version, name, sha256 }) => `{"Version":${version},"Name":"${name}","Sha256":["${sha256}"]}\n`)
    .join('');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface EngineOptions {
  readonly watchdog?: string;
  readonly heap?: string;
  /** What happens to its threads; see base/failpoints.ts. */
  readonly fault?: string;
}

/** A whole engine with one lane over a database of ours. */
async function startEngine({ watchdog = '30s', heap = '1GiB', fault }: EngineOptions = {}) {
  if (fault !== undefined) process.env.SPANWEIR_TEST_FAULT = fault;
  const database = new FakeDatabase();
  const clickhouse = await database.listen();
  const [otlp, prometheus, health, own] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const config = loadConfig(
    {
      configs: [
        `yaml:
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${otlp}"}}}}
connectors: {span_metrics: }
exporters:
  clickhouse:
    endpoint: "http://127.0.0.1:${clickhouse}"
    create_schema: false
    request_timeout: 10m
    retry_on_failure: {initial_interval: 10ms, max_interval: 20ms}
  prometheus: {endpoint: "127.0.0.1:${prometheus}"}
extensions:
  healthcheckv2:
    http: {endpoint: "127.0.0.1:${health}"}
    component_health: {include_recoverable_errors: true, recovery_duration: 0s}
service:
  extensions: [healthcheckv2]
  telemetry: {logs: {level: error}, metrics: {address: "127.0.0.1:${own}"}}
  spanweir: {workers: 1, shutdown_timeout: 10s, watchdog: ${watchdog}, worker_heap: ${heap}}
  pipelines:
    traces: {receivers: [otlp], exporters: [clickhouse, span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [prometheus]}
`,
      ],
      sets: [],
    },
    COMPONENTS,
    { variables: {} },
  );
  if ('problems' in config) throw new Error(config.problems.join('\n'));
  const threads: Worker[] = [];
  const note = (thread: Worker): void => void threads.push(thread);
  process.on('worker', note);
  const stop = new AbortController();
  let isReady = false;
  const ended = run(config, { stop: stop.signal, onReady: () => (isReady = true) }).catch(
    (error: unknown) => error as Error,
  );
  ends.push(async () => {
    process.off('worker', note);
    stop.abort();
    await ended;
  });
  const failed = ended.then((outcome) => {
    if (!isReady) throw outcome;
  });
  await Promise.race([waitFor('the engine is ready', () => isReady), failed]);
  const page = async (port: number, path = '/metrics') =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  return {
    database,
    threads,
    /** The exit code, or what it failed with. */
    ended,
    stop: () => stop.abort(),
    /** Two spans of one operation. */
    send: () =>
      fetch(`http://127.0.0.1:${otlp}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(
          encodeProto([{ service: 'shop', spans: [{ name: 'GET /' }, { name: 'GET /' }] }]),
        ),
      }),
    health: async () => (await fetch(`http://127.0.0.1:${health}/status?verbose`)).status,
    calls: async () => sumOf(await page(prometheus), 'traces_span_metrics_calls_total'),
    own: async (name: string) => sumOf(await page(own), name),
    ownPage: () => page(own),
  };
}

function sumOf(page: string, name: string): number {
  return page
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf('}') + 1)), 0);
}

test('a thread that dies is started again: what it had is refused, what it had counted stays', async () => {
  const { database, threads, send, calls, own } = await startEngine();
  expect((await send()).status).toBe(200);
  database.inserts = 'held';
  const pending = send();
  await waitFor('the second request is with the database', () => database.held > 0);
  const intoDeath = { spans: await own('spanweir_intake_spans_total'), calls: await calls() };
  expect(intoDeath).toEqual({ spans: 4, calls: 2 });
  expect(threads).toHaveLength(1);
  await threads[0]?.terminate();

  const refused = await pending;
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await own('spanweir_receiver_refused_requests_total')).toBe(1);
  expect(await own('spanweir_intake_spans_total')).toBe(4);

  database.inserts = 'taken';
  await waitFor('the next life takes it', async () => (await send()).status === 200);
  expect(threads).toHaveLength(2);
  expect(await own('spanweir_intake_spans_total')).toBe(6);
  expect(await waitFor('the new life counts on', async () => (await calls()) === 4)).toBe(true);
});

test('what a sink in a lane suffers is seen by who asks for the health of the process', async () => {
  const { database, send, health } = await startEngine();
  expect(await health()).toBe(200);
  database.inserts = 'refused';
  const pending = send();
  await waitFor('the process is not well', async () => (await health()) === 503);
  database.inserts = 'taken';
  expect((await pending).status).toBe(200);
  expect(await health()).toBe(200);
});

test.each([
  ['throws', 'fault:lane_throw:inserted:1', 'error', '30s'],
  ['hangs', 'fault:lane_hang:inserted:1', 'hang', '2s'],
  ['runs out of memory', 'fault:lane_oom:inserted:1', 'memory', '30s'],
])('a thread that %s is replaced, and the process goes on', async (_what, fault, reason, watchdog) => {
  const { send, ended, stop, ownPage, threads, health } = await startEngine({
    watchdog,
    heap: '64MiB',
    fault,
  });
  await send();
  await waitFor('another thread is being started', () => threads.length === 2);
  await waitFor('it takes requests', async () => (await send()).status === 200);
  expect(await ownPage()).toContain(`spanweir_worker_deaths_total{reason="${reason}"} 1`);
  expect(await health()).toBe(200);
  stop();
  expect(await ended).toBe(0);
});

test('while a thread is being started again nothing is handed to it', async () => {
  const { send, threads } = await startEngine();
  await threads[0]?.terminate();
  await waitFor('the next thread is being started', () => threads.length === 2, { everyMs: 1 });
  const begunMs = performance.now();
  expect((await send()).status).toBe(503);
  expect(performance.now() - begunMs).toBeLessThan(200);
  await waitFor('it takes requests', async () => (await send()).status === 200);
});

test('three deaths within a minute end the process, and it is said what died of what', async () => {
  const { send, ended } = await startEngine({ fault: 'fault:lane_throw:inserted:1:3' });
  const isOver = ended.then(() => true);
  await waitFor('the end', async () => {
    return await Promise.race([isOver, send().then(() => false)]);
  });
  const why = 'thread 0 of error (a fault that a test asked for)';
  expect(await ended).toMatchObject({
    message: `3 ingest threads died within a minute: ${why}, ${why}, ${why}`,
  });
});
