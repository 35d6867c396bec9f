import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../scripts/parts/child.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const REVISION = /BLOCK_REVISION = (\d+)/;

/** The path of its `bin/spanweir`. */
export type Build = string;

/** The program as it stands now, in a folder of its own: work on the sources does not disturb a run. */
export async function makeBuild(dir: string): Promise<Build> {
  mkdirSync(dir, { recursive: true });
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const out = join(dir, 'dist');
  const args = ['-p', join(ROOT, 'tsconfig.json'), '--outDir', out];
  try {
    await run(tsc, [...args, '--tsBuildInfoFile', join(dir, 'tsbuildinfo')]);
  } catch (error) {
    if (!existsSync(join(out, 'main.js'))) throw error;
    console.log(`the build has errors, and is used all the same: ${String(error).slice(0, 300)}`);
  }
  for (const part of ['bin', 'sql', 'package.json'])
    cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  return join(dir, 'bin', 'spanweir');
}

/** The same program, but its rows are said to be made by other rules: what a release that changes rows looks like. */
export function makeNextRevision(build: Build, dir: string): Build {
  cpSync(join(build, '..', '..'), dir, { recursive: true, verbatimSymlinks: true });
  const file = join(dir, 'dist', 'flow', 'block.js');
  const code = readFileSync(file, 'utf8');
  const revision = REVISION.exec(code)?.[1];
  if (revision === undefined) throw new Error('BLOCK_REVISION is not where it was');
  writeFileSync(file, code.replace(REVISION, `BLOCK_REVISION = ${Number(revision) + 1}`));
  return join(dir, 'bin', 'spanweir');
}
