import { join } from 'node:path';
import { freePort } from '../../scripts/parts/ports.mjs';
import { systemClock } from '../../src/base/clock.ts';
import { ClickHouse } from '../../src/clickhouse/client.ts';
import { EmbeddedClickHouse } from '../../src/clickhouse/embedded.ts';
import { migrate } from '../../src/clickhouse/migrate.ts';

const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface EmbeddedDatabase {
  readonly client: ClickHouse;
  /** Of the server. */
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** A ClickHouse of its own in `dir`, with the schema, and RED rows that never expire. */
export async function startDatabase(dir: string, database: string): Promise<EmbeddedDatabase> {
  const httpPort = await freePort();
  const server = new EmbeddedClickHouse(
    {
      directory: join(dir, 'data'),
      host: '127.0.0.1',
      httpPort,
      nativePort: await freePort(),
      maxServerMemoryBytes: 4 * 1024 ** 3,
    },
    {
      clock: systemClock,
      random: Math.random,
      log,
      health: { report: quiet },
      restarts: { add: quiet },
      options: { directory: 'directory', endpoint: 'endpoint', nativeEndpoint: 'native_endpoint' },
      platform: `${process.platform}-${process.arch}`,
    },
  );
  await server.start();
  const client = new ClickHouse({
    url: `http://127.0.0.1:${httpPort}`,
    username: 'default',
    password: '',
    database,
    timeoutMs: 600_000,
    maxConnections: 4,
    gzip: false,
    settings: {},
  });
  const stop = async (): Promise<void> => {
    await client.close();
    await server.stop({ signal: AbortSignal.timeout(20_000), remainingMs: () => 20_000 });
  };
  try {
    await migrateForEver(client);
  } catch (error) {
    await stop();
    throw error;
  }
  return { client, pid: server.pid ?? 0, stop };
}

/** The schema, with spans and RED rows that never expire. */
export async function migrateForEver(client: ClickHouse): Promise<void> {
  await migrate(client, {
    spansTtlMs: 0,
    tableTtlsMs: { span_metrics_10s: 0, span_metrics_1m: 0, span_metrics_1h: 0, span_metrics_1d: 0 },
    dryRun: false,
    clock: systemClock,
    random: Math.random,
    log,
  });
}
