import { parseDurationMs } from '../../base/duration.ts';
import { endpoint } from '../../base/schema.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import {
  type Command,
  type CommandIo,
  countOf,
  EXIT,
  type GivenArguments,
  isGiven,
  textOf,
  UsageError,
} from './command.ts';
import { chosenExporter, withClickHouse } from './databases.ts';
import { type FollowOptions, follow } from './verify/follow.ts';
import type { Scope } from './verify/log-state.ts';
import { renderReport } from './verify/report.ts';
import { lookUntilSettled } from './verify/settled.ts';

const HELP = `spanweir verify - checks in ClickHouse that every span is in every table exactly once

Usage: spanweir verify --config FILE... [options]

Compares ingest_log, which has one row per block, table and day, with what the tables hold. It only reads, may run
beside the engine, and looks again before it calls something wrong. See docs/verify.md.

Options:
  --since DAY        first day, as 2026-11-20, UTC
  --until DAY        last day
  --topic NAME       only this topic: tables without offsets are left out
  --partition N      only this partition
  --exporter ID      which clickhouse exporter, when there are several
  --idle             nothing is being written: what is not in the log yet is a problem
  --threads N        of the server, for a query (2)
  --limit N          most lines of each kind (100)
  --json             the report as JSON
  --follow           go on looking and serve metrics, until it is stopped
  --interval TIME    between two looks (60s)
  --listen ADDRESS   where --follow serves /metrics (localhost:8890)

After the first look --follow looks at yesterday and today, unless --since says otherwise.

Exit codes: 0 all right, 1 problems found or failed, 2 wrong command line, 3 wrong configuration, 130 interrupted
`;

/** Between a query of a day with very many spans and a server that does not answer. */
const QUERY_TIMEOUT_MS = 600_000;
/** Beyond the request_timeout of the exporter: what a server still does with an insert that was given up. */
const REQUEST_MARGIN_MS = 2_000;

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check that every span is in every table of ClickHouse exactly once',
  help: HELP,
  options: {
    since: { type: 'string' },
    until: { type: 'string' },
    topic: { type: 'string' },
    partition: { type: 'string' },
    exporter: { type: 'string' },
    idle: { type: 'boolean' },
    threads: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
    follow: { type: 'boolean' },
    interval: { type: 'string' },
    listen: { type: 'string' },
  },
  run: verify,
};

async function verify(
  given: GivenArguments,
  config: LoadedConfig,
  io: CommandIo,
  stop: AbortSignal,
): Promise<number> {
  const scope = scopeOf(given);
  const settings = settingsOf(countOf(given, 'threads') ?? 2);
  const following = followOptions(given);
  const exporter = chosenExporter(config, textOf(given, 'exporter'));
  const limit = countOf(given, 'limit') ?? 100;
  const idle = isGiven(given, 'idle');
  const json = isGiven(given, 'json');
  const options = { maxConnections: 2, timeoutMs: QUERY_TIMEOUT_MS, settings, log: io.log };
  return withClickHouse(config, exporter, options, async (client) => {
    const patienceMs = exporter.config.request_timeout + REQUEST_MARGIN_MS;
    const deps = { client, clock: io.clock, progress: io.progress, patienceMs };
    if (following !== undefined) return follow(deps, io, { ...following, scope, idle, json }, stop);
    const report = await unlessStopped(lookUntilSettled(deps, scope, { idle }), stop);
    io.progress(undefined);
    if (report === undefined) return EXIT.interrupted;
    const what = `${exporter.id}: ${client.database} at ${client.url}`;
    if (json) io.print(JSON.stringify(report));
    else for (const line of renderReport(report, what, limit)) io.print(line);
    return report.findings.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** Verify never writes, takes few threads, and lets others go first. */
function settingsOf(threads: number): Record<string, string> {
  return {
    readonly: '2',
    max_threads: String(Math.max(1, threads)),
    priority: '10',
    optimize_aggregation_in_order: '1',
    cancel_http_readonly_queries_on_client_close: '1',
    // Lists of partitions and their offsets stand in the queries.
    max_query_size: '16777216',
  };
}

function scopeOf(given: GivenArguments): Scope {
  const since = dayOf(given, 'since');
  const until = dayOf(given, 'until');
  if (since !== undefined && until !== undefined && since > until) {
    throw new UsageError(`--since ${since} is after --until ${until}`);
  }
  return { since, until, topic: textOf(given, 'topic'), partition: countOf(given, 'partition') };
}

function dayOf(given: GivenArguments, option: string): string | undefined {
  const text = textOf(given, option);
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new UsageError(`--${option} ${text}: expected a day such as 2026-11-20`);
  }
  return text;
}

function followOptions(given: GivenArguments): Pick<FollowOptions, 'intervalMs' | 'listen'> | undefined {
  const interval = textOf(given, 'interval') ?? '60s';
  const listen = textOf(given, 'listen') ?? 'localhost:8890';
  const intervalMs = parseDurationMs(interval);
  if (intervalMs === undefined || intervalMs < 0)
    throw new UsageError(`--interval ${interval}: expected a time such as 30s`);
  const address = endpoint().safeParse(listen);
  if (!address.success) throw new UsageError(`--listen ${listen}: expected host:port`);
  if (isGiven(given, 'follow')) return { intervalMs, listen: address.data };
  for (const option of ['interval', 'listen']) {
    if (textOf(given, option) !== undefined) throw new UsageError(`--${option} belongs to --follow`);
  }
  return undefined;
}

/** Undefined when it was stopped first; the work then ends by itself, with its connections. */
async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  work.catch(() => undefined);
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return Promise.race([work, stopped]);
}
