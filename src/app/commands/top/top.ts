import { formatDuration, parseDurationMs } from '../../../base/duration.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import type { ClickHouse, QueriedTable } from '../../../clickhouse/client.ts';
import { readQueries } from '../../../clickhouse/queries/catalogue.ts';
import type { KeptS } from '../../../clickhouse/queries/rollups.ts';
import { runQuery } from '../../../clickhouse/queries/run-query.ts';
import {
  type Command,
  countOf,
  EXIT,
  type GivenArguments,
  isGiven,
  type StandaloneIo,
  textOf,
  UsageError,
} from '../command.ts';
import { chosenExporter, withClickHouse } from '../databases.ts';
import { keptOf, USUALLY_KEPT, withServer } from '../query/database.ts';
import { afterKey, frame, KEYS_LINE, type Shown, SORTS, type Sort, type View } from './frame.ts';

const HELP = `spanweir top - rate, errors and durations as they are now

Usage: spanweir top --config FILE... [options]
       spanweir top --clickhouse URL [options]

Reads ClickHouse, so it shows what all replicas have stored, by event time: windows of 10 s, the newest of which
is left out for some seconds until its spans are in. Rates are of requests, sampled or not.

Options:
  --service NAME     the operations of this service; without it all services
  --sort KEY         rate, errors, error_share or p95 (rate)
  --kind KIND        entry, all, Server, Client, Internal, Producer or Consumer (entry = Server and Consumer)
  --window TIME      how long a time the figures are of (1m)
  --interval TIME    between two looks (2s)
  --limit N          most rows (as many as fit; 50 without a terminal)
  --once             one look, printed
  --exporter ID      the clickhouse exporter, where there are several
  --clickhouse URL   a server instead of a configuration, such as http://user:password@localhost:8123
  --database NAME    of its tables (spanweir)

Keys: ${KEYS_LINE}

Where the output is no terminal, each look is printed below the last.

Exit codes: 0 ended, 1 failed, 2 wrong command line, 3 wrong configuration
`;

const TIMEOUT_MS = 30_000;
/** Until what was in a window is in the tables: the linger of a block and its insert. */
const SETTLING_MS = 4_000;
const PLAIN_LIMIT = 50;
/** Heading, a problem, an empty line, names of columns, an empty line and the keys. */
const OTHER_LINES = 6;

interface Options {
  readonly view: View;
  readonly kind: string;
  readonly windowMs: number;
  readonly intervalMs: number;
  readonly limit: number | undefined;
  readonly once: boolean;
}

export const topCommand: Command = {
  name: 'top',
  summary: 'show rate, errors and durations of services as they are now',
  help: HELP,
  options: {
    service: { type: 'string' },
    sort: { type: 'string' },
    kind: { type: 'string' },
    window: { type: 'string' },
    interval: { type: 'string' },
    limit: { type: 'string' },
    once: { type: 'boolean' },
    exporter: { type: 'string' },
    clickhouse: { type: 'string' },
    database: { type: 'string' },
  },
  run: async (given, config, io, stop) => {
    if (textOf(given, 'clickhouse') !== undefined) {
      throw new UsageError('--clickhouse and --config do not go together');
    }
    const options = readOptions(given);
    const exporter = chosenExporter(config, textOf(given, 'exporter'));
    const work = { maxConnections: 1, timeoutMs: TIMEOUT_MS, settings: { readonly: '2' }, log: io.log };
    const kept = keptOf(exporter.config.ttl);
    return withClickHouse(config, exporter, work, (client) => top({ client, kept, options, io }, stop));
  },
  runWithout: (given, io, stop) => {
    const options = readOptions(given);
    const url = textOf(given, 'clickhouse');
    if (url === undefined) return undefined;
    return withServer(url, textOf(given, 'database'), (client) =>
      top({ client, kept: USUALLY_KEPT, options, io }, stop),
    );
  },
};

interface Deps {
  readonly client: ClickHouse;
  readonly kept: KeptS;
  readonly options: Options;
  readonly io: StandaloneIo;
}

