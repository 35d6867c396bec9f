// @ts-check
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../parts/cache.mjs';
import { runVisibly } from '../parts/child.mjs';
import { ensureNodeModules, ROOT } from '../parts/node-modules.mjs';

const OLDEST = [20, 20];

/** @throws {Error} when this Node.js is too old */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Error(`Spanweir needs Node.js ${OLDEST.join('.')} or newer; this is ${process.versions.node}`);
}

/** Libraries as the lock file says, and a build of the sources as they are. */
export async function prepare() {
  await ensureNodeModules();
  if (!isBuildStale()) return;
  await withLock(join(ROOT, '.cache', 'build.lock'), async () => {
    if (!isBuildStale()) return;
    process.stdout.write('building\n');
    const started = Date.now();
    const code = await runVisibly('npm', ['run', '--silent', 'build'], { cwd: ROOT });
    if (code !== 0) throw new Error(`the build ended with ${code}`);
    writeFileSync(STAMP, `${started}\n`);
  });
}

const STAMP = join(ROOT, 'dist', '.built');

/** Whether a source is younger than the last build that was made here. */
function isBuildStale() {
  if (!existsSync(STAMP) || !existsSync(join(ROOT, 'dist', 'main.js'))) return true;
  const builtMs = statSync(STAMP).mtimeMs;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const files = sources
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const others = ['package-lock.json', 'tsconfig.json'].map((name) => join(ROOT, name));
  return [...files, ...others].some((file) => statSync(file).mtimeMs > builtMs);
}
