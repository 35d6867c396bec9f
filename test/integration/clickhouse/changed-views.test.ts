import { expect, onTestFinished, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { migrate } from '../../../src/clickhouse/migrate.ts';
import { INSERT_SETTINGS } from '../../../src/clickhouse/settings.ts';
import { startClickHouse } from '../../support/clickhouse.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { migrateOptions, newDatabase, openClient } from './database.ts';

const SUMS: Readonly<Record<string, string>> = {
  otel_traces: 'count()',
  trace_summary: 'sum(arraySum(mapValues(Spans)))',
  span_metrics_10s: 'sum(Spans)',
  span_metrics_1m: 'sum(Spans)',
  span_metrics_1h: 'sum(Spans)',
  span_metrics_1d: 'sum(Spans)',
};

async function insertBoth(client: ClickHouse, token: string): Promise<void> {
  const db = client.database;
  const settings = { ...INSERT_SETTINGS, insert_deduplication_token: token };
  await client.command(
    `INSERT INTO ${db}.otel_traces (Timestamp, TraceId, SpanId, ServiceName, SpanName) VALUES
       ('2026-11-21 10:00:00', 'a1', 'b1', 'shop', 'GET /'), ('2026-11-21 10:00:01', 'a1', 'b2', 'shop', 'GET /')`,
    settings,
  );
  await client.command(
    `INSERT INTO ${db}.span_metrics_10s (Ts, ServiceName, SpanName, Spans) VALUES ('2026-11-21 10:00:00', 'shop', 'GET /', 2)`,
    settings,
  );
}

async function sums(client: ClickHouse): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [table, sum] of Object.entries(SUMS)) {
    const [row] = await client.query<{ n: string }>(`SELECT ${sum} AS n FROM ${client.database}.${table}`);
    found[table] = Number(row?.n);
  }
  return found;
}

const ONCE = {
  otel_traces: 2,
  trace_summary: 2,
  span_metrics_10s: 2,
  span_metrics_1m: 2,
  span_metrics_1h: 2,
  span_metrics_1d: 2,
};

// A view that ALTER ... MODIFY QUERY has changed gives its rows other tokens, until the server loads it anew.
test('a block is known in the views of a new schema after the first restart of the server too', async () => {
  const server = await startClickHouse({ dir: tempDirOfTest() });
  onTestFinished(() => server.stop());
  const client = openClient(newDatabase(), server.url);
  onTestFinished(() => client.close());
  await migrate(client, migrateOptions);
  await insertBoth(client, 'block');
  expect(await sums(client)).toEqual(ONCE);

  const before = server.pid();
  process.kill(before as number, 'SIGKILL');
  await waitFor('another server answers', async () => {
    if (server.pid() === before) return false;
    await client.check();
    return true;
  });
  await insertBoth(client, 'block');
  expect(await sums(client)).toEqual(ONCE);
});
