import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateForEver } from '../../../bench/support/embedded-database.ts';
import { renderQueryPages, SAMPLES, SHOP_CONTEXT } from '../../../scripts/docs/query-pages.ts';
import { queryCommand } from '../../../src/app/commands/query/query.ts';
import { renderTable } from '../../../src/app/commands/query/render.ts';
import { topCommand } from '../../../src/app/commands/top/top.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { readQueries } from '../../../src/clickhouse/queries/catalogue.ts';
import { runQuery } from '../../../src/clickhouse/queries/run-query.ts';
import { fillShop, SHOP_END_S, traceId } from '../../support/shop.ts';
import { newDatabase, openClient } from '../clickhouse/database.ts';

const client = openClient(newDatabase());
const QUERIES = readQueries();

beforeAll(async () => {
  await migrateForEver(client);
  await fillShop(client);
});
afterAll(() => client.close());

type Row = Readonly<Record<string, unknown>>;

/** The rows of a query on the shop, asked at 12:10 as its page does unless told otherwise. */
async function ask(
  name: string,
  given: Readonly<Record<string, string>> = SAMPLES[name] ?? {},
): Promise<Row[]> {
  const query = QUERIES.get(name);
  if (query === undefined) throw new Error(`no query ${name}`);
  return JSON.parse(renderTable(await runQuery(client, query, given, SHOP_CONTEXT), 'json')) as Row[];
}

/** Values of the named columns, row by row. */
function columns(rows: readonly Row[], ...names: string[]): unknown[][] {
  return rows.map((row) => names.map((name) => row[name]));
}

/** A duration from a histogram: no more than the width of a bucket away. */
function near(ms: number): unknown {
  return {
    asymmetricMatch: (value: unknown) =>
      typeof value === 'number' && Math.abs(Math.log2(value / ms)) <= 1 / 16,
    toString: () => `near ${ms}`,
  };
}

