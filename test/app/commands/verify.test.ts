import { describe, expect, test } from 'vitest';
import { isIn, ttlOf, whileIn } from '../../../src/app/commands/verify/days.ts';
import { type Finding, keyOf, type Report, renderReport } from '../../../src/app/commands/verify/report.ts';
import { verifyCommand } from '../../../src/app/commands/verify.ts';
import { COMPONENTS } from '../../../src/app/components.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runCli } from '../../../src/cli.ts';

const ONE = 'exporters: {clickhouse: {endpoint: "http://127.0.0.1:9"}}\n';
const TWO =
  'exporters: {clickhouse: {endpoint: "http://127.0.0.1:9"}, clickhouse/b: {endpoint: "http://127.0.0.1:9"}}\n';

async function verify(words: string, exporters = ONE): Promise<{ code: number; err: string }> {
  const ids = exporters === ONE ? 'clickhouse' : 'clickhouse, clickhouse/b';
  const yaml = `receivers: {nop: }\n${exporters}service: {pipelines: {traces: {receivers: [nop], exporters: [${ids}]}}}\n`;
  const err: string[] = [];
  const quiet = (): void => undefined;
  const code = await runCli(
    ['verify', '--config', 'c.yaml', ...words.split(' ').filter((word) => word !== '')],
    new AbortController().signal,
    {
      table: COMPONENTS,
      commands: [verifyCommand],
      variables: {},
      run: () => Promise.reject(new Error('not asked for')),
      print: quiet,
      complain: (line) => err.push(line),
      progress: quiet,
      clock: systemClock,
      logFor: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }),
      readFile: () => yaml,
    },
  );
  return { code, err: err.join('\n').split('\nTry')[0] as string };
}

describe('the command line', () => {
  test.each([
    ['--since 2026-13-01', '--since 2026-13-01: expected a day such as 2026-11-20'],
    ['--until yesterday', '--until yesterday: expected a day such as 2026-11-20'],
    ['--since 2026-11-21 --until 2026-11-20', '--since 2026-11-21 is after --until 2026-11-20'],
    ['--partition x', '--partition x: expected a whole number'],
    ['--interval 5s', '--interval belongs to --follow'],
    ['--follow --interval soon', '--interval soon: expected a time such as 30s'],
    ['--follow --listen here', '--listen here: expected host:port'],
    ['--exporter other', '--exporter other: expected one of clickhouse'],
  ])('refuses %s', async (words, message) => {
    expect(await verify(words)).toEqual({ code: 2, err: `spanweir: ${message}` });
  });

  test('asks which exporter is meant when there are several', async () => {
    expect(await verify('', TWO)).toEqual({
      code: 2,
      err: 'spanweir: --exporter is needed: one of clickhouse, clickhouse/b',
    });
  });

  test('a database that does not answer is a failure', async () => {
    const { code, err } = await verify('');
    expect(code).toBe(1);
    expect(err).toContain('ECONNREFUSED');
  });
});

test('a TTL is read as the server writes it', () => {
  const engine = (ttl: string): string =>
    `MergeTree PARTITION BY toDate(Ts) ORDER BY Ts ${ttl}SETTINGS index_granularity = 8192`;
  expect(ttlOf(engine('TTL toDate(Timestamp) + toIntervalSecond(1209600) '))).toBe(14 * 86_400_000);
  expect(ttlOf(engine('TTL toDate(Ts) + toIntervalDay(3) '))).toBe(3 * 86_400_000);
  expect(ttlOf(engine(''))).toBeUndefined();
});

test('a window has both of its days, or no end', () => {
  const window = { since: '2026-02-28', until: '2026-02-28' };
  expect(['2026-02-27', '2026-02-28', '2026-03-01'].map((day) => isIn(day, window))).toEqual([
    false,
    true,
    false,
  ]);
  expect(whileIn('Ts', window)).toBe(
    "Ts >= toDateTime64('2026-02-28 00:00:00', 9, 'UTC') AND Ts < toDateTime64('2026-03-01 00:00:00', 9, 'UTC')",
  );
  expect(whileIn('Ts', { since: undefined, until: undefined })).toBe('1');
});

const GAP: Finding = {
  kind: 'gap',
  table: 'ingest_log',
  source: 'c/otlp_spans',
  partition: 3,
  firstOffset: 10,
  lastOffset: 19,
  day: '2026-11-20',
  text: '10 offsets of no block, between [0, 9] and [20, 29]',
};
const TOTAL: Finding = {
  kind: 'missing',
  table: 'span_metrics_1m',
  day: '2026-11-20',
  expected: 30,
  found: 20,
  text: '20 spans instead of 30',
};

const REPORT: Report = {
  days: ['2026-11-20', '2026-11-21'],
  partitions: [
    {
      source: 'c/otlp_spans',
      partition: 3,
      blocks: 2,
      firstOffset: 0,
      lastOffset: 29,
      expected: 20,
      found: 20,
    },
    {
      source: '',
      partition: undefined,
      blocks: 1,
      firstOffset: undefined,
      lastOffset: undefined,
      expected: 10,
      found: 10,
    },
  ],
  tables: [{ table: 'span_metrics_1m', days: 2, expected: 30, found: 20 }],
  findings: [GAP, TOTAL],
  open: [],
  leftOut: ['ingest_log: 2 gaps of days that expire'],
  seconds: 0.25,
};

test('a report is a page that a person can read', () => {
  expect(renderReport(REPORT, 'clickhouse: spanweir at http://localhost:8123', 100)).toEqual([
    'clickhouse: spanweir at http://localhost:8123, 2 days, 2026-11-20 to 2026-11-21 (UTC)',
    '',
    'source        partition  blocks  offsets  spans logged  spans found',
    'c/otlp_spans          3       2   0 - 29            20           20',
    'requests              -       1        -            10           10',
    '',
    'table            days  spans expected  spans found',
    'span_metrics_1m     2              30           20',
    '',
    'Problems',
    '  gap          ingest_log          c/otlp_spans:3 [10, 19] 2026-11-20: 10 offsets of no block, between [0, 9] and [20, 29]',
    '  missing      span_metrics_1m     2026-11-20: 20 spans instead of 30',
    '',
    'Left out',
    '  ingest_log: 2 gaps of days that expire',
    '',
    '2 problems: compared 30 spans of 3 blocks, 2 days, 1 more tables in 0.3 s',
  ]);
});

test('many findings are cut, and their number is told', () => {
  expect(renderReport(REPORT, 'x', 1)).toContain('  and 1 more (--limit)');
});

test('a finding is the same one while its difference is, however the totals grow', () => {
  expect(keyOf({ ...TOTAL, expected: 130, found: 120 })).toBe(keyOf(TOTAL));
  expect(keyOf({ ...TOTAL, found: 21 })).not.toBe(keyOf(TOTAL));
  expect(keyOf({ ...GAP, lastOffset: 20 })).not.toBe(keyOf(GAP));
});
