import type { ParseArgsConfig } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/instruments.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import type { Screen } from './screen.ts';

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** It could not start, failed while it ran, or found what it looks for. */
  failed: 1,
  /** The command line can't be understood. */
  usage: 2,
  /** The configuration is wrong. */
  config: 3,
  /** Ended before it was done, because it was told to. */
  interrupted: 130,
} as const;

export type AnyCommand = Command | StandaloneCommand;

/** A command of `spanweir` that works with the configuration which `--config` and `--set` give. */
export interface Command extends CommandBase {
  readonly needsConfig?: true;
  /** Resolves with the exit code. @throws UsageError for values that can't be understood. */
  run(given: GivenArguments, config: LoadedConfig, io: CommandIo, stop: AbortSignal): Promise<number>;
  /** What happens where no configuration is given; undefined, or without it, one is asked for. */
  runWithout?(given: GivenArguments, io: StandaloneIo, stop: AbortSignal): Promise<number> | undefined;
}

/** A command that needs no configuration, and takes none. */
export interface StandaloneCommand extends CommandBase {
  readonly needsConfig: false;
  run(given: GivenArguments, io: StandaloneIo, stop: AbortSignal): Promise<number>;
}

/** `--help` works for every one. */
interface CommandBase {
  readonly name: string;
  /** One line for `spanweir --help`, without a full stop. */
  readonly summary: string;
  /** The whole text of `spanweir NAME --help`. */
  readonly help: string;
  /** The text of `spanweir NAME WORD --help`, where a word has one of its own. @throws UsageError */
  readonly helpOf?: (word: string) => string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Whether words may follow its name; without it they are refused. */
  readonly takesWords?: boolean;
}

export interface GivenArguments {
  /** By option, as `parseArgs` gives them. */
  readonly values: Readonly<Record<string, OptionValue | undefined>>;
  /** The words after the command's name. */
  readonly positionals: readonly string[];
}

export type OptionValue = string | boolean | readonly (string | boolean)[];

/** How a command speaks. */
export interface CommandIo {
  /** To stdout: what was asked for. */
  readonly print: (line: string) => void;
  /** To stderr. */
  readonly complain: (line: string) => void;
  /**
   * What is being done now. Rewrites one line on a terminal; elsewhere it is a line on stderr from time to
   * time. Undefined = done: the line goes away.
   */
  readonly progress: (text: string | undefined) => void;
  /** Takes the whole terminal; undefined where there is none. */
  readonly openScreen?: (() => Screen) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** There is no configuration that says how to log. */
export type StandaloneIo = Omit<CommandIo, 'log'>;

/** The command line can't be understood; the message says which word of it. */
export class UsageError extends Error {}

/** The value of an option that is a text. */
export function textOf({ values }: GivenArguments, option: string): string | undefined {
  const value = values[option];
  return typeof value === 'string' ? value : undefined;
}

export function isGiven({ values }: GivenArguments, option: string): boolean {
  return values[option] === true;
}

/** The value of an option that is a whole number. @throws UsageError */
export function countOf(given: GivenArguments, option: string): number | undefined {
  const text = textOf(given, option);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${option} ${text}: expected a whole number`);
}
