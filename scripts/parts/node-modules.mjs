// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './cache.mjs';
import { runVisibly } from './child.mjs';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * Installs the libraries where node_modules is missing or is not what package-lock.json says.
 * @returns {Promise<void>}
 */
export async function ensureNodeModules() {
  if (!isStale()) return;
  await withLock(join(ROOT, '.cache', 'install.lock'), async () => {
    if (!isStale()) return;
    const code = await runVisibly('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT });
    if (code !== 0) throw new Error(`npm ci ended with ${code}`);
  });
}

/** Compares what npm noted down when it last installed with the lock file. */
function isStale() {
  const noted = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return true;
  const installed = packagesOf(noted);
  return Object.entries(packagesOf(join(ROOT, 'package-lock.json'))).some(([path, { version, optional }]) => {
    if (path === '') return false;
    const found = installed[path];
    // Optional packages are for other systems, too.
    return found === undefined ? !optional : found.version !== version;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, {version?: string, optional?: boolean}>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}
