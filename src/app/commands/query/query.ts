import { SpanweirError } from '../../../base/errors.ts';
import type { ClickHouse } from '../../../clickhouse/client.ts';
import { readQueries } from '../../../clickhouse/queries/catalogue.ts';
import type { NamedQuery, QueryParameter } from '../../../clickhouse/queries/query-file.ts';
import { type BoundQuery, bindQuery, type QueryContext } from '../../../clickhouse/queries/run-query.ts';
import { expectedOf } from '../../../clickhouse/queries/values.ts';
import { didYouMean } from '../../../config/nearest.ts';
import {
  type Command,
  EXIT,
  type GivenArguments,
  isGiven,
  type StandaloneIo,
  textOf,
  UsageError,
} from '../command.ts';
import { chosenExporter, withClickHouse } from '../databases.ts';
import { keptOf, USUALLY_KEPT, withServer } from './database.ts';
import { FORMATS, type Format, renderTable } from './render.ts';

const HELP = `spanweir query - asks ClickHouse one of the named questions

Usage: spanweir query                                    lists them
       spanweir query NAME --help                        says what one tells and what it takes
       spanweir query NAME --config FILE... [--PARAMETER=VALUE...]
       spanweir query NAME --clickhouse URL [--PARAMETER=VALUE...]

Times are UTC: 2026-05-01T12:00:00Z, 2026-05-01, or how long ago, such as 2h or 30d. See docs/queries.

Options:
  --format F         table, json or csv (table)
  --param NAME=VALUE a parameter in another way; may be given several times
  --sql              only print the statement, for other clients
  --exporter ID      the clickhouse exporter, where there are several
  --clickhouse URL   a server instead of a configuration, such as http://user:password@localhost:8123
  --database NAME    of its tables (spanweir)

Exit codes: 0 answered, 1 failed, 2 wrong command line, 3 wrong configuration
`;

const TIMEOUT_MS = 120_000;

const OWN_OPTIONS = {
  format: { type: 'string' },
  param: { type: 'string', multiple: true },
  sql: { type: 'boolean' },
  exporter: { type: 'string' },
  clickhouse: { type: 'string' },
  database: { type: 'string' },
} as const;

/** Each parameter of any query is an option: which of them belong to the one that is asked is checked later. */
function optionsOf(queries: Iterable<NamedQuery>): Command['options'] {
  const names = [...queries].flatMap(({ parameters }) => parameters.map(({ name }) => name));
  return { ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])), ...OWN_OPTIONS };
}

const QUERIES = readQueries();

export const queryCommand: Command = {
  name: 'query',
  summary: 'ask ClickHouse a named question; without a name it lists them',
  help: HELP,
  helpOf: (name) => helpOf(queryOf(name)),
  options: optionsOf(QUERIES.values()),
  takesWords: true,
  run: async (given, config, io) => {
    if (given.positionals.length === 0) return list(io);
    if (textOf(given, 'clickhouse') !== undefined)
      throw new UsageError('--clickhouse and --config do not go together');
    const asked = read(given);
    const exporter = chosenExporter(config, textOf(given, 'exporter'));
    const options = { maxConnections: 1, timeoutMs: TIMEOUT_MS, settings: { readonly: '2' }, log: io.log };
    const context = { nowMs: io.clock.wallMs(), kept: keptOf(exporter.config.ttl) };
    return withClickHouse(config, exporter, options, (client) => answer(asked, client, context, io));
  },
  runWithout: (given, io) => {
    if (given.positionals.length === 0) return Promise.resolve(list(io));
    const asked = read(given);
    const url = textOf(given, 'clickhouse');
    if (url === undefined) return undefined;
    const context = { nowMs: io.clock.wallMs(), kept: USUALLY_KEPT };
    return withServer(url, textOf(given, 'database'), (client) => answer(asked, client, context, io));
  },
};

interface Asked {
  readonly query: NamedQuery;
  readonly values: Readonly<Record<string, string>>;
  readonly format: Format;
  readonly onlySql: boolean;
}

