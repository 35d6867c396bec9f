import { expect, test } from 'vitest';
import { dlqCommand } from '../../../src/app/commands/dlq.ts';
import { migrateCommand } from '../../../src/app/commands/migrate.ts';
import { queryCommand } from '../../../src/app/commands/query/query.ts';
import { renderTable } from '../../../src/app/commands/query/render.ts';
import { replayCommand } from '../../../src/app/commands/replay.ts';
import { samplingCommand } from '../../../src/app/commands/sampling/sampling.ts';
import { simulateCommand } from '../../../src/app/commands/simulate/simulate.ts';
import { verifyCommand } from '../../../src/app/commands/verify.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runCli } from '../../../src/cli.ts';
import { readQueries } from '../../../src/clickhouse/queries/catalogue.ts';

const quiet = (): void => undefined;

async function spanweir(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(words, new AbortController().signal, {
    table: [],
    commands: [queryCommand],
    variables: {},
    run: async () => 0,
    progress: quiet,
    clock: systemClock,
    logFor: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }),
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test('without a name it lists all queries', async () => {
  const { code, out } = await spanweir('query');
  expect(code).toBe(0);
  expect(out).toContain('services            All services: rate, errors and durations\n');
  for (const name of readQueries().keys()) expect(out).toContain(`${name} `);
});

test('--help after a name tells what that query takes', async () => {
  const { out } = await spanweir('query', 'red', '--help');
  expect(out).toContain('spanweir query red - Rate, errors and durations of a service over time');
  expect(out).toContain('--service     the service (has to be given)');
  expect(out).toMatch(
    /--step +length of a step; .* a duration such as 30s, 5m or 1d, or auto \(default auto\)/,
  );
});

test.each([
  [['servces'], 'there is no query "servces" (did you mean "services"?)'],
  [['servces', '--help'], 'did you mean "services"?'],
  [['red', '--clickhouse', 'http://localhost:1'], 'red needs --service: the service'],
  [['red', '--servce=a'], 'there is no option --servce (did you mean "service"?)'],
  [['red', '--service=a', '--release=2'], 'red has no parameter release'],
  [['red', '--param', 'servce=a'], 'red has no parameter servce (did you mean "service"?)'],
  [['red', '--param', 'service'], '--param service: expected NAME=VALUE'],
  [['red', 'checkout'], '"checkout" is too much'],
  [['red', '--service=a', '--format=xml'], '--format xml: expected table, json, csv'],
  [['red', '--service=a'], 'no configuration'],
  [
    ['red', '--service=a', '--from=soon', '--clickhouse=http://localhost:1'],
    'from "soon": expected a time such as',
  ],
  [
    ['red', '--service=a', '--step=7s', '--clickhouse=http://localhost:1'],
    'step 7 s: expected a multiple of 10 s',
  ],
  [['red', '--service=a', '--clickhouse=localhost'], '--clickhouse localhost: expected a URL'],
])('%j is a wrong command line', async (words, message) => {
  const { code, err } = await spanweir('query', ...words);
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test('--sql prints the statement with its values, and asks nobody', async () => {
  const where = ['--clickhouse=http://localhost:1', '--database=db'];
  const { code, out } = await spanweir('query', 'trace', '--id', "a'b", '--sql', ...where);
  expect(code).toBe(0);
  expect(out).toMatch(/^SET param_id = 'a\\'b';\nWITH/);
  expect(out).toContain('FROM `db`.otel_traces');
});

test('no parameter has the name of a switch or of an option with several values', () => {
  const others = [dlqCommand, migrateCommand, replayCommand, samplingCommand, simulateCommand, verifyCommand];
  const names = [...readQueries().values()].flatMap(({ parameters }) => parameters.map(({ name }) => name));
  const taken = others.flatMap(({ options }) =>
    Object.entries(options).filter(([, { type, multiple }]) => type === 'boolean' || multiple === true),
  );
  const switches = ['config', 'set', 'help', 'version', ...taken.map(([name]) => name)];
  expect(switches.filter((name) => names.includes(name))).toEqual([]);
});

const TABLE = {
  columns: [
    { name: 'name', type: 'LowCardinality(String)' },
    { name: 'n', type: 'UInt64' },
    { name: 'share', type: 'Nullable(Float64)' },
  ],
  rows: [
    ['a, "b"', '12', 0.5],
    ['\u001b[2Jé', '9007199254740993', null],
  ],
  serverMs: 1,
};

test('a table has numbers to the right, and shows no control character as it is', () => {
  expect(renderTable(TABLE, 'table').split('\n')).toEqual([
    'name                     n  share',
    'a, "b"                  12    0.5',
    '\\x1b[2Jé  9007199254740993      -',
  ]);
});

test('JSON has numbers where they are exact', () => {
  expect(JSON.parse(renderTable(TABLE, 'json'))).toEqual([
    { name: 'a, "b"', n: 12, share: 0.5 },
    { name: '\u001b[2Jé', n: '9007199254740993', share: null },
  ]);
  expect(renderTable({ ...TABLE, rows: [] }, 'json')).toBe('[]');
});

test('CSV quotes what needs it', () => {
  expect(renderTable(TABLE, 'csv')).toBe('name,n,share\r\n"a, ""b""",12,0.5\r\n\u001b[2Jé,9007199254740993,');
});
