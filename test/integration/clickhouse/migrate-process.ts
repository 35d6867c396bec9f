/** A process of its own that brings a database forward: `migrate-process.ts URL DATABASE` prints what it applied. */
import { systemClock } from '../../../src/base/clock.ts';
import { ClickHouse } from '../../../src/clickhouse/client.ts';
import { migrate } from '../../../src/clickhouse/migrate.ts';

const [url = '', database = ''] = process.argv.slice(2);
const quiet = (): void => undefined;
const client = new ClickHouse({
  url,
  username: 'default',
  password: '',
  database,
  timeoutMs: 60_000,
  maxConnections: 2,
  gzip: false,
  settings: {},
});
const { applied } = await migrate(client, {
  spansTtlMs: 0,
  dryRun: false,
  clock: systemClock,
  random: Math.random,
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
await client.close();
process.stdout.write(JSON.stringify(applied));
