import { expect, inject, test } from 'vitest';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { verifyCommand } from '../../../src/app/commands/verify.ts';
import { COMPONENTS } from '../../../src/app/components.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runCli } from '../../../src/cli.ts';
import { waitFor } from '../../support/wait.ts';
import { silentLog } from '../clickhouse/database.ts';
import { healthyDatabase, spoil, YESTERDAY } from './verify-setup.ts';

/** The command as `spanweir verify` runs it; `out` grows while it runs. */
function start(database: string, words: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const stop = new AbortController();
  const endpoint: string = inject('clickhouseUrl');
  const yaml = `receivers: {nop: }
exporters: {clickhouse: {endpoint: "${endpoint}", database: ${database}}}
service: {pipelines: {traces: {receivers: [nop], exporters: [clickhouse]}}}
`;
  const code = runCli(['verify', '--config', 'c.yaml', ...words], stop.signal, {
    table: COMPONENTS,
    commands: [verifyCommand],
    variables: {},
    run: () => Promise.reject(new Error('not asked for')),
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    progress: () => undefined,
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) },
    logFor: () => silentLog,
    readFile: () => yaml,
  });
  return { out, err, stop, code };
}

const LOSE_AN_HOUR = `ALTER TABLE {db}.span_metrics_1h DELETE WHERE toDate(Ts, 'UTC') = '${YESTERDAY}'`;

test('ends with 0 while all is right and with 1 when it is not, as a page or as JSON', async () => {
  const { client } = await healthyDatabase();
  const right = start(client.database, []);
  expect(await right.code, right.err.join('\n')).toBe(0);
  expect(right.out.at(-1)).toMatch(/^All right: compared 68 spans of 7 blocks, 2 days, 6 more tables in /);

  await spoil(client, LOSE_AN_HOUR);
  const wrong = start(client.database, ['--idle']);
  expect(await wrong.code).toBe(1);
  expect(wrong.out).toContain(`  missing      span_metrics_1h     ${YESTERDAY}: 0 spans instead of 116`);
  const json = start(client.database, ['--json']);
  expect(await json.code).toBe(1);
  expect(JSON.parse(json.out[0] as string).findings).toEqual([
    {
      kind: 'missing',
      table: 'span_metrics_1h',
      day: YESTERDAY,
      expected: 116,
      found: 0,
      text: '0 spans instead of 116',
    },
  ]);
  await client.close();
});

test('--follow goes on looking, tells each finding once and serves what it found', async () => {
  const { client } = await healthyDatabase();
  const port = await freePort();
  const running = start(client.database, ['--follow', '--interval', '50ms', '--listen', `localhost:${port}`]);
  const metric = async (line: RegExp): Promise<string | undefined> => {
    const page = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
    return line.exec(page)?.[1];
  };
  await waitFor('a look that is right', () => running.out.some((line) => line.includes('All right')), {
    deadlineMs: 60_000,
  });
  expect(await metric(/^spanweir_verify_problems\{kind="missing"\} (\d+)$/m)).toBe('0');
  const succeededAt = Number(await metric(/^spanweir_verify_last_success_timestamp_seconds ([\d.]+)$/m));
  expect(Math.abs(Date.now() / 1000 - succeededAt)).toBeLessThan(60);

  await spoil(client, LOSE_AN_HOUR);
  await waitFor(
    'two looks that are not',
    () => running.out.filter((line) => line.includes('1 problems')).length > 1,
    { deadlineMs: 60_000 },
  );
  expect(await metric(/^spanweir_verify_problems\{kind="missing"\} (\d+)$/m)).toBe('1');
  // Rows go part by part: what a look finds meanwhile is another finding.
  const told = running.out.filter((line) => line.includes('missing span_metrics_1h'));
  expect(told.filter((line) => line.includes(': 0 spans instead of 116'))).toHaveLength(1);
  expect(new Set(told.map((line) => line.slice(line.indexOf('missing')))).size).toBe(told.length);
  expect(running.err).toEqual([`metrics at http://localhost:${port}/metrics`]);
  running.stop.abort();
  expect(await running.code).toBe(0);
  await client.close();
});
