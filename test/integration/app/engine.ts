import { closeSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { startChild, untilReady } from '../../../scripts/parts/child.mjs';
import { processesWith } from '../../../scripts/parts/leftovers.mjs';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { uniqueName } from '../../support/topics.ts';

const BIN = fileURLToPath(new URL('../../../bin/spanweir', import.meta.url));
const MARK = 'SPANWEIR_TEST_ENGINE';

export type Process = Awaited<ReturnType<typeof startChild>>;

export interface Launch {
  readonly dir: string;
  /** Default spanweir; of its log, and of its configuration where that is given as an object. */
  readonly name?: string;
  /** YAML text, an object in its form, or paths of files. */
  readonly config: string | object | readonly string[];
  /** `--set`s by path. */
  readonly set?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Another build's bin/spanweir. */
  readonly bin?: string;
}

export interface RunningEngine extends Process {
  /** All that it has logged. */
  log(): string;
  /** Its processes besides itself, such as an embedded ClickHouse; also after its end. */
  offspring(): { pid: number; command: string }[];
}

/** A file of pipelines/. */
export function pipeline(name: string): string {
  return fileURLToPath(new URL(`../../../pipelines/${name}`, import.meta.url));
}

/** The built program with any arguments, in `dir`. */
export async function launch(
  args: readonly string[],
  { dir, name = 'spanweir', env = {}, bin = BIN }: Pick<Launch, 'dir' | 'name' | 'env' | 'bin'>,
): Promise<RunningEngine> {
  mkdirSync(dir, { recursive: true });
  const logFile = join(dir, `${name}.out`);
  const mark = uniqueName('engine');
  const from = sizeOf(logFile);
  const child = await startChild({
    name,
    command: process.execPath,
    args: [bin, ...args],
    logFile,
    cwd: dir,
    env: { ...process.env, ...env, [MARK]: mark },
  });
  return {
    ...child,
    log: () => readFrom(logFile, from),
    offspring: () => processesWith(MARK, mark).filter(({ pid }) => pid !== child.pid),
  };
}

/** The arguments that stand for a launch's configuration. */
export function configArguments({ dir, name = 'spanweir', config, set = {} }: Launch): string[] {
  const sets = Object.entries(set).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
  if (Array.isArray(config)) {
    return [...(config as string[]).flatMap((file) => ['--config', file]), ...sets];
  }
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config, undefined, 2));
  return ['--config', file, ...sets];
}

/** Starts the built engine and waits until it is ready; it is stopped, in order, when the running test has finished. */
export async function startEngine(options: Launch): Promise<RunningEngine> {
  const engine = await launch(configArguments(options), options);
  onTestFinished(async () => {
    await engine.stop(40_000);
  });
  const isReady = async () => engine.log().includes('Everything is ready');
  await untilReady(engine, isReady, { deadlineMs: 120_000 });
  return engine;
}

/** Runs the built program to its end. */
export async function runToEnd(
  args: readonly string[],
  options: Pick<Launch, 'dir' | 'name' | 'env'>,
): Promise<{ code: number | null; log: string; offspring: { pid: number; command: string }[] }> {
  const engine = await launch(args, options);
  const { code } = await engine.ended;
  return { code, log: engine.log(), offspring: engine.offspring() };
}

/** 127.0.0.1 with a free port. */
export async function freeAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(file: string, from: number): string {
  if (from === 0) return readFileSync(file, 'utf8');
  const bytes = Buffer.alloc(Math.max(0, sizeOf(file) - from));
  const fd = openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    closeSync(fd);
  }
}
