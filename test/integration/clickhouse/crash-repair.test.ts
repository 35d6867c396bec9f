import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureProgram } from '../../../scripts/parts/apt.mjs';
import { arm, disarm } from '../../../src/base/failpoints.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { type RunningClickHouse, startClickHouse } from '../../support/clickhouse.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { expectedTotals, somePayloads, someThroughput, type Totals, totalsOf } from './block-totals.ts';
import { migratedDatabase } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

/**
 * MergeTree notes the token of an insert and then renames the part into its place. strace makes that rename fail
 * and kills the server at the very same moment: the token is there, and the part is not.
 */
const repaired = new Set<string>();
let nextOffset = 0;
let strace: string;
let server: RunningClickHouse;
let client: ClickHouse;

beforeAll(async () => {
  strace = await ensureProgram({ what: 'strace', programs: ['strace'], package: 'strace' });
});
// A server of its own for each test, since one that dies often is started again ever later.
beforeEach(async () => {
  const dir = makeTempDir('spanweir-crash-');
  server = await startClickHouse({ dir });
  client = await migratedDatabase(server.url);
  repaired.clear();
  return async () => {
    disarm();
    await client.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  };
});

/** From when it resolves on, the server dies at its nth rename, which does nothing. */
async function killAtRename(n: number): Promise<ChildProcess> {
  await client.command('SYSTEM STOP MERGES');
  const inject = `inject=rename,renameat,renameat2:error=EIO:signal=SIGKILL:when=${n}`;
  const trace = [
    '-f',
    '-p',
    String(server.pid()),
    '-o',
    '/dev/null',
    '-e',
    'trace=rename,renameat,renameat2',
    '-e',
  ];
  const child = spawn(strace, [...trace, inject], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await waitFor('strace being attached', () => said.includes('attached'));
  return child;
}

type Only = 'spans' | 'red' | 'throughput';

/** Writes one block while the server dies at rename n; adds the tables that had to be repaired to `repaired`. */
async function writeThroughCrash(only: Only, n: number): Promise<Record<'before' | 'after', Totals>> {
  const counts = new Map<string, number>();
  const config = { retry_on_failure: { initial_interval: '50ms', max_interval: '200ms' } };
  const setup = new SinkSetup(client, { config, counts, only });
  const origin = kafkaOrigin(nextOffset, nextOffset + 1);
  nextOffset += 2;
  const before = await totalsOf(client);
  const block = setup.block(origin, somePayloads(), someThroughput());
  const pid = server.pid();
  const tracer = await killAtRename(n);
  await setup.sink.write(block, never);
  if (server.pid() === pid) tracer.kill();
  const after = await totalsOf(client);
  for (const [key, count] of counts) {
    const [name, table] = key.split(' ');
    if (name === 'spanweir_clickhouse_repaired_parts_total' && table && count > 0) repaired.add(table);
  }
  const left = await client.query("SELECT name FROM system.tables WHERE startsWith(name, 'repair_')");
  expect(left).toEqual([]);
  return { before, after };
}

async function expectOnce(only: Only, n: number): Promise<void> {
  const { after, before } = await writeThroughCrash(only, n);
  expect([n, after]).toEqual([n, expectedTotals(before, only)]);
}

/** Each crash costs a start of the server. */
const timeout = 300_000;

describe('the server is killed between noting a token and putting the part in place', { timeout }, () => {
  // Parts of a block over two days, in the order in which they are renamed; the log's is the last.
  test('of spans and the summaries of their traces: all are there once', async () => {
    for (const n of [1, 2, 3, 4, 5]) await expectOnce('spans', n);
    expect(repaired).toEqual(new Set(['otel_traces', 'trace_summary', 'ingest_log']));
  });

  test('of RED metrics and their coarser tables: all are there once', async () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7]) await expectOnce('red', n);
    expect(repaired).toEqual(
      new Set(['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d', 'ingest_log']),
    );
  });

  test('of spans that came in a request: none is lost', async () => {
    const config = { retry_on_failure: { initial_interval: '50ms' }, request_timeout: '60s' };
    const setup = new SinkSetup(client, { config, only: 'spans' });
    await killAtRename(1);
    await setup.sink.write(setup.block({ kind: 'request', id: 'crash-1' }, somePayloads()), never);
    const { otel_traces, trace_summary } = await totalsOf(client);
    expect([otel_traces, trace_summary].every((spans) => spans >= 4)).toBe(true);
  });

  test('of spans, and nobody looks: they are lost', async () => {
    arm('bug:no_check_after_lost_connection', () => undefined);
    const { after, before } = await writeThroughCrash('spans', 1);
    expect(after.otel_traces).toBe(before.otel_traces + 1);
  });

  test('of sampling throughput: all is there once', async () => {
    for (const n of [1, 2]) await expectOnce('throughput', n);
    expect(repaired).toEqual(new Set(['sampling_throughput']));
  });
});