async function top(deps: Deps, stop: AbortSignal): Promise<number> {
  const { io, options } = deps;
  if (options.once) {
    for (const line of frame(await look(deps, options.view, PLAIN_LIMIT))) io.print(line);
    return EXIT.ok;
  }
  if (io.openScreen !== undefined) return onScreen(deps, io.openScreen, stop);
  while (!stop.aborted) {
    for (const line of [...frame(await look(deps, options.view, PLAIN_LIMIT)), '']) io.print(line);
    await io.clock.sleep(options.intervalMs, stop);
  }
  return EXIT.ok;
}

/** Looks again after each interval and each key, until it is left. A server that is away is waited for. */
async function onScreen(
  deps: Deps,
  openScreen: NonNullable<StandaloneIo['openScreen']>,
  stop: AbortSignal,
): Promise<number> {
  const { options, io } = deps;
  const screen = openScreen();
  let { view } = options;
  let left = false;
  let wake = new AbortController();
  const end = (): void => {
    left = true;
    wake.abort();
  };
  stop.addEventListener('abort', end, { once: true });
  screen.onKey((key) => {
    const next = afterKey(view, key);
    if (next === 'quit') return end();
    if (next === undefined) return;
    view = next;
    wake.abort();
  });
  try {
    let last: QueriedTable | undefined;
    while (!left && !stop.aborted) {
      wake = new AbortController();
      const asked = view;
      const shown = await look(deps, asked, Math.max(1, screen.rows - OTHER_LINES)).catch((error: unknown) =>
        failed(deps, { view: asked, table: last, error }),
      );
      last = shown.table;
      // A key that came meanwhile wants another picture.
      if (asked === view) screen.show([...frame(shown), '', KEYS_LINE]);
      if (!left && asked === view) await io.clock.sleep(options.intervalMs, wake.signal);
    }
  } finally {
    stop.removeEventListener('abort', end);
    screen.close();
  }
  return EXIT.ok;
}

async function look({ client, kept, options, io }: Deps, view: View, fits: number): Promise<Shown> {
  const nowMs = io.clock.wallMs() - SETTLING_MS;
  const name = view.service === undefined ? view.rows : 'operations';
  const query = readQueries().get(name);
  if (query === undefined) throw new SpanweirError('START', `sql/queries/${name}.sql is missing`);
  const given = {
    kind: options.kind,
    sort: view.sort,
    from: formatDuration(options.windowMs),
    limit: String(options.limit ?? fits),
    ...(view.service === undefined ? {} : { service: view.service }),
  };
  const table = await runQuery(client, query, given, { nowMs, kept });
  return { view, table, ...rangeOf(options, nowMs), problem: undefined };
}

function failed(
  { options, io }: Deps,
  {
    view,
    table,
    error,
  }: { readonly view: View; readonly table: QueriedTable | undefined; readonly error: unknown },
): Shown {
  const range = rangeOf(options, io.clock.wallMs() - SETTLING_MS);
  return { view, table, ...range, problem: toError(error).message };
}

function rangeOf({ windowMs }: Options, nowMs: number): Pick<Shown, 'windowText' | 'untilMs'> {
  return { windowText: formatDuration(windowMs), untilMs: Math.floor(nowMs / 10_000) * 10_000 };
}

const KINDS = ['entry', 'all', 'Server', 'Client', 'Internal', 'Producer', 'Consumer'];

function readOptions(given: GivenArguments): Options {
  const service = textOf(given, 'service');
  const sort = oneOf('sort', textOf(given, 'sort') ?? 'rate', SORTS) as Sort;
  const windowMs = timeOf(given, 'window', '1m');
  if (windowMs % 10_000 !== 0) throw new UsageError('--window: expected a multiple of 10s');
  return {
    view: { service, rows: 'services', sort },
    kind: oneOf('kind', textOf(given, 'kind') ?? 'entry', KINDS),
    windowMs,
    intervalMs: timeOf(given, 'interval', '2s'),
    limit: countOf(given, 'limit'),
    once: isGiven(given, 'once'),
  };
}

function oneOf(option: string, text: string, words: readonly string[]): string {
  if (words.includes(text)) return text;
  throw new UsageError(`--${option} ${text}: expected ${words.join(', ')}`);
}

function timeOf(given: GivenArguments, option: string, initial: string): number {
  const text = textOf(given, option) ?? initial;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new UsageError(`--${option} ${text}: expected a time such as 30s`);
}