async function answer(
  asked: Asked,
  client: ClickHouse,
  context: QueryContext,
  io: StandaloneIo,
): Promise<number> {
  const bound = inWords(() => bindQuery(asked.query, asked.values, context, client.database));
  if (asked.onlySql) {
    const sets = Object.entries(bound.values).map(
      ([name, value]) => `SET param_${name} = ${literal(value)};\n`,
    );
    io.print(`${sets.join('')}${bound.sql};`);
    return EXIT.ok;
  }
  const table = await client.queryTable(bound.sql, bound.values);
  io.print(renderTable(table, asked.format));
  if (asked.format === 'table') tellRange(bound.values, io);
  return EXIT.ok;
}

/** Which time was looked at: its ends are moved to windows of the tables. */
function tellRange({ from, to }: BoundQuery['values'], { complain }: StandaloneIo): void {
  if (typeof from !== 'number' || typeof to !== 'number') return;
  const text = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
  complain(`from ${text(from)} to ${text(to)} UTC`);
}

function literal(value: string | number): string {
  return typeof value === 'number'
    ? `'${value}'`
    : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A value that can't be taken is the command line's mistake. */
function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SpanweirError && error.code === 'BAD_DATA') throw new UsageError(error.message);
    throw error;
  }
}

function list({ print }: StandaloneIo): number {
  const width = Math.max(...[...QUERIES.keys()].map((name) => name.length));
  for (const { name, title } of QUERIES.values()) print(`${name.padEnd(width)}  ${title}`);
  print('\nspanweir query NAME --help says what one takes.');
  return EXIT.ok;
}

function queryOf(name: string): NamedQuery {
  const found = QUERIES.get(name);
  if (found === undefined)
    throw new UsageError(`there is no query "${name}"${didYouMean(name, QUERIES.keys())}`);
  return found;
}

function read(given: GivenArguments): Asked {
  const [name = '', ...more] = given.positionals;
  if (more.length > 0)
    throw new UsageError(`"${more.join(' ')}" is too much (values go as --PARAMETER=VALUE)`);
  const query = queryOf(name);
  const format = textOf(given, 'format') ?? 'table';
  if (!(FORMATS as readonly string[]).includes(format)) {
    throw new UsageError(`--format ${format}: expected ${FORMATS.join(', ')}`);
  }
  const values = valuesOf(given);
  const known = query.parameters.map((parameter) => parameter.name);
  for (const one of Object.keys(values)) {
    if (!known.includes(one))
      throw new UsageError(`${name} has no parameter ${one}${didYouMean(one, known)}`);
  }
  const missing = query.parameters.find(
    (parameter) => parameter.initial === undefined && !(parameter.name in values),
  );
  if (missing !== undefined) throw new UsageError(`${name} needs --${missing.name}: ${missing.about}`);
  return { query, values, format: format as Format, onlySql: isGiven(given, 'sql') };
}

function valuesOf({ values }: GivenArguments): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!(name in OWN_OPTIONS) && name !== 'config' && name !== 'set' && typeof value === 'string')
      found[name] = value;
  }
  for (const pair of (values['param'] ?? []) as readonly string[]) {
    const [, name = '', value = ''] = /^([^=]+)=([\s\S]*)$/.exec(pair) ?? [];
    if (name === '') throw new UsageError(`--param ${pair}: expected NAME=VALUE`);
    found[name] = value;
  }
  return found;
}

function helpOf({ name, title, about, parameters }: NamedQuery): string {
  const width = Math.max(...parameters.map((parameter) => parameter.name.length)) + 2;
  const lines = parameters.map((parameter) => `  --${parameter.name.padEnd(width)} ${describe(parameter)}`);
  return `spanweir query ${name} - ${title}\n\n${about}\n\nParameters:\n${lines.join('\n')}\n`;
}

function describe(parameter: QueryParameter): string {
  const { kind, initial, about } = parameter;
  const expected = kind === 'text' ? '' : `; ${expectedOf(parameter)}`;
  const start = initial === undefined ? 'has to be given' : initial === '' ? undefined : `default ${initial}`;
  return `${about}${expected}${start === undefined ? '' : ` (${start})`}`;
}
