import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { freePorts } from '../../scripts/parts/ports.mjs';
import { systemClock } from '../../src/base/clock.ts';
import { EmbeddedClickHouse } from '../../src/clickhouse/embedded.ts';

export const DATABASE = 'spanweir';

/** A real ClickHouse in a process of its own, which is started again whenever it is killed. */
export interface Database {
  readonly httpPort: number;
  /** Rows of a query on the engine's database, past every proxy. */
  readonly query: <T>(sql: string) => Promise<T[]>;
  command(sql: string): Promise<void>;
  /** SIGKILL; `whileDead` comes before its successor begins; resolves when that one answers. */
  kill(whileDead?: () => void): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export async function startDatabase(dir: string): Promise<Database> {
  const [httpPort, nativePort] = (await freePorts(2)) as [number, number];
  const quiet = (): void => undefined;
  const server = new EmbeddedClickHouse(
    {
      directory: join(dir, 'data'),
      host: '127.0.0.1',
      httpPort,
      nativePort,
      maxServerMemoryBytes: 3 * 1024 ** 3,
    },
    {
      clock: systemClock,
      random: Math.random,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      health: { report: quiet },
      restarts: { add: () => console.log('  ClickHouse was started again') },
      options: { directory: 'directory', endpoint: 'endpoint', nativeEndpoint: 'native_endpoint' },
      platform: `${process.platform}-${process.arch}`,
    },
  );
  await server.start();
  const url = `http://127.0.0.1:${httpPort}`;
  const first = createClient({ url });
  await first.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
  await first.close();
  const client = createClient({
    url,
    database: DATABASE,
    request_timeout: 120_000,
    // A kept connection may be closed by the server in the moment in which it is used again.
    keep_alive: { enabled: false },
    log: { level: ClickHouseLogLevel.OFF },
  });
  const query = async <T>(sql: string): Promise<T[]> => {
    const result = await client.query({
      query: sql,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    return await result.json<T>();
  };
  const signal = (name: NodeJS.Signals): void => {
    if (server.pid !== undefined) process.kill(server.pid, name);
  };
  return {
    httpPort,
    query,
    command: async (sql) => void (await client.command({ query: sql })),
    signal,
    kill: async (whileDead) => {
      const before = server.pid;
      signal('SIGKILL');
      // In the same turn: the successor is started when the end is noticed.
      whileDead?.();
      const endMs = performance.now() + 60_000;
      while (server.pid === before || !(await query('SELECT 1').then(isTrue, isFalse))) {
        if (performance.now() > endMs) throw new Error('ClickHouse did not come back in 60 s');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop: async () => {
      await client.close();
      const deadline = AbortSignal.timeout(15_000);
      await server.stop({ signal: deadline, remainingMs: () => (deadline.aborted ? 0 : 15_000) });
    },
  };
}

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;
