// @ts-check
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './parts/node-modules.mjs';

/**
 * `node scripts/complete-lock.mjs`, after a change of dependencies. A registry that mirrors only what its own
 * systems need has no packages for other systems; npm then leaves them out of package-lock.json, and `npm ci`
 * refuses the file everywhere. This notes them with the exact version that their parent asks for and the
 * system that their name says, without a hash (npm on such a system fetches them by version).
 */
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

/**
 * @typedef {{version?: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[],
 *   libc?: string[], optionalDependencies?: Record<string, string>}} Package
 */

const file = join(ROOT, 'package-lock.json');
/** @type {{packages: Record<string, Package>}} */
const lock = JSON.parse(readFileSync(file, 'utf8'));
const names = new Set(Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1)));

let added = 0;
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (names.has(name)) continue;
    if (!/^\d/.test(version)) throw new Error(`${name}: ${version} is not one exact version`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(parent.dev ? { dev: true } : {}),
      optional: true,
      ...systemOf(name),
    };
    names.add(name);
    added++;
  }
}
const [root = ['', {}], ...others] = Object.entries(lock.packages);
const sorted = others.sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries([root, ...sorted]);
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`${added} packages of other systems noted in package-lock.json`);

/**
 * "@oxlint/binding-linux-arm64-musl" -> {os: ["linux"], cpu: ["arm64"], libc: ["musl"]}
 * @param {string} name
 */
function systemOf(name) {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) throw new Error(`${name}: for which system is it?`);
  const musl = words.some((word) => word.startsWith('musl'));
  return { os: [os], cpu: [cpu], ...(os === 'linux' ? { libc: [musl ? 'musl' : 'glibc'] } : {}) };
}
