import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type AnyCommand,
  type CommandIo,
  EXIT,
  type GivenArguments,
  UsageError,
} from './app/commands/command.ts';
import type { Clock } from './base/clock.ts';
import { SpanweirError, toError } from './base/errors.ts';
import type { Log } from './base/instruments.ts';
import { SECTION_NAMES, SECTIONS } from './config/defined.ts';
import { renderJsonSchema } from './config/json-schema.ts';
import { loadConfig } from './config/load-config.ts';
import type { LoadedConfig } from './config/loaded-config.ts';
import { didYouMean } from './config/nearest.ts';
import { renderReference, sorted } from './config/reference.ts';
import type { ComponentType } from './flow/component-type.ts';
import { renderMetricsPage } from './telemetry/metrics-page.ts';

/** What the commands work with; tests give their own. */
export interface CliDeps {
  readonly table: readonly ComponentType[];
  /** Those that are not built in. */
  readonly commands: readonly AnyCommand[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly run: (config: LoadedConfig, stop: AbortSignal) => Promise<number>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly progress: CommandIo['progress'];
  readonly openScreen?: CommandIo['openScreen'];
  readonly clock: Clock;
  readonly logFor: (config: LoadedConfig) => Log;
  readonly readFile?: (path: string) => string;
  readonly writeFile?: (path: string, text: string) => void;
}

const BUILT_IN: readonly (readonly [name: string, summary: string])[] = [
  ['run', 'run the engine (this is what happens without a command)'],
  ['validate', 'check a configuration and tell everything that is wrong with it'],
];

const WITHOUT_CONFIG: readonly (readonly [name: string, summary: string])[] = [
  ['components', 'list the components that a configuration may name'],
  ['config reference', 'print every option of every component (docs/config.md)'],
  ['docs', 'write docs/config.md, docs/config.schema.json and docs/metrics.md'],
  ['help [command]', 'this text, or that of a command'],
  ['version', 'the version'],
];

function help(commands: readonly AnyCommand[]): string {
  const own = commands.map(({ name, summary }) => [name, summary] as const);
  const lines = [...BUILT_IN, ...own, ...WITHOUT_CONFIG].map(
    ([name, summary]) => `  ${name.padEnd(18)} ${summary}`,
  );
  return `spanweir - measures and regulates the flow of spans

Usage: spanweir [command] --config FILE... [--set KEY=VALUE...]

Commands:
${lines.join('\n')}

Options:
  --config FILE      a path, file:path, env:NAME or yaml:text; several are merged, later ones win
  --set KEY=VALUE    set one option, such as exporters.clickhouse.database=test; comes after all --config
  -h, --help         this text; with a command, what it does and its options
  -v, --version      the version

Exit codes: 0 ended in order, 1 failed, 2 wrong command line, 3 wrong configuration, 130 ended by a second signal`;
}

const OPTIONS = {
  config: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const satisfies AnyCommand['options'];

interface Arguments extends GivenArguments {
  readonly name: string;
  /** Undefined for what is built in. */
  readonly command: AnyCommand | undefined;
  readonly configs: readonly string[];
  readonly sets: readonly string[];
}

/** Does what the arguments say. Resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[], stop: AbortSignal, deps: CliDeps): Promise<number> {
  try {
    return await dispatch(readArguments(argv, deps.commands), stop, deps);
  } catch (error) {
    deps.progress(undefined);
    if (error instanceof UsageError) {
      deps.complain(`spanweir: ${error.message}\nTry: spanweir --help`);
      return EXIT.usage;
    }
    deps.complain(`spanweir: ${toError(error).message}`);
    return error instanceof SpanweirError && error.code === 'CONFIG' ? EXIT.config : EXIT.failed;
  }
}

function readArguments(argv: readonly string[], commands: readonly AnyCommand[]): Arguments {
  const [name = 'run', ...words] = wordsOf(argv, commands);
  const command = commands.find((one) => one.name === name);
  const { values, positionals } = strictly(argv, command, commands);
  const given = { values, command, configs: values.config ?? [], sets: values.set ?? [] };
  if (values.version) return { ...given, name: 'version', positionals: [] };
  if (values.help) return { ...given, name: 'help', positionals: [name, ...words] };
  const names = [...BUILT_IN, ...WITHOUT_CONFIG].map(([one]) => one.split(' ', 1)[0] as string);
  const known = [...names, ...commands.map((one) => one.name)];
  if (!known.includes(name)) throw new UsageError(`there is no command "${name}"${didYouMean(name, known)}`);
  if (name === 'config' && words[0] !== 'reference')
    throw new UsageError('expected: spanweir config reference');
  const extra = command?.takesWords ? [] : words.slice(WORDS_OF[name] ?? 0);
  if (extra.length > 0) throw new UsageError(`"${extra.join(' ')}" is too much (files go after --config)`);
  return { ...given, name, positionals: positionals.slice(1) };
}

/** How many words may follow what is built in. */
const WORDS_OF: Readonly<Record<string, number>> = { config: 1, help: 2 };

/** The words that are neither options nor their values; which command it is decides what the options are. */
function wordsOf(argv: readonly string[], commands: readonly AnyCommand[]): string[] {
  const options = Object.assign({}, ...commands.map((command) => command.options), OPTIONS);
  return parseArgs({ args: [...argv], allowPositionals: true, strict: false, options }).positionals;
}

function strictly(argv: readonly string[], command: AnyCommand | undefined, commands: readonly AnyCommand[]) {
  try {
    const options = { ...command?.options, ...OPTIONS };
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    return { values: values as GivenArguments['values'] & OwnValues, positionals };
  } catch (error) {
    const { message } = toError(error);
    const option = /^Unknown option '--([^']+)'/.exec(message)?.[1];
    const owners = commands.filter((one) => option !== undefined && option in one.options);
    if (owners.length === 0) {
      if (option === undefined) throw new UsageError(message);
      const known = Object.keys({ ...command?.options, ...OPTIONS });
      throw new UsageError(`there is no option --${option}${didYouMean(option, known)}`);
    }
    throw new UsageError(`--${option} belongs to ${owners.map(({ name }) => name).join(', ')}`);
  }
}

interface OwnValues {
  readonly config?: string[];
  readonly set?: string[];
  readonly help?: boolean;
  readonly version?: boolean;
}

async function dispatch(given: Arguments, stop: AbortSignal, deps: CliDeps): Promise<number> {
  switch (given.name) {
    case 'help': {
      const [name, word] = given.positionals;
      const about = deps.commands.find((command) => command.name === name);
      const text = word === undefined ? about?.help : (about?.helpOf?.(word) ?? about?.help);
      deps.print((text ?? help(deps.commands)).trimEnd());
      return EXIT.ok;
    }
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
  const { print, complain, progress, openScreen, clock } = deps;
  const alone = { print, complain, progress, openScreen, clock };
  if (given.command?.needsConfig === false) {
    const [option] = [
      ...(given.configs.length > 0 ? ['config'] : []),
      ...(given.sets.length > 0 ? ['set'] : []),
    ];
    if (option !== undefined) throw new UsageError(`${given.name} takes no --${option}`);
    return given.command.run(given, alone, stop);
  }
  if (given.configs.length === 0) {
    const code = given.command?.runWithout?.(given, alone, stop);
    if (code !== undefined) return code;
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
  if (given.name === 'run') return deps.run(config, stop);
  for (const warning of config.warnings) deps.complain(`warning: ${warning}`);
  if (given.command === undefined) {
    deps.print('The configuration is right.');
    return EXIT.ok;
  }
  const io = { ...alone, log: deps.logFor(config) };
  return given.command.run(given, config, io, stop);
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
