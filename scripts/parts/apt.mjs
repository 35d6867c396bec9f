// @ts-check
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot, onPath, progress, withLock } from './cache.mjs';
import { run } from './child.mjs';

/**
 * The path of a program, installed as a Debian package when it is not on PATH and this may be done here
 * (root, apt-get). Rejects with one line that says what to do otherwise.
 * @param {{what: string, programs: string[], package: string}} wanted `programs`: names, the first found wins
 * @returns {Promise<string>}
 */
export async function ensureProgram({ what, programs, package: name }) {
  const found = onPath(...programs);
  if (found) return found;
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get') !== undefined;
  if (!mayInstall) {
    throw new Error(
      `${what} is missing: run "apt-get install ${name}" (or your system's like) to have it on PATH`,
    );
  }
  return await withLock(join(cacheRoot(), 'apt.lock'), async () => {
    const before = onPath(...programs);
    if (before) return before;
    progress(`installing the package ${name}`);
    await withoutServices(() => install(name));
    const installed = onPath(...programs);
    if (installed) return installed;
    throw new Error(`the package ${name} was installed, but ${programs.join(' or ')} is not on PATH`);
  });
}

/** Whether this process has brought the lists up to date; they may be older than the mirror. */
let updated = false;

/** @param {string} name */
async function install(name) {
  if (!updated) await run('apt-get', ['update', '-q'], { env: environment() });
  updated = true;
  const options = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600'];
  await run('apt-get', ['install', ...options, name], { env: environment() });
}

function environment() {
  return { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
}

/**
 * Debian starts the services of a package that it installs unless this file forbids it.
 * @param {() => Promise<void>} work
 */
async function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
