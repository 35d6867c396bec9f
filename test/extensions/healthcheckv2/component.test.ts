import { afterEach, expect, test } from 'vitest';
import { healthcheckExtension } from '../../../src/extensions/healthcheckv2/component.ts';
import { healthcheckConfig } from '../../../src/extensions/healthcheckv2/config.ts';
import { HealthRegistry } from '../../../src/telemetry/health.ts';
import { FakeClock } from '../../flow/fake-clock.ts';
import { fakeMain, within } from '../../http/fakes.ts';

interface Served {
  readonly registry: HealthRegistry;
  readonly clock: FakeClock;
  readonly get: (path: string) => Promise<{ status: number; body: unknown; text: string }>;
}

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Serves on a free port; `config` without an endpoint. */
async function serve(config: object = {}): Promise<Served> {
  const clock = new FakeClock();
  const registry = new HealthRegistry(clock);
  const main = fakeMain({ id: 'healthcheckv2', peers: { 'spanweir.health': registry } });
  const parsed = healthcheckConfig.parse({ endpoint: '127.0.0.1:0', ...config });
  let port = (): number => 0;
  const component = healthcheckExtension.createMain?.(parsed, {
    ...main.context,
    clock,
    listeners: {
      ...main.listeners,
      http: (address, option) => {
        const routes = main.listeners.http(address, option);
        port = () => routes.port();
        return routes;
      },
    },
  });
  await component?.start();
  await main.listeners.open();
  ends.push(async () => {
    const deadline = within(1000);
    await main.listeners.close(deadline);
    deadline.end();
  });
  return {
    registry,
    clock,
    get: async (path) => {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`);
      const text = await response.text();
      return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
    },
  };
}

function declareAll(registry: HealthRegistry): void {
  registry.declare('connector:span_metrics', ['traces']);
  registry.declare('receiver:otlp', ['traces']);
  registry.declare('exporter:clickhouse', ['traces', 'metrics'], ['lane 0']);
  registry.declare('extension:healthcheckv2', ['extensions']);
  registry.report('receiver:otlp', 'main', 'ok');
  registry.report('extension:healthcheckv2', 'main', 'ok');
}

test('what is alive is not ready before all components are', async () => {
  const { registry, get } = await serve();
  declareAll(registry);
  expect(await get('/')).toMatchObject({ status: 503, body: { status: 'Server not available' } });
  expect(await get('/status')).toMatchObject({
    status: 503,
    body: { healthy: false, status: 'StatusStarting' },
  });
  registry.report('exporter:clickhouse', 'lane 0', 'ok');
  expect(await get('/')).toMatchObject({
    status: 200,
    body: { status: 'Server available', upSince: '2023-11-14T22:13:20.000Z', uptime: '0.000s' },
  });
});

test('/status tells the process, and every component when it is to be verbose', async () => {
  const { registry, get } = await serve();
  declareAll(registry);
  registry.report('exporter:clickhouse', 'lane 0', 'broken', 'no such table');
  const since = { status_time: '2023-11-14T22:13:20.000Z' };
  const broken = { healthy: false, status: 'StatusPermanentError', error: 'no such table', ...since };
  const well = { healthy: true, status: 'StatusOK', ...since };
  expect((await get('/status')).body).toEqual({ start_time: '2023-11-14T22:13:20.000Z', ...broken });
  const verbose = await get('/status?verbose');
  expect(verbose.status).toBe(503);
  expect(verbose.body).toEqual({
    start_time: '2023-11-14T22:13:20.000Z',
    ...broken,
    components: {
      extensions: { ...well, components: { 'extension:healthcheckv2': well } },
      'pipeline:metrics': { ...broken, components: { 'exporter:clickhouse': broken } },
      'pipeline:traces': { ...broken, components: { 'receiver:otlp': well, 'exporter:clickhouse': broken } },
    },
  });
  expect((await get('/status?pipeline=traces')).body).toEqual(broken);
  expect((await get('/status?pipeline=logs')).status).toBe(404);
});

test('trouble shows in the body, and in the status code only when asked for and only after a while', async () => {
  const lenient = await serve();
  declareAll(lenient.registry);
  lenient.registry.report('exporter:clickhouse', 'lane 0', 'recoverable', 'slow');
  expect(await lenient.get('/status')).toMatchObject({
    status: 200,
    body: { status: 'StatusRecoverableError', error: 'slow' },
  });
  const strict = await serve({
    component_health: { include_recoverable_errors: true, recovery_duration: '100ms' },
  });
  declareAll(strict.registry);
  strict.registry.report('exporter:clickhouse', 'lane 0', 'recoverable', 'slow');
  expect((await strict.get('/status')).status).toBe(200);
  await strict.clock.advance(100);
  expect((await strict.get('/status')).status).toBe(503);
});

test('broken components may be left out of the status code', async () => {
  const { registry, get } = await serve({ component_health: { include_permanent_errors: false } });
  registry.report('exporter:clickhouse', 'lane 0', 'broken', 'gone');
  expect((await get('/status')).status).toBe(200);
});

test('the old form: a path of its own and an answer of its own', async () => {
  const { registry, get } = await serve({
    path: '/healthz',
    response_body: { healthy: 'yes', unhealthy: 'no' },
  });
  declareAll(registry);
  expect(await get('/healthz')).toMatchObject({ status: 503, text: 'no' });
  registry.report('exporter:clickhouse', 'lane 0', 'ok');
  expect(await get('/healthz')).toMatchObject({ status: 200, text: 'yes' });
  expect((await get('/')).status).toBe(404);
});

test('the new form: another path for the status', async () => {
  const { registry, get } = await serve({ use_v2: true, http: { status: { path: '/health/status' } } });
  declareAll(registry);
  expect((await get('/health/status')).status).toBe(503);
  expect((await get('/status')).status).toBe(404);
});
