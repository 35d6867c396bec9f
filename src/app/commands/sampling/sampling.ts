import { compareText } from '../../../sampling/by-operation.ts';
import { decisionOf, type ReportedDecision } from '../../../sampling/explain/decisions-report.ts';
import { explain } from '../../../sampling/explain/explain.ts';
import { explainFully, explainPollers } from '../../../sampling/explain/explain-fully.ts';
import {
  EXIT,
  type GivenArguments,
  isGiven,
  type StandaloneCommand,
  type StandaloneIo,
  textOf,
  UsageError,
} from '../command.ts';
import { type ExplainSource, engineSource, tableSource } from './explain-source.ts';

const DEFAULT_URL = 'http://localhost:16686';

export const samplingCommand: StandaloneCommand = {
  name: 'sampling',
  summary: 'say why sampling is what it is: sampling explain [SERVICE [OPERATION]]',
  help: `spanweir sampling explain [SERVICE [OPERATION]]

Says in words what probability an operation is sampled with and what led to it: the estimated traffic and how sure
that is, the target, the rule that had the last word, whether the service does as it is told, who asks for it. Without
an operation it lists all of the service, without a service all services.

  --url URL         the page of a running engine, or where SDKs ask it (default ${DEFAULT_URL})
  --clickhouse URL  reads the tables instead, such as http://user:password@localhost:8123
  --database NAME   of these tables (default spanweir)
  --json            one JSON object a decision

Exit codes: 0 told, 1 nothing is known of it or nobody answers, 2 wrong command line`,
  options: {
    url: { type: 'string' },
    clickhouse: { type: 'string' },
    database: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesWords: true,
  needsConfig: false,
  run: async (given, io) => {
    const [verb, service, operation, ...more] = given.positionals;
    if (verb !== 'explain' || more.length > 0) {
      throw new UsageError('expected: spanweir sampling explain [SERVICE [OPERATION]]');
    }
    const source = sourceOf(given, io);
    try {
      return await tell(source, { service, operation, json: isGiven(given, 'json') }, io);
    } finally {
      await source.close();
    }
  },
};

interface Asked {
  readonly service: string | undefined;
  readonly operation: string | undefined;
  readonly json: boolean;
}

function sourceOf(given: GivenArguments, io: StandaloneIo): ExplainSource {
  const [url, clickhouse] = [textOf(given, 'url'), textOf(given, 'clickhouse')];
  if (url !== undefined && clickhouse !== undefined) {
    throw new UsageError('--url and --clickhouse: expected one of them');
  }
  for (const [option, text] of Object.entries({ url, clickhouse })) {
    if (text !== undefined && !/^https?:/.test(URL.canParse(text) ? new URL(text).protocol : '')) {
      throw new UsageError(`--${option} ${text}: expected http://host:port`);
    }
  }
  if (clickhouse === undefined) return engineSource(url ?? DEFAULT_URL);
  return tableSource(clickhouse, textOf(given, 'database') ?? 'spanweir', () => io.clock.wallMs());
}

async function tell(source: ExplainSource, asked: Asked, io: StandaloneIo): Promise<number> {
  const { service, operation, json } = asked;
  const { mode, decisions: found } = await source.decisions(service, operation);
  const isObserved = mode === 'observe';
  const decisions = found.toSorted(
    (a, b) => compareText(a.service, b.service) || compareText(a.operation, b.operation),
  );
  if (decisions.length === 0) {
    io.complain(await nothingKnown(source, asked));
    return EXIT.failed;
  }
  const nowMs = io.clock.wallMs();
  if (isObserved && !json && operation === undefined) {
    io.print('Only observed: none of this is served (mode: observe).');
  }
  for (const each of decisions) {
    if (json) io.print(JSON.stringify(each));
    else if (operation === undefined) io.print(lineOf(each, service === undefined));
    else for (const line of explainFully(each, nowMs, isObserved)) io.print(line);
  }
  if (json || service === undefined) return EXIT.ok;
  const pollers = await source.pollers(service);
  if (pollers === undefined) return EXIT.ok;
  io.print('');
  for (const line of explainPollers(pollers, service, nowMs)) io.print(line);
  return EXIT.ok;
}

async function nothingKnown(source: ExplainSource, { service, operation }: Asked): Promise<string> {
  if (service === undefined) return 'nothing has been decided yet';
  const { decisions: others } = await source.decisions(service, undefined);
  if (operation !== undefined && others.length > 0) {
    return (
      `nothing is decided on "${operation}" by itself: it has the default of ${service}` +
      ` (spanweir sampling explain ${service} '')`
    );
  }
  return `nothing is known of a service "${service}": it has the default of services that are not known`;
}

function lineOf(reported: ReportedDecision, withService: boolean): string {
  const { service, operation } = reported;
  const what = operation === '' ? '(all others)' : operation;
  const who = service === '' ? '(services that are not known)' : service;
  return `${withService ? `${who}: ` : ''}${what}: ${explain(decisionOf(reported))}`;
}
