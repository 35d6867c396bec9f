import { expect, test } from 'vitest';
import { clickhouseClient, createDatabase, queryRows } from '../../support/clickhouse.ts';

test('the shared ClickHouse is the real server and answers over HTTP', async () => {
  const [row] = await queryRows<{ version: string }>('SELECT version() AS version');
  expect(row?.version).toMatch(/^26\./);
});

test('a database of a test keeps rows and drops a repeated block', async () => {
  const database = await createDatabase();
  const client = clickhouseClient(database);
  try {
    await client.command({
      query: 'CREATE TABLE t (n UInt64) ORDER BY n SETTINGS non_replicated_deduplication_window = 100',
    });
    for (const insert_deduplication_token of ['one', 'one', 'two']) {
      const clickhouse_settings = { insert_deduplication_token };
      await client.insert({ table: 't', values: [{ n: 1 }], format: 'JSONEachRow', clickhouse_settings });
    }
    const result = await client.query({ query: 'SELECT count() AS rows FROM t', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ rows: 2 }]);
  } finally {
    await client.command({ query: `DROP DATABASE ${database}` });
    await client.close();
  }
});
