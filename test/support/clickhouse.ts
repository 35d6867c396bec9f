import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { inject } from 'vitest';
import { type Child, startChild, untilReady } from '../../scripts/parts/child.mjs';
import { freePort } from '../../scripts/parts/ports.mjs';
import { uniqueName } from './topics.ts';

export interface RunningClickHouse {
  readonly url: string;
  readonly child: Child;
  /** Ends its last query, which ends the process; SIGKILL after 10 s. */
  stop(): Promise<void>;
}

/** A real ClickHouse server in a child process; what an earlier one left in `dir` is still there. */
export async function startClickHouse(options: {
  readonly dir: string;
  readonly httpPort?: number;
}): Promise<RunningClickHouse> {
  const dir = join(options.dir, 'data');
  mkdirSync(dir, { recursive: true });
  const httpPort = options.httpPort ?? (await freePort());
  const program = fileURLToPath(new URL('clickhouse-child.mjs', import.meta.url));
  const child = await startChild({
    name: 'ClickHouse',
    command: process.execPath,
    args: [program, dir, String(httpPort), String(await freePort())],
    logFile: join(options.dir, 'clickhouse.out'),
  });
  const url = `http://127.0.0.1:${httpPort}`;
  await untilReady(child, async () => (await fetch(`${url}/ping`)).ok);
  const stop = async (): Promise<void> => {
    const body = "KILL QUERY WHERE query LIKE 'SELECT sleepEachRow%' AND query_id != queryID() ASYNC";
    await fetch(url, { method: 'POST', body }).catch(() => undefined);
    const timer = setTimeout(() => void child.kill(), 10_000);
    await child.ended;
    clearTimeout(timer);
  };
  return { url, child, stop };
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