describe('the shop is answered for as it was made', () => {
  test('red: two requests a second in steps of two minutes, errors at 1 of each hundred and after the release', async () => {
    const rows = await ask('red');
    expect(columns(rows, 'time', 'calls_per_s', 'errors_per_s')).toEqual([
      ['2026-05-01 12:00:00', 1, 0.016667],
      ['2026-05-01 12:02:00', 1, 0.008333],
      ['2026-05-01 12:04:00', 1, 0.025],
      ['2026-05-01 12:06:00', 1, 0.025],
      ['2026-05-01 12:08:00', 1, 0.025],
    ]);
    expect(columns(rows, 'p50_ms', 'p95_ms')).toEqual([
      [near(25), near(400)],
      [near(25), near(400)],
      [near(25), near(400)],
      [near(25), near(800)],
      [near(25), near(800)],
    ]);
    expect(columns(rows, 'calls_per_s_low', 'calls_per_s_high')).toEqual(Array(5).fill([1, 1]));
  });

  test('red: a sampled service has an interval around what its spans stand for', async () => {
    const [row] = await ask('red', { service: 'search', from: '10m', step: '10m' });
    expect(row).toMatchObject({ time: '2026-05-01 12:00:00', calls_per_s: 1 });
    expect(row?.['calls_per_s_low']).toBeLessThan(0.95);
    expect(row?.['calls_per_s_high']).toBeGreaterThan(1.05);
  });

  test.each([
    ['services', 'rate', ['frontend', 'search', 'checkout', 'payment', 'admin']],
    ['services', 'errors', ['frontend', 'checkout', 'admin', 'payment', 'search']],
    ['services', 'error_share', ['checkout', 'frontend', 'admin', 'payment', 'search']],
    ['services', 'p95', ['admin', 'checkout', 'frontend', 'payment', 'search']],
  ])('%s by %s', async (name, sort, services) => {
    expect(columns(await ask(name, { from: '10m', sort }), 'service').flat()).toEqual(services);
  });

  test('services: rates, errors and quantiles of each', async () => {
    const rows = await ask('services');
    expect(
      columns(rows, 'service', 'calls_per_s', 'errors_per_s', 'error_share', 'p50_ms', 'p95_ms', 'p99_ms'),
    ).toEqual([
      ['frontend', 1, 0.02, 0.02, near(25), near(400), near(800)],
      ['search', 1, 0, 0, near(50), near(50), near(50)],
      ['checkout', 0.1, 0.01, 0.1, near(300), near(600), near(600)],
      ['payment', 0.1, 0, 0, near(100), near(100), near(100)],
      ['admin', 0.003333, 0, 0, near(900), near(900), near(900)],
    ]);
  });

  test('operations: each with its part of the time', async () => {
    expect(
      columns(await ask('operations'), 'operation', 'kind', 'calls_per_s', 'errors_per_s', 'busy_share'),
    ).toEqual([
      ['GET /', 'Server', 0.9, 0.01, 0.166667],
      ['POST /checkout', 'Server', 0.1, 0.01, 0.444444],
      ['Place', 'Client', 0.1, 0, 0.388889],
    ]);
  });

  test('quantiles: by a dimension, between the bounds that are told', async () => {
    const rows = await ask('quantiles');
    expect(columns(rows, 'group', 'calls', 'quantile', 'ms')).toEqual([
      ['frontend | /', 540, 0.5, near(25)],
      ['frontend | /', 540, 0.95, near(29)],
      ['frontend | /checkout', 60, 0.5, near(400)],
      ['frontend | /checkout', 60, 0.95, near(800)],
    ]);
    for (const [i, trueMs] of [25, 29, 400, 800].entries()) {
      expect(rows[i]?.['at_least_ms']).toBeLessThan(trueMs);
      expect(rows[i]?.['at_most_ms']).toBeGreaterThanOrEqual(trueMs);
    }
  });

  test('error-budget: errors and slow requests against what is allowed', async () => {
    // 30 slow ones after the release, 6 of which are errors anyway.
    expect(await ask('error-budget')).toEqual([
      {
        calls: 600,
        errors: 12,
        slow: 24,
        good_share: 0.94,
        budget: 30,
        spent_share: 1.2,
        left_share: -0.2,
        burn_rate: 1.2,
      },
    ]);
  });

  test('burn-rate: of the windows that alerts look at', async () => {
    // 6 errors of 30 in five minutes, of 60 in all that is within a day, of 120 within three.
    expect(
      columns(await ask('burn-rate'), 'long_window', 'long_burn', 'short_burn', 'severity', 'fires'),
    ).toEqual([
      ['1h', 100, 200, 'page', 1],
      ['6h', 100, 100, 'page', 1],
      ['1d', 100, 100, 'ticket', 1],
      ['3d', 50, 100, 'ticket', 1],
    ]);
    const calm = await ask('burn-rate', { service: 'checkout', objective: '0.8' });
    expect(columns(calm, 'long_burn', 'short_burn', 'fires')).toEqual([
      [0.5, 1, 0],
      [0.5, 0.5, 0],
      [0.5, 0.5, 0],
      [0.25, 0.5, 0],
    ]);
  });

  test('slowest-operations and failing-operations', async () => {
    expect(
      columns(await ask('slowest-operations'), 'service', 'operation', 'quantile_ms', 'max_ms', 'mean_ms'),
    ).toEqual([
      ['frontend', 'POST /checkout', near(800), 800, 600],
      ['checkout', 'Place', near(600), 600, 450],
      ['payment', 'Charge', near(100), 100, 100],
      ['search', 'GET /search', near(50), 50, 50],
      ['frontend', 'GET /', near(29), 29, 25],
    ]);
    const failing = await ask('failing-operations');
    expect(
      columns(failing, 'service', 'operation', 'errors', 'calls', 'failed_p50_ms', 'good_p50_ms'),
    ).toEqual([
      ['checkout', 'Place', 6, 60, near(600), near(300)],
      ['frontend', 'GET /', 6, 540, near(21), near(25)],
      ['frontend', 'POST /checkout', 6, 60, near(800), near(400)],
    ]);
    const byShare = await ask('failing-operations', { from: '10m', sort: 'share', service: 'frontend' });
    expect(columns(byShare, 'operation').flat()).toEqual(['POST /checkout', 'GET /']);
  });

  test('changes: what is new, twice as slow, or more', async () => {
    expect(
      columns(await ask('changes'), 'operation', 'what', 'calls_per_s_before', 'calls_per_s', 'error_share'),
    ).toEqual([
      ['GET /search', 'rate', 0, 1, 0],
      ['GET /', 'rate', 0.4, 0.9, 0.011111],
      ['Place', 'p95', 0.1, 0.1, 0.1],
      ['POST /checkout', 'p95', 0.1, 0.1, 0.1],
      ['Charge', '', 0.1, 0.1, 0],
    ]);
  });

  test('versions and release: 1.1.0 is twice as slow and fails', async () => {
    const day = await ask('versions');
    expect(
      columns(day, 'version', 'first_seen', 'last_seen', 'instances', 'calls', 'error_share', 'p95_ms'),
    ).toEqual([
      ['1.0.0', '2026-05-01 12:00:00', '2026-05-01 12:04:50', 1, 30, 0, 300],
      ['1.1.0', '2026-05-01 12:05:00', '2026-05-01 12:09:50', 1, 30, 0.2, 600],
    ]);
    expect(await ask('release')).toEqual([
      {
        operation: 'Place',
        calls_before: 30,
        calls_after: 30,
        error_share_before: 0,
        error_share_after: 0.2,
        p50_ms_before: 300,
        p50_ms_after: 600,
        p95_ms_before: 300,
        p95_ms_after: 600,
      },
    ]);
  });

  test('rare-operations', async () => {
    expect(await ask('rare-operations')).toEqual([
      {
        service: 'admin',
        operation: 'POST /reindex',
        kind: 'Server',
        spans: 2,
        calls: 2,
        errors: 0,
        max_ms: 900,
      },
    ]);
  });

  test('traces by attribute, status and length, the newest first; and one of them', async () => {
    const found = await ask('traces');
    // Multiples of 10 whose rest by 7 is 3, from the end.
    expect(
      columns(found, 'trace_id', 'duration_ms', 'root_operation', 'spans', 'errors', 'services'),
    ).toEqual([
      [traceId({ day: 1, i: 570 }, 1), 800, 'POST /checkout', 5, 0, 'checkout, frontend, payment'],
      [traceId({ day: 1, i: 500 }, 1), 800, 'POST /checkout', 5, 2, 'checkout, frontend, payment'],
      [traceId({ day: 1, i: 430 }, 1), 800, 'POST /checkout', 5, 0, 'checkout, frontend, payment'],
    ]);
    const failed = { service: 'checkout', status: 'Error', from: '10m' };
    expect(await ask('traces', failed)).toHaveLength(6);
    expect(await ask('traces', { attribute: 'http.route', from: '10m', limit: '1000' })).toHaveLength(600);
    expect(
      await ask('traces', { operation: 'GET /', shorter: '21ms', from: '10m', limit: '1000' }),
    ).toHaveLength(60);
    const trace = await ask('trace', { id: traceId({ day: 1, i: 300 }, 1).replace(/^0+/, '').toUpperCase() });
    expect(columns(trace, 'at_ms', 'duration_ms', 'service', 'operation', 'kind', 'status')).toEqual([
      [0, 800, 'frontend', 'POST /checkout', 'Server', 'Error'],
      [10, 700, 'frontend', 'Place', 'Client', 'Unset'],
      [20, 600, 'checkout', 'Place', 'Server', 'Error'],
      [40, 120, 'checkout', 'Charge', 'Client', 'Unset'],
      [50, 100, 'payment', 'Charge', 'Server', 'Unset'],
    ]);
    expect(trace[0]?.['attributes']).toEqual({ 'http.route': '/checkout', 'user.id': 'u6' });
  });

  test('dependencies: who calls whom', async () => {
    expect(
      columns(await ask('dependencies'), 'caller', 'callee', 'calls', 'errors', 'p50_ms', 'p95_ms'),
    ).toEqual([
      ['checkout', 'payment', 60, 0, 100, 100],
      ['frontend', 'checkout', 60, 6, 300, 600],
    ]);
  });

  test('service-graph: the same from the derived table, with who calls from outside', async () => {
    const rows = await ask('service-graph');
    expect(
      columns(
        rows,
        'client',
        'server',
        'type',
        'calls_per_s',
        'error_share',
        'client_p95_ms',
        'server_p50_ms',
      ),
    ).toEqual([
      ['user', 'frontend', 'virtual_node', 1, 0.02, 0, near(25)],
      ['user', 'search', 'virtual_node', 1, 0, 0, near(50)],
      ['checkout', 'payment', '', 0.1, 0, near(120), near(100)],
      ['frontend', 'checkout', '', 0.1, 0.1, near(700), near(300)],
      ['user', 'admin', 'virtual_node', 0.003333, 0, 0, near(900)],
    ]);
    const own = await ask('service-graph', { service: 'checkout', from: '10m' });
    expect(columns(own, 'client').flat()).toEqual(['checkout', 'frontend']);
  });

  test('sampling-effect: what half of the spans stand for, and what is served', async () => {
    await client.command(
      `INSERT INTO ${client.database}.sampling_probabilities (Ts, ServiceName, Operation, Probability)
       VALUES (now64(3), 'search', 'GET /search', 0.5), (now64(3), 'frontend', '', 0.25)`,
    );
    const rows = await ask('sampling-effect');
    await client.command(`TRUNCATE TABLE ${client.database}.sampling_probabilities`);
    expect(columns(rows, 'operation', 'stored', 'calls', 'kept_share', 'served_probability')).toEqual([
      ['GET /search', 300, 600, 0.5, 0.5],
      ['POST /reindex', 2, 2, 1, null],
      ['Place', 60, 60, 1, null],
      ['GET /', 540, 540, 1, 0.25],
      ['POST /checkout', 60, 60, 1, 0.25],
      ['Charge', 60, 60, 1, null],
    ]);
    // 300 of 600 kept: about 600 +- 1.96 sqrt(600)
    expect(rows[0]?.['calls_low']).toBeGreaterThan(550);
    expect(rows[0]?.['calls_low']).toBeLessThan(556);
    expect(rows[0]?.['calls_high']).toBeGreaterThan(646);
    expect(rows[0]?.['calls_high']).toBeLessThan(652);
  });
});

