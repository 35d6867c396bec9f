import { join } from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { inject } from 'vitest';
import { freePort } from '../../scripts/parts/ports.mjs';
import { systemClock } from '../../src/base/clock.ts';
import { EmbeddedClickHouse } from '../../src/clickhouse/embedded.ts';
import { uniqueName } from './topics.ts';

export interface RunningClickHouse {
  readonly url: string;
  readonly httpPort: number;
  /** Of the process that serves now. */
  pid(): number | undefined;
  /** In order, within 15 s; then by force. Idempotent. */
  stop(): Promise<void>;
}

/**
 * The engine's own embedded ClickHouse, supervised as there. What an earlier one left in `dir` is still there,
 * and `httpPort` lets a new one take its place.
 */
export async function startClickHouse(options: {
  readonly dir: string;
  readonly httpPort?: number;
  readonly nativePort?: number;
  /** More of the server's configuration, XML. */
  readonly moreConfig?: string;
}): Promise<RunningClickHouse> {
  const httpPort = options.httpPort ?? (await freePort());
  const settings = {
    directory: join(options.dir, 'data'),
    host: '127.0.0.1',
    httpPort,
    nativePort: options.nativePort ?? (await freePort()),
    maxServerMemoryBytes: 2 * 1024 ** 3,
    ...(options.moreConfig === undefined ? {} : { moreConfig: options.moreConfig }),
  };
  const quiet = (): void => undefined;
  const server = new EmbeddedClickHouse(settings, {
    clock: systemClock,
    random: Math.random,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    health: { report: quiet },
    restarts: { add: quiet },
    options: { directory: 'directory', endpoint: 'endpoint', nativeEndpoint: 'native_endpoint' },
    platform: `${process.platform}-${process.arch}`,
  });
  await server.start();
  const stop = async (): Promise<void> => {
    const signal = AbortSignal.timeout(15_000);
    await server.stop({ signal, remainingMs: () => (signal.aborted ? 0 : 15_000) });
  };
  return { url: `http://127.0.0.1:${httpPort}`, httpPort, pid: () => server.pid, stop };
}

/** A client of the shared ClickHouse; close it. */
export function clickhouseClient(database?: string): ClickHouseClient {
  return createClient({ url: inject('clickhouseUrl'), ...(database === undefined ? {} : { database }) });
}

/** A new empty database on the shared ClickHouse; returns its name. */
export async function createDatabase(prefix = 'test'): Promise<string> {
  const name = uniqueName(prefix).replaceAll('-', '_');
  const client = clickhouseClient();
  try {
    await client.command({ query: `CREATE DATABASE ${name}` });
  } finally {
    await client.close();
  }
  return name;
}

/** The rows of one query on the shared ClickHouse, as objects. */
export async function queryRows<T>(query: string): Promise<T[]> {
  const client = clickhouseClient();
  try {
    const result = await client.query({ query, format: 'JSONEachRow' });
    return await result.json<T>();
  } finally {
    await client.close();
  }
}
