import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild, untilReady } from '../../scripts/parts/child.mjs';

export type Child = Awaited<ReturnType<typeof startChild>>;

const BIN = fileURLToPath(new URL('../../bin/spanweir', import.meta.url));

/** Starts the built engine with a configuration (an object in the form of its YAML) and waits until it is ready. */
export async function startEngine(options: {
  readonly dir: string;
  readonly config: object;
  readonly name?: string;
}): Promise<Child> {
  const { dir, config, name = 'spanweir' } = options;
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const logFile = join(dir, `${name}.out`);
  // What an earlier life has logged there says nothing about this one.
  const earlier = existsSync(logFile) ? readFileSync(logFile).length : 0;
  const child = await startChild({
    name,
    command: process.execPath,
    // For profiles: BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=DIR' leaves one a thread.
    args: [...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? []), BIN, '--config', file],
    logFile,
    cwd: dir,
  });
  await untilReady(child, async () =>
    readFileSync(logFile).subarray(earlier).includes('Everything is ready'),
  );
  return child;
}