describe('ranges', () => {
  // A tick at every tenth minute of the 48 hours before 12:00.
  test.each([
    ['2026-04-29T12:00:00Z', '2026-05-01T12:00:00Z', 288],
    ['2026-04-29T12:00:10Z', '2026-05-01T12:00:00Z', 287],
    ['2026-04-30', '2026-05-01', 144],
    ['2026-04-29T23:50:00Z', '2026-05-01T00:00:10Z', 146],
    ['2026-04-30T05:09:50Z', '2026-04-30T05:10:10Z', 1],
    ['2026-04-30T05:10:10Z', '2026-04-30T05:20:00Z', 0],
    ['2026-04-29T13:37:20Z', '2026-05-01T11:11:40Z', 274],
  ])('from %s to %s there are %i ticks, from whichever tables they are read', async (from, to, ticks) => {
    const rows = await ask('slowest-operations', { service: 'cron', least: '0', from, to });
    expect(columns(rows, 'calls').flat()).toEqual(ticks === 0 ? [] : [ticks]);
    if (ticks === 0) return;
    const steps = await ask('red', { service: 'cron', step: '10s', from, to });
    expect(steps).toHaveLength(ticks);
  });

  test('a week in days, of which the first is partly before the range', async () => {
    const rows = await ask('red', {
      service: 'cron',
      from: '2026-04-24T08:00:00Z',
      to: '2026-05-01T12:00:00Z',
      step: '1d',
    });
    expect(columns(rows, 'time', 'calls_per_s')).toEqual([
      ['2026-04-29 00:00:00', 0.000833],
      ['2026-04-30 00:00:00', 0.001667],
      ['2026-05-01 00:00:00', 0.001667],
    ]);
  });
});

