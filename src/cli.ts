import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SpanweirError, toError } from './base/errors.ts';
import { SECTION_NAMES, SECTIONS } from './config/defined.ts';
import { renderJsonSchema } from './config/json-schema.ts';
import { loadConfig } from './config/load-config.ts';
import type { LoadedConfig } from './config/loaded-config.ts';
import { didYouMean } from './config/nearest.ts';
import { renderReference, sorted } from './config/reference.ts';
import type { ComponentType } from './flow/component-type.ts';
import { renderMetricsPage } from './telemetry/metrics-page.ts';

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** It could not start, or failed while it ran. */
  failed: 1,
  /** The command line can't be understood. */
  usage: 2,
  /** The configuration is wrong. */
  config: 3,
} as const;

/** What the commands work with; tests give their own. */
export interface CliDeps {
  readonly table: readonly ComponentType[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly run: (config: LoadedConfig, stop: AbortSignal) => Promise<number>;
  readonly migrate: (config: LoadedConfig, dryRun: boolean, print: (line: string) => void) => Promise<void>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly readFile?: (path: string) => string;
  readonly writeFile?: (path: string, text: string) => void;
}

const HELP = `spanweir - measures and regulates the flow of spans

Usage: spanweir [command] --config FILE... [--set KEY=VALUE...]

Commands:
  run                run the engine (this is what happens without a command)
  validate           check a configuration and tell everything that is wrong with it
  migrate            bring the ClickHouse schema up to date; --dry-run only shows what would be done
  components         list the components that a configuration may name
  config reference   print every option of every component (docs/config.md)
  docs               write docs/config.md, docs/config.schema.json and docs/metrics.md
  help, version

Options:
  --config FILE      a path, file:path, env:NAME or yaml:text; several are merged, later ones win
  --set KEY=VALUE    set one option, such as exporters.clickhouse.database=test; comes after all --config
  --dry-run          with migrate
  -h, --help         this text
  -v, --version      the version

Exit codes: 0 ended in order, 1 failed, 2 wrong command line, 3 wrong configuration, 130 ended by a second signal
`;

const COMMANDS = ['run', 'validate', 'migrate', 'components', 'config', 'docs', 'help', 'version'];

interface Arguments {
  readonly command: string;
  readonly configs: readonly string[];
  readonly sets: readonly string[];
  readonly dryRun: boolean;
}

/** Does what the arguments say. Resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[], stop: AbortSignal, deps: CliDeps): Promise<number> {
  try {
    return await dispatch(readArguments(argv), stop, deps);
  } catch (error) {
    if (error instanceof UsageError) {
      deps.complain(`spanweir: ${error.message}\nTry: spanweir --help`);
      return EXIT.usage;
    }
    deps.complain(`spanweir: ${toError(error).message}`);
    return error instanceof SpanweirError && error.code === 'CONFIG' ? EXIT.config : EXIT.failed;
  }
}

class UsageError extends Error {}

function readArguments(argv: readonly string[]): Arguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    throw new UsageError(toError(error).message);
  }
  const { values, positionals } = parsed;
  const [command = 'run', second] = positionals;
  if (values.help) return { command: 'help', configs: [], sets: [], dryRun: false };
  if (values.version) return { command: 'version', configs: [], sets: [], dryRun: false };
  if (!COMMANDS.includes(command)) {
    throw new UsageError(`there is no command "${command}"${didYouMean(command, COMMANDS)}`);
  }
  const extra = positionals.slice(command === 'config' ? 2 : 1);
  if (extra.length > 0) throw new UsageError(`"${extra.join(' ')}" is too much (files go after --config)`);
  if (command === 'config' && second !== 'reference')
    throw new UsageError('expected: spanweir config reference');
  if (values['dry-run'] && command !== 'migrate') throw new UsageError('--dry-run belongs to migrate');
  return {
    command,
    configs: values.config ?? [],
    sets: values.set ?? [],
    dryRun: values['dry-run'] ?? false,
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string', multiple: true },
      set: { type: 'string', multiple: true },
      'dry-run': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
}

async function dispatch(given: Arguments, stop: AbortSignal, deps: CliDeps): Promise<number> {
  switch (given.command) {
    case 'help':
      deps.print(HELP.trimEnd());
      return EXIT.ok;
    case 'version':
      deps.print(`spanweir ${version()}`);
      return EXIT.ok;
    case 'components':
      deps.print(listComponents(deps.table));
      return EXIT.ok;
    case 'config':
      deps.print(renderReference(deps.table).trimEnd());
      return EXIT.ok;
    case 'docs':
      return writeDocs(deps);
    default:
      return withConfig(given, stop, deps);
  }
}

async function withConfig(given: Arguments, stop: AbortSignal, deps: CliDeps): Promise<number> {
  if (given.configs.length === 0) {
    throw new UsageError('no configuration: --config FILE (pipelines/all-in-one.yaml is one to begin with)');
  }
  const config = loadConfig(given, deps.table, {
    variables: deps.variables,
    ...(deps.readFile === undefined ? {} : { readFile: deps.readFile }),
  });
  if ('problems' in config) {
    for (const problem of config.problems) deps.complain(problem);
    return EXIT.config;
  }
  if (given.command === 'run') return deps.run(config, stop);
  for (const warning of config.warnings) deps.complain(`warning: ${warning}`);
  if (given.command === 'migrate') await deps.migrate(config, given.dryRun, deps.print);
  else deps.print('The configuration is right.');
  return EXIT.ok;
}

/** As YAML, so that it can be read by people and programs. */
function listComponents(table: readonly ComponentType[]): string {
  const lines: string[] = [];
  for (const section of SECTION_NAMES) {
    lines.push(`${section}:`);
    for (const type of sorted(table.filter(({ kind }) => kind === SECTIONS[section]))) {
      const names = [type.type, ...(type.aliases ?? [])];
      for (const name of names) {
        const description = name === type.type ? type.description : `Old name of ${type.type}.`;
        lines.push(`  ${name}: ${JSON.stringify(description)}`);
      }
    }
  }
  return lines.join('\n');
}

/** The pages that are made from the code, by their paths. */
export function generatedDocs(table: readonly ComponentType[]): Readonly<Record<string, string>> {
  return {
    'docs/config.md': renderReference(table),
    'docs/config.schema.json': renderJsonSchema(table),
    'docs/metrics.md': renderMetricsPage(),
  };
}

function writeDocs(deps: CliDeps): number {
  const write = deps.writeFile ?? ((path: string, text: string) => writeFileSync(path, text));
  for (const [path, text] of Object.entries(generatedDocs(deps.table))) {
    write(path, text);
    deps.print(`wrote ${path}`);
  }
  return EXIT.ok;
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