test('each page in docs/queries is what the queries answer (scripts/docs/write-query-pages.ts writes them)', async () => {
  expect(Object.keys(SAMPLES).sort()).toEqual([...QUERIES.keys()].sort());
  const folder = new URL('../../../docs/queries/', import.meta.url);
  const pages = await renderQueryPages(client);
  expect(readdirSync(folder).sort()).toEqual(Object.keys(pages).sort());
  for (const [name, text] of Object.entries(pages)) {
    expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text);
  }
});

test('spanweir query asks a server that is named by its URL', async () => {
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);
  const quiet = (): void => undefined;
  const values = {
    clickhouse: client.url,
    database: client.database,
    id: traceId({ day: 1, i: 0 }, 1),
    format: 'csv',
  };
  const io = { print, complain: quiet, progress: quiet, clock: systemClock };
  const never = new AbortController().signal;
  expect(await queryCommand.runWithout?.({ values, positionals: ['trace'] }, io, never)).toBe(0);
  expect(printed.join('\n').split('\r\n')).toHaveLength(6);
});

test('spanweir top --once shows the services as they are now', async () => {
  const printed: string[] = [];
  const quiet = (): void => undefined;
  const clock = { ...systemClock, wallMs: () => SHOP_END_S * 1000 + 5000 };
  const io = { print: (line: string) => void printed.push(line), complain: quiet, progress: quiet, clock };
  const values = {
    clickhouse: client.url,
    database: client.database,
    once: true,
    window: '2m',
    sort: 'errors',
  };
  const never = new AbortController().signal;
  expect(await topCommand.runWithout?.({ values, positionals: [] }, io, never)).toBe(0);
  expect(printed[0]).toBe('services by errors, 2m until 12:10:00 UTC');
  // 12 checkouts, of which 2 fail with an error in both services, and 1 page.
  expect(printed.slice(3).map((line) => line.split(/ +/).slice(0, 4))).toEqual([
    ['frontend', '1.00', '0.03', '2.50'],
    ['checkout', '0.10', '0.02', '16.67'],
    ['admin', '0.01', '0.00', '0.00'],
    ['payment', '0.10', '0.00', '0.00'],
    ['search', '1.00', '0.00', '0.00'],
  ]);
});
